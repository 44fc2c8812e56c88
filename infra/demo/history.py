"""Sixty days of a small shop: who came by, and what they did there. Pure: the same seed and instant, the same history.

What comes out are calls of the tracking API with the times at which they arrived, so they go the way of all others.
What people do with the mails that follow from them is decided by `react`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from math import cos, pi
from random import Random
from typing import Any, NamedTuple

from demo.people import EMPLOYEES, Profile, make_profile, slug_of
from postroad import demo
from postroad.instants import DAY

HOUR, MINUTE = 3_600.0, 60.0

DAYS = 60
SEED = 20

PRODUCTS: tuple[Mapping[str, Any], ...] = (
    {"product_id": "sampler", "name": "The sampler", "category": "Coffee", "price": 24.0},
    {"product_id": "harbour", "name": "Harbour blend", "category": "Coffee", "price": 29.0},
    {"product_id": "lighthouse", "name": "Lighthouse espresso", "category": "Coffee", "price": 31.0},
    {"product_id": "low-tide", "name": "Low Tide decaf", "category": "Coffee", "price": 17.5},
    {"product_id": "grinder", "name": "Hand grinder", "category": "Tools", "price": 79.0},
)
CAMPAIGNS = (
    {"source": "newsletter", "medium": "email", "name": "autumn"},
    {"source": "instagram", "medium": "social", "name": "first-cup"},
    {"source": "search", "medium": "cpc", "name": "coffee-delivery"},
)
OFFICE_CAMPAIGN = {"source": "linkedin", "medium": "social", "name": "office-coffee"}


class Visit(NamedTuple):
    """One request of the tracking API: its calls, and when it arrived."""

    received: float
    calls: tuple[dict[str, Any], ...]


class Person(NamedTuple):
    """Somebody and all their visits, the earliest first."""

    profile: Profile
    visits: tuple[Visit, ...]


class Reaction(NamedTuple):
    """What somebody does with a mail, and how long after it was sent: open, click, unsubscribe or complain."""

    what: str
    after: float


def make_history(now: float, seed: int = SEED, days: int = DAYS) -> list[Person]:
    """Everybody who came by in the last so many days, about 500 people."""
    chance = Random(seed)
    people: list[Person] = []
    for count, tell, is_office in _KINDS:
        for _ in range(count):
            profile = make_profile(chance, len(people), is_office=is_office)
            story = _Story(Random(chance.getrandbits(64)), profile, now, days)
            tell(story)
            people.append(Person(profile, story.visits()))
    return people


def make_strays(now: float, seed: int = SEED) -> list[Visit]:
    """What a badly programmed till has sent over the last weeks: calls that can be no events, for quarantine."""
    chance = Random(seed)
    wrong: tuple[Mapping[str, Any], ...] = (
        {"type": "track", "event": "", "userId": "shop-till-2", "properties": {"total": 12.5}},
        {"type": "track", "event": "Order Completed", "userId": "undefined", "properties": {"total": 8}},
        {"type": "track", "event": "Email Opened", "userId": "shop-till-2"},
        {"type": "purchase", "userId": "shop-till-2", "properties": {"total": 31}},
        {"type": "track", "event": "Product Added", "properties": {"product_id": "harbour"}},
    )
    times = sorted(now - chance.uniform(0.1, 20) * DAY for _ in range(9))
    return [
        Visit(at, ({**wrong[number % len(wrong)], "messageId": f"till-2-{number}"},)) for number, at in enumerate(times)
    ]


def react(profile: Profile, template: str, seed: int = SEED) -> Iterator[Reaction]:
    """What this person does with a mail from this template."""
    chance = Random(f"{seed}/{profile.user_id}/{template}")
    habits = profile.habits
    if chance.random() >= habits.opens:
        return
    opened = chance.lognormvariate(0.0, 1.2) * 3 * HOUR
    yield Reaction("open", opened)
    if chance.random() < habits.clicks:
        yield Reaction("click", opened + chance.uniform(5, 90))
    if chance.random() < habits.unsubscribes:
        yield Reaction("unsubscribe", opened + chance.uniform(10, 60))
    elif chance.random() < habits.complains:
        yield Reaction("complain", opened + chance.uniform(10, 60))


class _Story:
    """What one person does, call by call. Time moves on with each."""

    def __init__(self, chance: Random, profile: Profile, now: float, days: int) -> None:
        self.chance, self.profile, self.now, self.first_day = chance, profile, now, now - days * DAY
        self.is_known = False
        self.campaign: Mapping[str, str] | None = None
        self.at = self.first_day
        self.calls: list[dict[str, Any]] = []
        self.told: list[Visit] = []

    def visits(self) -> tuple[Visit, ...]:
        self.leave()
        return tuple(visit for visit in self.told if visit.received < self.now)

    # Time

    def begin(self, earliest: float = 0.0, latest: float = 1.0) -> None:
        """Come for the first time, somewhere between two fractions of the whole time."""
        share = earliest + (latest - earliest) * self.chance.random()
        self.come(self.first_day + share * (self.now - self.first_day))

    def come(self, at: float) -> None:
        """Come (again) on that day, at an hour at which people shop."""
        self.leave()
        day = at // DAY * DAY
        moment = next(
            second
            for second in iter(lambda: self.chance.uniform(6 * HOUR, 23.5 * HOUR), None)
            if self.chance.random() < _liveliness(day + second)
        )
        self.at = max(day + moment, self.at + HOUR)

    def after(self, least: float, most: float) -> None:
        """Come again so many days later."""
        self.come(self.at + self.chance.uniform(least, most) * DAY)

    def leave(self) -> None:
        if self.calls:
            self.told.append(Visit(self.at + 5.0, tuple(self.calls)))
            self.calls = []

    # Calls

    def call(self, kind: str, **parts: Any) -> None:
        self.at += self.chance.uniform(8, 70)
        profile = self.profile
        context: dict[str, Any] = {**profile.context, "traits": {demo.ATTRIBUTE: True}}
        if self.campaign:
            context["campaign"] = dict(self.campaign)
        self.calls.append({
            "type": kind,
            "messageId": f"{profile.user_id}-{len(self.told)}-{len(self.calls)}",
            "timestamp": datetime.fromtimestamp(round(self.at, 3), UTC).isoformat(),
            "anonymousId": profile.anonymous_id,
            **({"userId": profile.user_id} if self.is_known else {}),
            "context": context,
            **parts,
        })  # fmt: skip

    def belong(self) -> None:
        """The shop's server says in the same breath for which company they come."""
        company, last = self.profile.company, self.calls[-1]
        traits = {"name": company, "employees": EMPLOYEES[company], "role": self.profile.traits["role"]}
        about = {"groupId": slug_of(company), "traits": {**traits, demo.ATTRIBUTE: True}}
        self.calls.append({**last, "type": "group", "messageId": f"{last['messageId']}-company", **about})

    def see(self, path: str, title: str) -> None:
        url = f"https://tidewater.example{path}"
        self.call("page", properties={"path": path, "url": url, "title": title})

    def do(self, event: str, **properties: Any) -> None:
        self.call("track", event=event, properties=properties)

    def browse(self, most: int = 2) -> None:
        if self.chance.random() < 0.5:
            self.see("/", "Tidewater Coffee")
        for product in self.chance.sample(PRODUCTS, self.chance.randint(1, most)):
            self.see(f"/{product['product_id']}", str(product["name"]))

    def sign_up(self) -> None:
        self.is_known = True
        self.call("identify", traits=self.profile.traits)
        self.do("Signed Up", plan="shop")

    def fill_cart(self) -> Mapping[str, Any]:
        product = self.chance.choice(PRODUCTS)
        self.do("Product Added", **product, currency="EUR", quantity=1)
        return product

    def order(self, product: Mapping[str, Any]) -> None:
        number = f"TW-{self.chance.randrange(10_000, 99_999)}"
        quantity = self.chance.choice((1, 1, 1, 2, 3))
        self.see("/checkout", "Checkout")
        self.do(
            "Order Completed",
            order_id=number,
            total=round(product["price"] * quantity, 2),
            currency="EUR",
            products=[{**product, "quantity": quantity}],
        )


