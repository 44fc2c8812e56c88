"""When to write to a person: learned from what people did, worth what it promises, and said with what it rests on."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from postroad.advice.confidence import HIGH, LOW, NONE
from postroad.advice.lessons import learn
from postroad.advice.rhythm import NOTHING_LEARNED, USUAL_RHYTHM, Learned, Rhythm
from postroad.advice.send_times import PEOPLE, TRIAL, USUAL, choose, recommend
from postroad.contacts.engagement import HOUR, OPENED, Sent
from postroad.documents import DefinitionError
from postroad.instants import DAY
from postroad.policy import parse_policy
from tests.core.advice.people import CROWDS, NOTHING_TO_WIN, START, Person, rhythm_of, simulate

THURSDAY = START + 3 * 24
WEEK = 7 * 24


def _read_on_thursdays(messages: int) -> tuple[Sent, ...]:
    """Messages that came on Wednesdays at ten, and were read on the Thursdays at midnight."""
    return tuple(Sent(THURSDAY - 14 + week * WEEK, f"m{week % 10}", OPENED, 14) for week in range(messages))


def test_c24_who_opens_only_on_thursdays_at_midnight_is_recommended_that_with_n_and_confidence() -> None:
    at = recommend(_read_on_thursdays(14), USUAL_RHYTHM, UTC, (THURSDAY + 14 * WEEK) * HOUR)
    assert (at.weekday, at.hour, at.read, at.near, at.confidence) == (3, 0, 14, 14, HIGH)
    assert at.gain > 3
    assert at.describe() == "Thursday 00:00 from 14 openings, 14 of them within an hour of it, confidence high (UTC)"


def test_c24_without_enough_openings_it_is_the_accounts_usual_hour_and_that_is_said() -> None:
    at = recommend((), Rhythm(9), UTC, THURSDAY * HOUR)
    assert (at.weekday, at.hour, at.basis, at.confidence) == (None, 9, USUAL, NONE)
    assert at.describe() == "09:00, the account's usual hour: 0 openings say too little (UTC)"


def test_what_is_shown_is_the_hour_that_would_be_taken_also_while_it_is_only_tried() -> None:
    """Nothing of it is called a habit before there are a few openings."""
    unread, now = tuple(Sent(START + 10 + day * 24, f"m{day}") for day in range(20)), (START + 21 * 24) * HOUR
    at, choice = recommend(unread, USUAL_RHYTHM, UTC, now), choose(unread, USUAL_RHYTHM, UTC, now, 7 * DAY, now)
    assert at.hour == int(choice.at // HOUR - START) % 24 != 10
    assert (at.basis, at.confidence) == (TRIAL, NONE)
    assert "to learn: 0 openings of 20 messages say too little, and the usual 10:00 promises less" in at.describe()
    assert "to learn" in choice.because


def test_an_hour_that_suits_on_any_day_names_no_day() -> None:
    daily = tuple(Sent(START + day * 24 + 12, f"m{day % 10}", OPENED, 8) for day in range(14))
    at = recommend(daily, USUAL_RHYTHM, UTC, (START + 15 * 24) * HOUR)
    assert (at.weekday, at.hour, at.confidence) == (None, 20, HIGH)
    assert at.time == "20:00"


def test_it_is_the_hour_where_the_contact_lives_also_when_that_is_learned_later() -> None:
    at = recommend(_read_on_thursdays(14), USUAL_RHYTHM, ZoneInfo("Asia/Tokyo"), (THURSDAY + 14 * WEEK) * HOUR)
    assert (at.weekday, at.hour, at.zone) == (3, 9, "Asia/Tokyo")


def test_openings_all_over_the_week_leave_the_confidence_low() -> None:
    scattered = tuple(Sent(START + number * 37, f"m{number % 10}", OPENED, number % 5) for number in range(20))
    assert recommend(scattered, USUAL_RHYTHM, UTC, (START + 40 * 24) * HOUR).confidence == LOW
    few = recommend(scattered[:3], USUAL_RHYTHM, UTC, (START + 40 * 24) * HOUR)
    assert few.describe() == "10:00, the account's usual hour: 3 openings show no habit (UTC)"


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/St_Johns", "Asia/Kathmandu", "Asia/Tokyo"])
def test_a_clock_that_is_half_an_hour_off_shows_the_hour_that_is_named(zone: str) -> None:
    def shown(at: float) -> str:
        return f"{datetime.fromtimestamp(at, ZoneInfo(zone)):%A %H:%M} ({zone})"

    since = (START + 30 * 24) * HOUR + 120
    usual = choose((), USUAL_RHYTHM, ZoneInfo(zone), since, DAY, since)
    assert f"{datetime.fromtimestamp(usual.at, ZoneInfo(zone)):%H:%M}" == "10:00"
    assert usual.because.startswith(f"{shown(usual.at)} is the account's usual hour")
    # Read at ten minutes past eight in the evening, where the person lives, each day.
    evening = datetime(2026, 11, 3, 20, 10, tzinfo=ZoneInfo(zone)).timestamp()
    sents = tuple(Sent(int(evening // HOUR) + day * 24 - 6, f"m{day:02d}", OPENED, 6) for day in range(14))
    choice = choose(sents, USUAL_RHYTHM, ZoneInfo(zone), since, DAY, since)
    assert 0 <= (evening - choice.at) % DAY < HOUR
    assert choice.because.startswith(f"{shown(choice.at)} is their best hour by then, from 14 openings")
    said = recommend(sents, USUAL_RHYTHM, ZoneInfo(zone), since)
    assert said.describe().startswith(f"{datetime.fromtimestamp(choice.at, ZoneInfo(zone)):%H:%M} from 14 openings")
    assert choose((), USUAL_RHYTHM, ZoneInfo(zone), since, 0, since).at <= since


def _pick(sents: tuple[Sent, ...], since: float, within: float, now: float = 0.0) -> float:
    return choose(sents, USUAL_RHYTHM, UTC, since, within, now or since).at


def test_a_message_waits_for_the_best_hour_within_its_bound_and_no_longer() -> None:
    sents, monday = _read_on_thursdays(14), (START + 14 * WEEK + 8) * HOUR + 120
    thursday = (START + 14 * WEEK + 3 * 24) * HOUR
    assert _pick(sents, monday, 7 * DAY) == thursday
    for within in (HOUR, 5 * HOUR, DAY, 2 * DAY):
        assert monday - HOUR < _pick(sents, monday, within) <= monday + within
    # Asked again at any moment until then, it is the same.
    assert {_pick(sents, monday, 7 * DAY, now=monday + h * HOUR) for h in range(60)} == {thursday}
    assert "best hour" in choose(sents, USUAL_RHYTHM, UTC, monday, 7 * DAY, monday).because


def test_who_is_new_is_written_to_at_the_usual_hour() -> None:
    for hour in range(24):
        assert _pick((), (START + hour) * HOUR, DAY) % DAY == 10 * HOUR


def test_openings_at_any_hour_leave_the_message_at_the_usual_one_and_the_reason_says_so() -> None:
    delays = (0, 9, 3, 6, 11, 1)
    anywhere = tuple(
        Sent(START + 10 + day * 48, f"m{day}", *((OPENED, delays[day // 4]) if day % 4 == 0 else ()))
        for day in range(24)
    )
    since = (START + 50 * 24) * HOUR
    choice = choose(anywhere, USUAL_RHYTHM, UTC, since, DAY, since)
    assert choice.at % DAY == 10 * HOUR
    assert choice.because.endswith("the account's usual hour; 6 openings of 24 messages show no better one")


def test_what_fails_at_the_usual_hour_leads_to_other_hours() -> None:
    unread = tuple(Sent(START + 10 + day * 24, f"m{day}") for day in range(20))
    choice = choose(unread, USUAL_RHYTHM, UTC, (START + 21 * 24) * HOUR, DAY, (START + 21 * 24) * HOUR)
    assert choice.at % DAY != 10 * HOUR
    assert "to learn" in choice.because


def test_the_rhythm_of_people_is_learned_from_them() -> None:
    rhythm = rhythm_of(120)
    assert len(rhythm.weights) == 24
    assert sum(rhythm.weights) == pytest.approx(24, abs=0.2)
    # As these people were made: they look at seven, at noon and in the evening, and hardly at three at night.
    assert min(rhythm.weights[7], rhythm.weights[12], rhythm.weights[20]) > 3 * rhythm.weights[3]
    assert learn([], START * HOUR) == NOTHING_LEARNED


def test_how_many_have_habits_is_learned_too() -> None:
    assert rhythm_of(120).habits > 0.4
    assert rhythm_of(120, crowd="any hour").habits < 0.1


def test_everybody_is_written_to_when_the_accounts_people_read_and_that_is_the_reason() -> None:
    evening = tuple(0.1 if hour < 19 else 4.0 for hour in range(24))
    at = recommend((), Rhythm(10, evening), UTC, START * HOUR)
    assert (at.hour, at.basis, at.confidence) == (19, PEOPLE, NONE)
    assert at.describe() == "19:00, when the account's people read: 0 openings of their own say too little (UTC)"
    choice = choose((), Rhythm(10, evening), UTC, START * HOUR, DAY, START * HOUR)
    assert choice == (
        (START + 19) * HOUR,
        "Monday 19:00 (UTC) is when the account's people read; 0 openings of 0 messages show no habit",
    )


def test_what_changes_little_is_no_news() -> None:
    assert not NOTHING_LEARNED.is_news(None)
    some = Learned((1.0,) * 24, 0.6, 500, 90)
    assert some.is_news(None)
    assert not some._replace(habits=0.62, openings=900).is_news(some)
    assert some._replace(habits=0.8).is_news(some)
    assert some._replace(weights=(1.5,) + (1.0,) * 23).is_news(some)
    assert some._replace(weights=()).is_news(some)


def test_what_the_policy_says_of_the_hours_counts_more_than_what_was_learned() -> None:
    learned = Learned((1.0,) * 24, 0.6, 500, 90)
    assert Rhythm(9).taught(learned) == Rhythm(9, (1.0,) * 24, 0.6)
    assert Rhythm(9, (2.0,) * 24).taught(learned) == Rhythm(9, (2.0,) * 24, 0.6)
    assert Rhythm(9).taught(None) == Rhythm(9)


def test_a_policy_says_the_usual_hour_and_the_rhythm() -> None:
    document = {
        "kind": "policy",
        "id": "policy",
        "name": "P",
        "topics": [{"id": "news"}],
        "send_times": {"usual": "18:00", "rhythm": [1] * 24},
    }
    assert parse_policy(document).rhythm == Rhythm(18, (1.0,) * 24)
    for wrong in ({"usual": "18:30"}, {"rhythm": [1] * 23}, {"rhythm": [0] * 24}, {"rhythm": ["1"] * 24}):
        with pytest.raises(DefinitionError):
            parse_policy({**document, "send_times": wrong})


# What it is worth, to people whose habits are known (see `people`).


@pytest.mark.parametrize(("seed", "with_rhythm"), [(7, False), (9, True)])
def test_c24_after_twenty_messages_four_fifths_of_what_can_be_won_are_won(seed: int, with_rhythm: bool) -> None:
    _, result = simulate(seed=seed, rhythm=rhythm_of() if with_rhythm else None)
    assert result.won >= 0.8
    assert result.gain > result.noise


def test_c24_new_habits_take_the_place_of_old_ones() -> None:
    _, result = simulate(people=120, seed=11, changes=True)
    assert result.won >= 0.7


@pytest.mark.parametrize("crowd", [*NOTHING_TO_WIN, "waves"])
def test_c24_nobody_is_worse_off_than_at_a_fixed_hour_by_more_than_chance(crowd: str) -> None:
    """Neither once twenty messages have taught something nor before: by one message of a thousand at most."""
    for result in simulate(crowd, people=50, seed=3):
        assert result.gain > -0.001


def test_the_people_of_the_benchmark_read_as_their_habit_says() -> None:
    from random import Random

    person = Person.draw(Random(1), CROWDS["daily"])
    best = max(range(WEEK), key=person.worth.__getitem__)
    read = sum(person.read(START + best) is not None for _ in range(2_000))
    assert read / 2_000 == pytest.approx(person.worth_at(START + best), abs=0.05)
