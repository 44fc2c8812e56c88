"""What people say about being written to, in a part of the worlds: they ask for a letter and confirm it, at once, too
late, twice, or after they have refused; they ask for a pause, which ends, and to hear less often.

A yes to the letter ends after a day. The chances of these worlds are their own, so others stay what they are.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from postroad.consent import confirmation
from postroad.consent.preferences import Wish
from postroad.content.link_keys import make_signer
from postroad.content.links import Confirm, Preferences
from postroad.envelopes.email import Email
from postroad.forms import parse_form
from postroad.instants import DAY
from postroad_aws.usecases import change_preferences as preferences
from postroad_aws.usecases import confirm_consent as confirming
from postroad_aws.usecases import submit_form as forms

if TYPE_CHECKING:
    from tests.faults.scheduler import Invocation
    from tests.faults.worlds import Mail, Person, Refusal, World

HOUR = 3_600.0
LETTER = "letter"
EXPIRES_AFTER = DAY
TOPIC = {"id": LETTER, "name": "The letter", "opt_in": "double", "expires_after": "P1D"}
FORM_DOCUMENT = {
    "kind": "form",
    "id": LETTER,
    "fields": [{"id": "email", "type": "email", "required": True}],
    "consents": [{"topic": LETTER, "text": "Yes, write to me."}],
}
FORM = parse_form(FORM_DOCUMENT, version=1)


def _series(journey_id: str, trigger: str, template: str, waits: str, number: int) -> dict[str, Any]:
    """A journey that sends the same again and again."""
    steps: list[dict[str, Any]] = []
    for each in range(number):
        steps += [{"id": f"{journey_id}-{each}", "send": {"template": template, "channel": "email"}}]
        steps += [{"id": f"{journey_id}-wait-{each}", "wait": {"for": waits}}]
    about = {"kind": "journey", "id": journey_id, "name": journey_id, "reentry": "once"}
    return {**about, "trigger": {"event": trigger}, "steps": steps}


# The letter goes on for longer than a yes counts, the other one for longer than a pause lasts.
SERIES = (_series("issue", "Subscribed", LETTER, "PT9H", 5), _series("pulse", "Signed Up", "nudge", "PT8H", 6))
STEPS = frozenset(step["id"] for journey in SERIES for step in journey["steps"] if "send" in step)


@dataclass
class Yes:
    """A press of the button of a mail that asked: when it began, and what it was told; None: it got no answer."""

    contact_id: str
    address: str
    asked_at: float
    began: float
    taken: bool | None = None


@dataclass(frozen=True)
class Pause:
    """A pause that was confirmed: from then on nothing, but of what was agreed to later, until it ends."""

    contact_id: str
    address: str
    confirmed: float
    ends: tuple[float, float]


class Visits:
    """Nobody comes too often."""

    @staticmethod
    def count_visit(visitor: str, window: float, now: float) -> int:
        return 1


class Preferring:
    """Who says what in a world; in most nobody does."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.random = Random(f"preferring {world.seed}")
        self.yeses: list[Yes] = []
        self.pauses: list[Pause] = []
        self.seldom: dict[str, float] = {}  # since when a contact hears once a week

    @staticmethod
    def is_in(seed: int) -> bool:
        """Where nobody is erased, and the policy has no caps of its own."""
        return seed % 8 == 2 and seed % 5 != 4

    def plan(self) -> None:
        if not self.world.is_preferring:
            return
        span = self.world.calm - self.world.loop.now
        for who in self.world.people:
            for number in range(self.random.choice((1, 1, 2))):
                at = self.world.loop.now + self.random.random() * span * 0.6
                self.world.loop.at(at, self.fill_form, who, f"{who.number}-{number}")

    def committed(self, contact: Any) -> None:
        if contact.frequency:
            self.seldom.setdefault(contact.contact_id, self.world.loop.now)

    def fill_form(self, who: "Person", page: str) -> None:
        """Somebody ticks the box, and presses the button until the page says that it is done."""
        values = {"email": who.email.value, f"consent.{LETTER}": FORM.consents[0].version}
        post = forms.Post(FORM, values, "203.0.113.7", "", f"https://a.example/{page}", ())

        def done(invocation: "Invocation") -> None:
            if invocation.error is not None or isinstance(invocation.result, forms.Busy):
                self.world.loop.at(self.world.loop.now + 20.0, self.fill_form, who, page)

        self.world.others.invoke(lambda ports: forms.submit_form(ports, Visits(), post), done)

    def gets(self, mail: "Mail", envelope: Email) -> None:
        """Somebody reads a mail of these worlds."""
        message = self.world.memory.messages.get(mail.message_id)
        if not self.world.is_preferring or message is None:
            return
        if message.template == confirmation.TEMPLATE:
            self._answer(mail, envelope)
            return
        fate, at = self.random.random(), self.world.loop.now + self.random.choice((30.0, HOUR))
        wish = Wish({}, pause=1) if fate < 0.15 else Wish({}, frequency="weekly") if fate < 0.25 else None
        if wish:
            link = Preferences(message.contact_id, message.channel, message.message_id)
            self.world.loop.at(at, self.change, link, wish, mail.address)

    def _answer(self, mail: "Mail", envelope: Email) -> None:
        loop, random = self.world.loop, self.random
        body = envelope.raw.replace(b"=\r\n", b"").replace(b"\r\n ", b"")
        token, way_out = re.search(rb"/y/([\w.-]+)", body), re.search(rb"/u/([\w.-]+)", body)
        assert token, "a mail that asks, without a button"
        assert way_out, "a mail that asks, without a way out"
        link = make_signer(self.world.link_keys, loop.now).find(Confirm, token[1].decode())
        if link is None:  # its key has been withdrawn
            return
        fate, soon = random.random(), random.choice((60.0, 60.0, 4 * HOUR))
        if fate > 0.85:
            return
        if fate > 0.65:
            # They think better of it, and later somebody presses the old button all the same.
            loop.at(loop.now + soon, self.world.unsubscribe, way_out[1].decode(), mail.address)
            soon += random.choice((0.5, 10.0)) * HOUR
        late = confirmation.GOOD_FOR + HOUR if fate < 0.2 else soon
        for again in (0.0, *((random.choice((5.0, 20 * HOUR)),) if random.random() < 0.3 else ())):
            loop.at(loop.now + late + again, self.confirm, link, mail.address)

    def confirm(self, link: Confirm, address: str) -> None:
        yes = Yes(link.contact_id, address, link.asked_at, self.world.loop.now)
        self.yeses.append(yes)

        def done(invocation: "Invocation") -> None:
            yes.taken = None if invocation.error else invocation.result
            if invocation.error is not None:
                self.world.loop.at(self.world.loop.now + 20.0, self.confirm, link, address)

        self.world.others.invoke(lambda ports: confirming.confirm_consent(ports, link, {"how": "page"}), done)

    def change(self, link: Preferences, wish: Wish, address: str) -> None:
        began = self.world.loop.now

        def done(invocation: "Invocation") -> None:
            now = self.world.loop.now
            if invocation.error is not None:
                self.world.loop.at(now + 20.0, self.change, link, wish, address)
            elif invocation.result and wish.pause:
                days = wish.pause * DAY
                self.pauses.append(Pause(link.contact_id, address, now, (began + days, now + days)))

        self.world.others.invoke(lambda ports: preferences.change_preferences(ports, link, wish, {"how": "page"}), done)

    # For those who look afterwards

    def is_good(self, yes: Yes) -> bool:
        """Whether a press counts: in time, and nobody has refused since it was asked for."""
        slack = 2 * self.world.troubles.skew + 60.0
        return yes.began <= yes.asked_at + confirmation.GOOD_FOR + slack and not any(
            refusal.address == yes.address
            and refusal.topic == LETTER
            and yes.asked_at + slack < refusal.confirmed < yes.began - slack
            for refusal in self.world.log.refusals
        )

    def has_come_back(self, refusal: "Refusal") -> bool:
        """Whether they pressed the button of a mail that asked after they had refused: it was already on its way."""
        slack = 2 * self.world.troubles.skew + 60.0
        return refusal.topic == LETTER and any(
            yes.address == refusal.address
            and yes.began > refusal.confirmed - slack
            and yes.taken is not False
            and self.is_good(yes)
            for yes in self.yeses
        )


def policy_with_letter(policy: Mapping[str, Any]) -> dict[str, Any]:
    """The policy of these worlds: who hears less often misses what there is no room for."""
    return {**policy, "topics": [*policy["topics"], TOPIC], "when_full": "skip"}