def _liveliness(at: float) -> float:
    """How much goes on at an instant, 0 to 1: mornings and evenings, and less at weekends."""
    hour = at % DAY / HOUR
    daily = 0.55 + 0.45 * cos((hour - 20) / 12 * 2 * pi)
    return max(0.08, daily) * (0.7 if int(at // DAY + 4) % 7 in (0, 6) else 1.0)


# ---------------------------------------------------------------- stories, one for each kind of person


def _passes_by(story: _Story) -> None:
    story.begin()
    if story.chance.random() < 0.4:
        story.campaign = story.chance.choice(CAMPAIGNS)
    story.browse(2)
    if story.chance.random() < 0.3:
        story.after(1, 12)
        story.campaign = None
        story.browse(1)


def _signs_up(story: _Story) -> None:
    story.begin()
    story.campaign = story.chance.choice((None, *CAMPAIGNS))
    story.browse(2)
    story.sign_up()
    if story.chance.random() < 0.4:
        story.after(2, 15)
        story.campaign = None
        story.browse(1)


def _signed_up_just_now(story: _Story) -> None:
    story.at = story.now - story.chance.uniform(3, 14) * MINUTE
    story.see("/", "Tidewater Coffee")
    story.sign_up()


def _buys_once(story: _Story) -> None:
    story.begin(latest=0.9)
    story.campaign = story.chance.choice((None, *CAMPAIGNS))
    story.browse(2)
    story.sign_up()
    if story.chance.random() < 0.5:
        story.after(0.5, 9)
    story.order(story.fill_cart())


def _comes_back(story: _Story) -> None:
    story.begin(latest=0.45)
    story.browse(2)
    story.sign_up()
    for _ in range(story.chance.randint(3, 5)):
        story.order(story.fill_cart())
        story.after(6, 14)
    story.see("/", "Tidewater Coffee")


def _leaves_a_cart(story: _Story) -> None:
    story.begin(latest=0.92)
    story.browse(1)
    story.sign_up()
    story.after(1, 10)
    product = story.fill_cart()
    if story.chance.random() < 0.4:
        story.after(0.2, 3)
        story.order(product)


def _left_a_cart_today(story: _Story) -> None:
    story.begin(latest=0.8)
    story.sign_up()
    story.leave()
    story.at = story.now - story.chance.uniform(1.5, 20) * HOUR
    story.see("/cart", "Your cart")
    story.fill_cart()


def _is_keen(story: _Story) -> None:
    story.begin(earliest=0.88, latest=0.97)
    story.campaign = CAMPAIGNS[1]
    story.browse(4)
    story.sign_up()
    story.browse(4)
    story.fill_cart()
    story.after(0.3, 1.0)
    story.browse(5)
    story.browse(4)
    story.fill_cart()
    story.see("/sampler", "The sampler")


def _wants_office_coffee(story: _Story) -> None:
    story.begin(latest=0.97)
    story.campaign = story.chance.choice((None, OFFICE_CAMPAIGN))
    story.see("/", "Tidewater Coffee")
    story.is_known = True
    story.call("identify", traits=story.profile.traits)
    story.belong()
    story.see("/plans/enterprise", "Coffee for offices")
    story.do("Page Left", path="/plans/enterprise", reason="left", seconds=story.chance.randint(20, 240), scrolled=80)
    if story.chance.random() < 0.35:
        story.after(2, 8)
        story.see("/plans/enterprise/machines", "Machines for offices")
    if story.chance.random() < 0.25:
        story.after(5, 20)
        story.do("Tasting Booked", at_office=True)


_KINDS: Sequence[tuple[int, Callable[[_Story], None], bool]] = (
    (110, _passes_by, False),
    (140, _signs_up, False),
    (9, _is_keen, False),
    (5, _signed_up_just_now, False),
    (100, _buys_once, False),
    (42, _comes_back, False),
    (52, _leaves_a_cart, False),
    (6, _left_a_cart_today, False),
    (40, _wants_office_coffee, True),
)
