"""What the numbers say of how mail is received becomes a hold, and a person lets it go on."""

from dataclasses import dataclass, field

import pytest

from postroad.deliverability.breakers import BREAKER, REFUSALS, RESUMED, WARM_UP
from postroad.deliverability.warm_up import WarmUp
from postroad.instants import DAY
from postroad.policy import Policy
from postroad.sending.holds import MARKETING, PAUSE, SLOW, Hold
from postroad.stats import DOMAINS, MESSAGES, Cell, Increments, hour_of
from postroad_aws.storage import holds, stats
from postroad_aws.usecases.judge_sending import judge_sending, resume_sending
from tests.account import Account


@dataclass
class Heard:
    """What was told to whoever listens to alarms."""

    sentences: list[tuple[str, str]] = field(default_factory=list)

    def tell(self, subject: str, sentence: str) -> None:
        self.sentences.append((subject, sentence))


@pytest.fixture
def heard(account: Account) -> Heard:
    return Heard()


def count(account: Account, ago: float, provider: str = "gmail", **numbers: int) -> None:
    hour = hour_of(account.now() - ago)
    stats.add(Increments({Cell(DOMAINS, MESSAGES, hour, provider, name): n for name, n in numbers.items()}))


def kinds() -> dict[str, str]:
    return {hold.by: hold.kind for hold in holds.list_holds() if hold.scope == MARKETING}


def test_c56_too_many_bounces_pause_marketing_until_a_person_says_why_it_goes_on(
    account: Account, heard: Heard
) -> None:
    def judge() -> None:
        judge_sending(stats, holds, heard, Policy(), account.now())

    count(account, 0, delivered=960)
    judge()
    assert (kinds(), heard.sentences) == ({}, [])
    count(account, 0, provider="yahoo", bounced=40)
    judge()
    judge()
    assert kinds() == {BREAKER: PAUSE}
    ((subject, sentence),) = heard.sentences
    assert subject == "Marketing is paused (breaker)"
    assert sentence.startswith("Marketing is paused: 40 of 1,000 mails of the last 1 hour bounced")
    resume_sending(stats, holds, "the list was cleaned", account.now() + 3_600)
    assert kinds() == {}
    assert [hold.note for hold in holds.list_holds() if hold.scope == RESUMED] == ["the list was cleaned"]
    judge_sending(stats, holds, heard, Policy(), account.now() + 3_700)
    assert kinds() == {}


@pytest.mark.parametrize("times", [1, 2])
def test_who_lets_marketing_go_on_has_the_last_word(
    account: Account, heard: Heard, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    """While the numbers are read, another look pauses, and a person lets it go on."""
    count(account, 0, delivered=960, bounced=40)
    read, now = stats.list_hours, account.now() + 60
    for _ in range(times - 1):
        resume_sending(stats, holds, "the list was cleaned", account.now())
        count(account, 0, delivered=960, bounced=40)

    def read_slowly(since: float, until: float) -> object:
        found = read(since, until)
        monkeypatch.setattr(stats, "list_hours", read)
        judge_sending(stats, holds, heard, Policy(), now)
        assert kinds() == {BREAKER: PAUSE}
        resume_sending(stats, holds, "it was a test", now + times)
        return found

    monkeypatch.setattr(stats, "list_hours", read_slowly)
    assert judge_sending(stats, holds, heard, Policy(), now) == []
    assert (kinds(), len(heard.sentences)) == ({}, 1)


@pytest.mark.parametrize("bounced", [0, 20])
def test_a_look_at_older_numbers_undoes_no_pause_that_another_has_put_meanwhile(
    account: Account, heard: Heard, monkeypatch: pytest.MonkeyPatch, bounced: int
) -> None:
    """What was slowed would be let go on (0), or be slowed anew (20), by whoever read before the bounces came."""
    if not bounced:
        holds.save_hold(Hold(MARKETING, SLOW, account.now() - DAY, BREAKER, "20 of 1,000 mails bounced"))
    count(account, 0, delivered=960, bounced=bounced)
    read, now = stats.list_hours, account.now() + 60

    def read_slowly(since: float, until: float) -> object:
        found = read(since, until)
        monkeypatch.setattr(stats, "list_hours", read)
        count(account, 0, bounced=40)
        judge_sending(stats, holds, heard, Policy(), now)
        assert kinds() == {BREAKER: PAUSE}
        return found

    monkeypatch.setattr(stats, "list_hours", read_slowly)
    assert judge_sending(stats, holds, heard, Policy(), now) == []
    assert (kinds(), len(heard.sentences)) == ({BREAKER: PAUSE}, 1)


def test_c56_a_thorough_look_compares_weeks(account: Account, heard: Heard) -> None:
    for day in range(8, 20):
        count(account, day * DAY, delivered=100)
    count(account, 2 * DAY, delivered=300, unsubscribed=30)
    assert judge_sending(stats, holds, heard, Policy(), account.now()) == []
    judge_sending(stats, holds, heard, Policy(), account.now(), thoroughly=True)
    assert kinds() == {REFUSALS: SLOW}
    judge_sending(stats, holds, heard, Policy(), account.now() + 10 * DAY, thoroughly=True)
    assert kinds() == {}


def test_a_new_domain_keeps_to_its_plan_whatever_people_have_put(account: Account, heard: Heard) -> None:
    holds.save_hold(Hold(MARKETING, PAUSE, 1.0, note="we move"))
    policy = Policy(warm_up=WarmUp(hour_of(account.now())[:10], 200))
    count(account, 0, delivered=200)
    judge_sending(stats, holds, heard, policy, account.now())
    assert kinds() == {"people": PAUSE, WARM_UP: PAUSE}
    judge_sending(stats, holds, heard, Policy(), account.now())
    assert kinds() == {"people": PAUSE}
