"""Companies in a world: people join and leave them, servers tell of them, somebody suppresses one and lifts that again.

What behind the streams of accounts and memberships keeps members in step is played here, with all that can go wrong.
"""

from random import Random
from typing import TYPE_CHECKING, Any

from postroad.accounts import Account
from postroad.commits import Commit, MembershipChange
from postroad.consent import confirmation
from postroad.events import ACCOUNT_JOINED, ACCOUNT_LEFT, Event
from postroad.sending.messages import QUEUED
from postroad_aws.storage import NotFoundError
from postroad_aws.usecases import change_account as changing
from postroad_aws.usecases import follow_accounts as following
from tests.faults.scheduler import Invocation, wire

if TYPE_CHECKING:
    from tests.faults.worlds import World

NAMES = ("acme", "zeta")
ROLES = ("buyer", "user", "owner")
PLANS = ("free", "pro", "team")
RULES = {"engaged": "strangers"}


class Stream:
    """A table's stream before the function that follows it; what fails comes again, before what came later."""

    WINDOW = 0.2

    def __init__(self, companies: "Companies") -> None:
        self.companies = companies
        self.records: list[tuple[str, str, str]] = []  # (account, place or "" for its own row, contact)
        self.is_reading = False

    def put(self, *record: str) -> None:
        self.records.append(record)  # type: ignore[arg-type]
        self.companies.world.loop.at(self.companies.world.loop.now + self.WINDOW, self.read)

    def read(self) -> None:
        if self.is_reading or not self.records:
            return
        world = self.companies.world
        batch = self.records[: 1 + int(10 * world.loop.chance())]
        self.is_reading = True
        touched: dict[str, following.Touched] = {}
        for account_id, place, contact_id in batch:
            if place:
                following.touch(touched, place, contact_id)
            else:
                touched.setdefault(account_id, following.Touched()).has_changed = True

        def done(invocation: Invocation) -> None:
            self.is_reading = False
            if invocation.error is None and not world.chance(world.duplicates / 2):
                del self.records[: len(batch)]
            world.loop.at(world.loop.now + 1.0, self.read)

        members = self.companies.memberships
        world.others.invoke(lambda ports: following.follow_accounts(ports, members, touched), done)


class Companies:
    """The companies of a world; most worlds have none. Their chances are their own, so others stay what they are."""

    def __init__(self, world: "World", memberships: Any) -> None:
        self.world = world
        self.is_there = world.seed % 5 == 2
        self.memberships = wire(world.loop, memberships, "list_shard", "count_place")
        self.accounts, self.members = Stream(self), Stream(self)
        self.silent: dict[str, dict[tuple[str, int], float]] = {}
        self.loud: list[str] = []

    def plan(self) -> None:
        if not self.is_there:
            return
        world, random = self.world, Random(f"companies {self.world.seed}")
        span = random.choice((60.0, 20 * 60.0, (world.calm - world.loop.now) * 0.8))
        at = world.loop.now
        for number in range(random.randint(6, 14)):
            # Often two of them speak of one company at once.
            at = at + random.random() if random.random() < 0.5 else world.loop.now + random.random() * span
            who = random.choice(world.people)
            said: dict[str, Any] = {"group_id": random.choice(NAMES)}
            name = ACCOUNT_LEFT if random.random() < 0.15 else ACCOUNT_JOINED
            if name == ACCOUNT_JOINED and random.random() < 0.6:
                said |= {"plan": random.choice(PLANS)}
            if name == ACCOUNT_JOINED and random.random() < 0.7:
                said |= {"role": random.choice(ROLES)}
            time = round(at - random.choice((0.0, 0.0, 30.0)), 3)
            identity = random.choice((who.user, who.user, who.email))
            event = Event(
                f"company-{number}", name, time, time, (identity,), trusted=True, source="server", properties=said
            )
            world.loop.at(at, world.post, [event], None)
        for number in range(random.choice((0, 1, 3))):
            at, name = world.loop.now + random.random() * span, random.choice(NAMES)
            world.loop.at(at, self.suppress, name, "in talks" if number % 2 == 0 else None)

    def suppress(self, name: str, because: str | None) -> None:
        def work(ports: Any) -> None:
            try:
                changing.suppress_account(ports.accounts, name, because, ports.clock.now())
            except NotFoundError:
                return

        self.world.background(work)

    # What the tables tell

    def changed(self, before: Account | None, after: Account) -> None:
        if following.has_news(before, after):
            self.accounts.put(after.account_id, "", "")

    def moved(self, before: MembershipChange | None, after: MembershipChange | None) -> None:
        change = after or before
        if change and change.place.startswith("account/"):
            self.members.put("", change.place, change.contact_id)

    def committed(self, commit: Commit) -> None:
        """Nobody who has carried a suppression since an earlier commit may be put up for a message. In a merge it
        counts for whom it was made: the other contact's suppression came with the other contact."""
        contact, now = commit.contact, self.world.loop.now
        # Between two editions it may have been lifted.
        carries = {(name, seat.version) for name, seat in contact.accounts.items() if seat.suppressed}
        for message in commit.messages:
            carried = self.silent.get(message.contact_id, {})
            since = min((carried[key] for key in carries & carried.keys()), default=now)
            is_marketing = message.template != confirmation.TEMPLATE  # they have just asked for that themselves
            if is_marketing and message.state == QUEUED and message.created_at > since + self.world.troubles.skew:
                self.loud.append(f"{message.message_id} was queued for a member of a suppressed account")
        carried = self.silent.get(contact.contact_id, {})
        self.silent[contact.contact_id] = {key: carried.get(key, now) for key in carries}
