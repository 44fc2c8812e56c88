"""Alarms: whoever subscribed to the topic of alarms hears a sentence."""

from postroad_aws.clients import get_client
from postroad_aws.observability import logger
from postroad_aws.settings import settings


def tell(subject: str, sentence: str) -> None:
    """Publish it. That nobody could be told is no reason to fail: what it is about has happened already."""
    logger.warning("an alarm", subject=subject, sentence=sentence)
    if topic := settings().alarms_topic_arn:
        try:
            get_client("sns").publish(TopicArn=topic, Subject=subject[:100], Message=sentence)
        except Exception as error:
            logger.exception("an alarm could not be published", error=type(error).__name__)
