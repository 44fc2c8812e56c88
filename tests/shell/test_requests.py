"""The requests table: who claims a request first does it, and the others learn what was answered."""

import zlib

from postroad_aws.storage import requests
from postroad_aws.storage.requests import ABANDONED_SECONDS, KEPT_SECONDS, Known

T0 = 1_793_610_000.0


def test_a_request_is_done_by_who_claims_it_first(aws):
    assert requests.begin("r", "asked", "me", T0) is None
    assert requests.begin("r", "asked", "you", T0) == Known("asked", None)
    requests.finish("r", "me", "answer")
    assert requests.begin("r", "other", "you", T0) == Known("asked", "answer")


def test_a_claim_whose_answer_was_lost_is_still_ours(aws):
    assert requests.begin("r", "asked", "me", T0) is None
    assert requests.begin("r", "asked", "me", T0) is None


def test_what_was_refused_can_be_claimed_again(aws):
    requests.begin("r", "asked", "me", T0)
    requests.forget("r", "me")
    assert requests.begin("r", "other", "you", T0) is None


def test_a_claim_that_nobody_finished_is_given_up_after_a_minute(aws):
    requests.begin("r", "asked", "dead", T0)
    assert requests.begin("r", "asked", "you", T0 + ABANDONED_SECONDS - 1) == Known("asked", None)
    assert requests.begin("r", "asked", "alive", T0 + ABANDONED_SECONDS + 1) is None
    requests.finish("r", "dead", "late")
    requests.forget("r", "dead")
    assert requests.begin("r", "asked", "you", T0 + ABANDONED_SECONDS + 2) == Known("asked", None)
    requests.finish("r", "alive", "answer")
    assert requests.begin("r", "asked", "you", T0 + ABANDONED_SECONDS + 3) == Known("asked", "answer")


def test_an_answer_counts_for_a_day_whenever_dynamodb_deletes_it(aws):
    requests.begin("r", "asked", "me", T0)
    requests.finish("r", "me", "answer")
    assert requests.begin("r", "asked", "you", T0 + KEPT_SECONDS - 1) == Known("asked", "answer")
    assert requests.begin("r", "other", "you", T0 + KEPT_SECONDS + 1) is None


def test_the_model_reads_what_is_written(aws):
    from postroad_aws.storage.rows import RequestRow

    requests.begin("r", "asked", "me", T0)
    requests.finish("r", "me", "answer")
    (row,) = RequestRow.scan()
    assert (row.request_id, row.asked, row.owner, row.began) == ("r", "asked", "me", T0)
    assert zlib.decompress(row.answer) == b"answer"
    assert row.expires_at >= T0 + KEPT_SECONDS
