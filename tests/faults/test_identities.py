"""Laws of identity: whatever browsers and servers say, in any order and any number of times."""

from hypothesis import given, settings
from hypothesis import strategies as st

from postroad.contacts.contact import Contact
from postroad.contacts.identities import Identity, claim_of, contact_id_of, parse_identity
from postroad.events import Event
from tests.faults.test_stories import Shop
from tests.faults.worlds import KEY

ANA, BO = Identity("user", "ana"), Identity("user", "bo")
ANAS, BOS = Identity("email", "ana@example.com"), Identity("email", "bo@example.com")
PHONE = Identity("phone", "+351912345678")
DEVICES = tuple(Identity("anon", name) for name in ("one", "two", "three"))
EVERYTHING = (ANA, BO, ANAS, BOS, PHONE, *DEVICES)

said = st.lists(st.sampled_from(EVERYTHING), min_size=1, max_size=3, unique_by=lambda identity: identity.kind)
words = st.lists(st.tuples(said, st.booleans()), min_size=1, max_size=8)


def row_of(contact: Contact, text: str) -> Identity:
    identity = parse_identity(text)
    return claim_of(identity) if text in contact.claims else identity


def tell(shop: Shop, who: list[Identity], trusted: bool) -> Event:
    event = shop.event("Page Viewed", *who, trusted=trusted)
    assert shop.fold(event) == []
    return event


def check_rows(shop: Shop) -> None:
    """Every identity of a contact leads to it, and nobody has two user ids."""
    for contact in shop.world.memory.list_contacts():
        for text in contact.identities:
            found = shop.world.memory.load(contact_id_of(row_of(contact, text), KEY))
            assert found
            assert found.contact_id == contact.contact_id
        assert contact.claims <= contact.identities.keys()
        assert sum(text.startswith("user:") for text in contact.identities) <= 1


@settings(max_examples=60, deadline=None)
@given(words, st.randoms(use_true_random=False))
def test_identities_lead_home_and_an_event_acts_once_whoever_has_its_address_by_then(story, random) -> None:
    shop = Shop()
    events = []
    for who, trusted in story:
        events.append(tell(shop, who, trusted))
        check_rows(shop)
    again = [*events, *events]
    random.shuffle(again)
    assert shop.fold(*again) == []
    check_rows(shop)
    assert sum(contact.events_folded for contact in shop.world.memory.list_contacts()) == len(events)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(said, st.booleans()), max_size=6))
def test_no_browser_keeps_a_server_from_knowing_who_has_an_address(story) -> None:
    """Servers speak of others meanwhile, and of nobody by Ana's address."""
    shop = Shop()
    for who, trusted in story:
        if not trusted or not {ANA, ANAS} & {*who}:
            tell(shop, who, trusted)
    tell(shop, [ANA, ANAS], True)
    ana = shop.contact(ANAS)
    assert str(ANA) in ana.identities
    assert not {str(ANA), str(ANAS)} & ana.claims
    assert str(BO) not in ana.identities
    assert ana.find_address("email") == ANAS.value
    check_rows(shop)


def test_who_was_two_people_by_all_that_was_known_may_have_had_a_mail_twice_and_goes_on_as_one() -> None:
    """A browser's word is not enough to hold back the mail of whom a server tells by the same address."""
    shop = Shop()
    shop.fold(shop.event("Signed Up", ANAS, DEVICES[0], trusted=False))
    shop.fold(shop.event("Identified", ANA, DEVICES[0]))
    shop.fold(shop.event("Signed Up", ANAS))
    first, second = shop.messages("hello")
    assert first.contact_id != second.contact_id
    shop.fold(shop.event("Identified", ANA, ANAS))
    assert len(shop.messages("hello")) == 2
    assert len(shop.contact(ANAS).dropped) == 1
    assert shop.contact(ANAS).contact_id == shop.contact(ANA).contact_id
