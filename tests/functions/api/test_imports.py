"""Imports by the API."""

from functions.import_contacts.app import handler as import_contacts
from postroad_aws.storage import imports
from tests.account import lambda_context
from tests.functions.api.client import call

PATH = "/api/v1/imports"
AGREEMENT = {"topic": "newsletter", "channel": "email", "where": "our form", "on": "2024-05-31", "text": "Yes."}
LIST = {"csv": "email,first_name\nlena@example.com,Lena\nnobody,Bo\n", "name": "Porto"}


def test_c73_people_are_imported_with_a_report(account):
    status, asked = call("POST", PATH, body={**LIST, "agreement": AGREEMENT})
    assert (status, asked["state"], asked["lines"], asked["bad"]) == (202, "running", 1, 1)
    assert asked["problems"] == [{"line": 3, "sentences": ["the address is no e-mail address"]}]
    import_contacts({"import_id": asked["import_id"]}, lambda_context())
    status, done = call("GET", f"{PATH}/{asked['import_id']}")
    assert (status, done["state"], done["counts"]["added"], done["counts"]["agreed"]) == (200, "done", 1, 1)
    assert call("GET", PATH)[1]["items"] == [done]
    account.fold_arrived()
    assert account.contact("email:lena@example.com").attributes["first_name"].value == "Lena"
    assert call("GET", f"{PATH}/none")[0] == 404


def test_what_cannot_be_imported_says_why_and_where(account):
    def refuse(**changes):
        status, problem = call("POST", PATH, body={**LIST, **changes})
        assert status == 422
        return str(problem)

    assert "no column" in refuse(csv="") or "empty" in refuse(csv="")
    assert "by which people are known" in refuse(columns=["-", "text:first_name"])
    assert "as many as the table has columns" in refuse(columns=["email"])
    assert "agreement.where" in refuse(agreement={**AGREEMENT, "where": ""})
    assert "agreement.topic" in refuse(agreement={**AGREEMENT, "topic": ""})
    assert "never ask for mail" in refuse(csv="email\nspamtrap@firm.example\n")
    assert imports.list_imports() == []
