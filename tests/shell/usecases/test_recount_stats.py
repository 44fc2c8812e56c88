"""Live numbers that have gone wrong are mended from the rows."""

from postroad.commits import Commit, MembershipChange
from postroad.sending.messages import DELIVERED
from postroad.stats import Cell, MessageCounts, PlaceCounts
from postroad_aws.ports import Outcome
from postroad_aws.storage import contacts, memberships, messages, stats
from postroad_aws.usecases.recount_stats import recount_stats
from tests.shell.port_contract import DAY, T0, a_contact, a_message

JOURNEY = "journey/welcome"


def recount() -> dict[Cell, int]:
    return dict(recount_stats(messages, memberships, stats, T0 + DAY))


def store_rows() -> None:
    """Two mails, of which one was opened, and two people at a step."""
    opened = a_message("enr-1.hello", state=DELIVERED, step="hello", times={DELIVERED: T0, "opened": T0})
    commit = Commit(a_contact(), messages=(opened, a_message("enr-2.hello", step="hello")))
    assert contacts.commit(commit) is Outcome.DONE
    memberships.apply([MembershipChange(f"{JOURNEY}/look", contact_id, T0) for contact_id in ("ana", "bob")])


def test_after_everything_was_lost_the_numbers_are_those_of_the_rows(aws):
    store_rows()
    assert recount()[Cell(JOURNEY, "messages", "2026-11-02", "hello", "opened")] == 1
    counts = stats.find_counts([JOURNEY])[JOURNEY]
    assert counts.step("hello") == MessageCounts(total=2, queued=1, sent=1, delivered=1, opened=1)
    assert counts.place("look").here == 2
    assert recount() == {}


def test_numbers_of_rows_that_are_gone_go_and_arrivals_stay(aws):
    stats.add(
        {
            Cell(JOURNEY, "places", "2026-11-01", "look", "here"): 3,
            Cell(JOURNEY, "places", "2026-11-02", "look", "here"): -1,
            Cell(JOURNEY, "places", "2026-11-01", "look", "entered"): 3,
            Cell(JOURNEY, "messages", "2026-11-01", "hello", "sent"): 4,
        }
    )
    stats.add_once("messages", 1, 9, {Cell("segment/vip", "places", "2026-11-02", "", "here"): 1}, T0)
    assert recount() == {
        Cell(JOURNEY, "places", "2026-11-03", "look", "here"): -2,
        Cell(JOURNEY, "messages", "2026-11-01", "hello", "sent"): -4,
        Cell("segment/vip", "places", "2026-11-03", "", "here"): -1,
    }
    counts = stats.find_counts([JOURNEY])[JOURNEY]
    assert (counts.place("look"), counts.all_messages) == (PlaceCounts(0, 3), MessageCounts())


def test_numbers_that_are_right_are_left_alone(aws):
    store_rows()
    recount()
    before = stats.scan_sums()
    assert recount() == {}
    assert stats.scan_sums() == before
