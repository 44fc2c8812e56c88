"""Every day: learns which products go together, and which sell best."""

from typing import Any

from postroad_aws.observability import logger
from postroad_aws.storage import contacts, products
from postroad_aws.usecases.learn_products import learn_products


def handler(event: dict[str, Any], context: object) -> dict[str, int]:
    """Answers how many people were learned from, and of how many products it is known what goes with them."""
    lesson = learn_products(contacts, products)
    logger.info("products were learned", people=lesson.people, products=lesson.products)
    return lesson._asdict()
