"""A message's id travels through SES as a tag, whose value takes few signs."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.sending.feedback import find_feedback, parse_tag, tag_of

# An enrollment is named in URL-safe base64, a step as definitions allow, a visit by a number.
message_ids = st.from_regex(r"[A-Za-z0-9_-]{12}\.[a-z0-9][a-z0-9_-]{0,63}(~[1-9][0-9]?)?", fullmatch=True)


@given(message_ids)
def test_a_tag_takes_only_what_ses_allows_and_gives_the_id_back(message_id: str) -> None:
    tag = tag_of(message_id)
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,256}", tag)
    assert parse_tag(tag) == message_id


@pytest.mark.parametrize(
    ("message_id", "tag"),
    [("enr-1.welcome", "enr-1_dwelcome"), ("a_t.first_day~2", "a__t_dfirst__day_t2"), ("_d.x", "__d_dx")],
)
def test_tags_already_sent_keep_their_meaning(message_id: str, tag: str) -> None:
    assert tag_of(message_id) == tag
    assert parse_tag(tag) == message_id


def test_feedback_names_the_message_whose_tag_it_carries() -> None:
    detail = {"eventType": "Delivery", "mail": {"messageId": "ses-1", "tags": {"message_id": ["enr-1_dwelcome_t2"]}}}
    feedback = find_feedback(detail, 1_793_610_840.0)
    assert feedback is not None
    assert feedback.message_id == "enr-1.welcome~2"
