"""Messages: by contact, by origin, by id."""

import json

from tests.account import ANA
from tests.functions.api.client import EMAIL, call, problem


def test_messages_are_found_by_contact_by_origin_and_by_id(ana):
    for query in ({"contact": ana.contact_id}, {"origin": "journey/welcome@1"}):
        status, page = call("GET", "/api/v1/messages", query)
        assert status == 200
        assert [item["message_id"] for item in page["items"]] == [ana.message_id]
        assert page["next"] is None
    status, shown = call("GET", f"/api/v1/messages/{ana.message_id}")
    assert status == 200
    assert (shown["state"], shown["template"], shown["step"]) == ("queued", "welcome", "welcome")
    assert shown["reason"] is None
    assert set(shown["times"]) == {"queued"}
    assert ANA not in json.dumps(shown)


def test_every_character_of_a_message_id_passes_the_route(account, ana):
    from postroad.commits import Commit
    from postroad_aws.storage import contacts

    odd = ana.with_(message_id="abc-DEF_.welcome-again_2~2")
    contacts.commit(Commit(account.contact(EMAIL), messages=(odd,)))
    status, shown = call("GET", f"/api/v1/messages/{odd.message_id}")
    assert (status, shown["message_id"]) == (200, odd.message_id)


def test_messages_want_to_know_whose(account):
    assert problem(call("GET", "/api/v1/messages"))[0] == 400
    assert problem(call("GET", "/api/v1/messages", {"contact": ""}))[0] == 400
