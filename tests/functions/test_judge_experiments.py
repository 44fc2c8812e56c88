"""The daily look at experiments."""

from functions.judge_experiments.app import handler
from postroad.contacts.places import split_place, variant_place
from postroad.stats import ENTERED, PLACES, Cell, Increments, day_of
from postroad_aws import clock, runs
from postroad_aws.storage import definitions, stats
from postroad_aws.usecases.publish_definitions import publish_definitions
from tests.account import Account

VARIANTS = [{"name": name, "then": [{"id": name, "send": {"template": "welcome"}}]} for name in ("short", "long")]


def trial(**experiment):
    step = {"id": "length", "experiment": {"variants": VARIANTS, **experiment}}
    head = {"kind": "journey", "id": "trial", "trigger": {"event": "Trial Started"}}
    return {**head, "goal": {"event": "Order Completed"}, "steps": [step]}


def shown(account, **numbers):
    found = Increments()
    for name, (people, converted) in numbers.items():
        for number, done in ((people, False), (converted, True)):
            definition, spot = split_place(variant_place("trial/length", name, converted=done))
            found[Cell(definition, PLACES, day_of(account.now()), spot, ENTERED)] = number
    stats.add(found)


def test_a_winner_wins_once_and_a_later_publication_keeps_it(account: Account):
    publish_definitions(definitions, runs, clock, {"journey/trial": trial()})
    assert handler({}, None) == {}
    shown(account, short=(1000, 100), long=(1000, 150))
    assert handler({}, None) == {"trial/length": "long"}
    assert handler({}, None) == {}
    publish_definitions(definitions, runs, clock, {"journey/trial": {**trial(), "name": "Trial, again"}})
    manifest = definitions.find_manifest()
    assert manifest.winners["trial/length"].variant == "long"
    assert "long is the best: long 15.0 % of 1000, short 10.0 % of 1000" in manifest.winners["trial/length"].because
    account.fold(account.event("Trial Started", "email:new@example.com"))
    assert account.messages("email:new@example.com").keys() == {"long"}


def test_where_a_person_is_to_choose_nobody_wins_by_itself(account: Account):
    publish_definitions(definitions, runs, clock, {"journey/trial": trial(winner="manual")})
    shown(account, short=(1000, 100), long=(1000, 150))
    assert handler({}, None) == {}
    assert definitions.find_manifest().winners == {}


def test_what_nobody_has_published_is_not_judged(bare_account: Account):
    assert handler({}, None) == {}
