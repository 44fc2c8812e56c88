"""The last days in numbers, and what of them needs somebody."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from functions.console.words import percent, plural
from postroad.contacts.places import outcome_place, split_place
from postroad.sending.holds import ALL, SCOPES, SLOW, Hold
from postroad.stats import Counts, DayCounts, MessageCounts, days_between

# A provider begins to doubt a sender above these shares of what was sent.
MANY_BOUNCES, MANY_COMPLAINTS = 0.05, 0.001
# Below so many messages a share says nothing.
ENOUGH = 50
# So many journeys are named that people are stuck in.
MOST_NAMED = 5


class Days(NamedTuple):
    """What some days have added, over all journeys and broadcasts; the lists are by day, the earliest first."""

    messages: MessageCounts
    sent: list[int]
    started: int
    goals: int


class Notice(NamedTuple):
    """Something that needs somebody: a sentence, where to look, and how bad it is."""

    sentence: str
    href: str
    colour: str


def add_up(days: Iterable[Sequence[DayCounts]]) -> Days:
    """The same days of many subjects as one."""
    subjects = [list(each) for each in days]
    by_day = list(zip(*subjects, strict=True)) if subjects else []
    messages = [[each.counts.all_messages for each in day] for day in by_day]
    together = [MessageCounts(*map(sum, zip(*day, strict=True))) for day in messages]
    return Days(
        MessageCounts(*map(sum, zip(*together, strict=True))) if together else MessageCounts(),
        [each.sent for each in together],
        # Who was erased while under way leaves on a day on which nobody may have started.
        sum(max(each.counts.started, 0) for day in by_day for each in day),
        sum(each.counts.place(_GOAL).entered for day in by_day for each in day),
    )


def on_one_day(counts: Counts, day: str, since: str, until: str) -> list[DayCounts]:
    """The days of something that has happened on one of them."""
    return [DayCounts(each, counts if each == day else Counts()) for each in days_between(since, until)]


class Some(NamedTuple):
    """How many were found, and whether there are more."""

    found: int
    is_more: bool

    def say(self, thing: str) -> str:
        return f"More than {plural(self.found, thing)}" if self.is_more else plural(self.found, thing)


def find_notices(
    week: Days, journeys: Mapping[str, tuple[str, Counts]], rejects: Some, late: Some, held: Collection[Hold] = ()
) -> list[Notice]:
    """What to look at, the worst first. `journeys` are names and numbers by id; `rejects` came in within a day, `late`
    are tasks that are overdue, `held` is what keeps everything, or all marketing, from leaving."""
    found = []
    for hold in held:
        if hold.scope in SCOPES:
            what = "Nothing leaves" if hold.scope == ALL else "Marketing is held back"
            note = f": {hold.note}" if hold.note else ""
            found.append(Notice(f"{what}{note}.", "/console/deliverability", "orange" if hold.kind == SLOW else "red"))
    stuck = {key: (failed, name) for key, (name, counts) in journeys.items() if (failed := counts.place(_FAILED).here)}
    for journey_id, (failed, name) in list(stuck.items())[:MOST_NAMED]:
        sentence = f"{plural(failed, 'person', 'people')} could not go on in {name}."
        found.append(Notice(sentence, f"/console/journeys/{journey_id}", "red"))
    if (more := len(stuck) - MOST_NAMED) > 0:
        sentence = f"In {plural(more, 'other journey')} people could not go on."
        found.append(Notice(sentence, "/console/journeys", "red"))
    sent = week.messages.sent
    if sent >= ENOUGH and week.messages.bounced > MANY_BOUNCES * sent:
        share = percent(week.messages.bounced, sent)
        found.append(
            Notice(f"{share} of this week's messages bounced. Above 5 % providers begin to refuse.", _MESSAGES, "red")
        )
    if sent >= ENOUGH and week.messages.complained > MANY_COMPLAINTS * sent:
        share = percent(week.messages.complained, sent)
        found.append(Notice(f"{share} of this week's messages were reported as spam.", _MESSAGES, "red"))
    if week.messages.failed:
        sentence = f"{plural(week.messages.failed, 'message')} of this week could not be sent."
        found.append(Notice(sentence, _MESSAGES, "orange"))
    if week.messages.unknown:
        sentence = f"Of {plural(week.messages.unknown, 'message')} nobody knows whether they left."
        found.append(Notice(sentence, _MESSAGES, "orange"))
    if rejects.found:
        sentence = f"{rejects.say('thing')} came in within a day and could not be understood."
        found.append(Notice(sentence, "/console/quarantine", "orange"))
    if late.found:
        sentence = f"{late.say('task')} {'is' if late == (1, False) else 'are'} overdue."
        found.append(Notice(sentence, "/console/tasks", "orange"))
    return found


_MESSAGES = "/console/messages"
_GOAL, _FAILED = (split_place(outcome_place("any", outcome))[1] for outcome in ("goal", "failed"))
