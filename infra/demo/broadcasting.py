"""Sends the history's broadcasts: the product's own use cases schedule, begin, address and count them, over memory.

People do not meet in a history, so a broadcast that is under way addresses each life in its own world, at the time at
which it began, and is counted when all lives have been played.
"""

from collections.abc import Sequence
from datetime import time
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from demo import memory
from postroad import demo
from postroad.broadcasts.broadcast import ABANDONED, AFTERMATH, DONE, KIND, MAILING, SETTLING, Run, Tally
from postroad.instants import DAY, format_instant
from postroad.local_time import find_zone, next_local
from postroad.sending.messages import Message
from postroad_aws.usecases.run_broadcast import Counted, RunPorts, address_part, begin_broadcast, count_messages
from postroad_aws.usecases.schedule_broadcast import BroadcastPorts, schedule_broadcast

if TYPE_CHECKING:
    from demo.playing import World


class Plan(NamedTuple):
    """A broadcast on the first such day of the week (0 is Monday) that is less than so many days ago."""

    days: int
    weekday: int
    document: dict[str, Any]


PLANS = (
    Plan(30, 1, {"id": "harvest", "name": "The new harvest", "segment": "customers", "template": "harvest"}),
    Plan(12, 3, {"id": "gift-boxes", "name": "Gift boxes", "segment": "customers", "template": "gift-boxes"}),
)
_TIME_OF_DAY = time(9, 30)
# So long before it begins somebody has written and scheduled it.
_AHEAD = 0.8 * DAY


class Mailings:
    """The broadcasts of a history, kept in a world of their own: begun first, counted last."""

    def __init__(self, office: "World") -> None:
        self.office = office

    def begin(self, now: float) -> None:
        """Draft and schedule each broadcast that was under way before now, and let it begin."""
        office, zone = self.office, find_zone(self.office.shop.book.policy.timezone)
        assert zone is not None
        for plan in PLANS:
            at = next_local(now - plan.days * DAY, _TIME_OF_DAY, zone, (plan.weekday,))
            document = {"kind": KIND, **plan.document, "description": demo.NOTE, "at": format_instant(at)}
            office.clock.at = at - _AHEAD
            draft = office.drafts.save_draft(KIND, plan.document["id"], document, edit=0, now=office.clock.at)
            run = schedule_broadcast(self._scheduling(), draft.definition_id, edit=draft.edit)
            office.clock.at = at
            begin_broadcast(self._running(office), run.broadcast.id, run.number)

    def list_runs(self) -> list[Run]:
        return list(self.office.broadcasts.items.values())

    def address(self, run: Run, world: "World") -> None:
        """Address those of one life who are in the segment at this moment."""
        address_part(self._running(world), run.broadcast.id, run.number, "", None, lambda: True)

    def count(self, messages: Sequence[Message]) -> None:
        """Count what has become of their messages, as often as production does."""
        for run in self.list_runs():
            self.office.broadcasts.finish(run.broadcast.id)
            for state, later in ((MAILING, ABANDONED), (DONE, ABANDONED + SETTLING), (DONE, AFTERMATH)):
                self.office.clock.at = run.at + later
                ports = self._running(self.office, messages)
                count_messages(ports, run.broadcast.id, run.number, Counted(Tally(), None), lambda: True)
                if self.office.broadcasts.items[run.broadcast.id].state != state:
                    raise RuntimeError(f"the broadcast {run.broadcast.id} of the history is not {state}")

    def _scheduling(self) -> BroadcastPorts:
        office = self.office
        # Scheduling touches no numbers.
        stats = cast(Any, None)
        return BroadcastPorts(
            office.drafts, office.broadcasts, office.ports.books, memory.Schedules(), stats, office.clock
        )

    def _running(self, world: "World", messages: Sequence[Message] = ()) -> RunPorts:
        """Running them, with the people of one world."""
        members, ledger = memory.Members(world.contacts), memory.Ledger(messages)
        broadcasts, quotas, schedules = self.office.broadcasts, memory.Quotas(), memory.Schedules()
        # Nothing is tested, so no numbers are asked for.
        stats = cast(Any, None)
        return RunPorts(world.ports, broadcasts, members, ledger, world.queues, quotas, stats, schedules)
