"""A company's people on the running local cloud: they hear of each other's company, and are left in peace together."""

from tests.stories.client import fresh


def test_c49_the_people_of_a_company_hear_of_it_and_c95_are_left_in_peace_together(shop):
    company = fresh("acme")
    ana, bob = shop.person("ana"), shop.person("bob")
    for who, role in ((ana, "buyer"), (bob, "user")):
        shop.send("group", {"userId": who.user, "groupId": company, "traits": {"plan": "pro", "role": role}})
    shop.settle()
    assert ana.contact()["accounts"][company]["role"] == "buyer"
    assert shop.get(f"/accounts/{company}")["members"] == 2
    report = shop.get(f"/accounts/{company}/report")
    assert report["roles"] == {"buyer": 1, "user": 1}
    # What is said with one of them is heard by the other, and makes both of them leave what they are written about.
    assert shop.api("POST", f"/accounts/{company}/suppress", {"because": "in talks"}).status_code == 200
    shop.settle()
    assert [item["name"] for item in bob.timeline()].count("Account Changed") == 1
    bob.track("Signed Up")
    shop.settle()
    (welcome,) = [message for message in bob.messages().values() if message["template"] == "welcome"]
    assert (welcome["state"], welcome["reason"]) == ("skipped", f"the account {company} gets nothing: in talks")
    assert shop.get(f"/accounts/{company}")["suppressed"]["because"] == "in talks"
