"""Importing contacts in the console: looked over first, then taken by a run that the page follows."""

from urllib.parse import urlsplit

from functions.import_contacts.app import handler as import_contacts
from postroad_aws.storage import imports
from tests.account import lambda_context
from tests.functions.console.test_products import upload

HOSTILE = "<script>alert(1)</script>"
TABLE = f"E-mail,First name,Orders\r\nlena@example.com,{HOSTILE},3\r\nnobody,Bo,1\r\n"
PROOF = {"topic": "newsletter", "channel": "email", "where": "our form", "on": "2024-05-31", "text": "Yes, please."}


def test_c73_a_list_is_looked_over_before_anything_is_taken(browser, account):
    looked = upload(browser, "/console/contacts/_preview?new=yes", TABLE).text
    assert "<b>1 line can be taken</b>, 1 cannot" in looked
    assert "Line 3: the address is no e-mail address." in looked
    assert '<option value="email" selected>' in looked
    assert '<option value="number:orders" selected>' in looked
    assert HOSTILE not in looked
    assert imports.list_imports() == []


def test_another_choice_of_a_column_counts_and_another_file_begins_anew(browser, account):
    chosen = {"column0": "email", "column1": "-", "column2": "text:orders"}
    looked = upload(browser, "/console/contacts/_preview", TABLE, **chosen).text
    assert '<option value="text:orders" selected>' in looked
    anew = upload(browser, "/console/contacts/_preview?new=yes", TABLE, **chosen).text
    assert '<option value="text:orders" selected>' not in anew


def test_c73_people_are_taken_with_the_proof_and_the_page_follows(browser, account):
    answer = upload(browser, "/console/contacts/_import", TABLE, name="Porto", **PROOF)
    assert answer.status == 303
    address = answer.headers["location"]
    assert 'hx-trigger="every 2s"' in browser.get(address).text
    import_contacts({"import_id": urlsplit(address).query.partition("=")[2]}, lambda_context())
    done = browser.get(address).text
    assert "have agreed now" in done
    assert "every 2s" not in done
    assert "Line 3: the address is no e-mail address." in done
    assert "Porto" in browser.get("/console/contacts/_import").text
    account.fold_arrived()
    lena = account.contact("email:lena@example.com")
    assert lena.attributes["first_name"].value == HOSTILE
    assert HOSTILE not in browser.get(f"/console/contacts/{lena.contact_id}").text


def test_a_topic_without_its_proof_is_not_taken(browser, account):
    answer = upload(browser, "/console/contacts/_import", TABLE, topic="newsletter", channel="email")
    assert answer.status == 422
    assert "Say where they agreed" in answer.text
    assert imports.list_imports() == []


def test_what_cannot_be_read_says_why(browser, account):
    assert "by which people are known" in upload(browser, "/console/contacts/_import", "name\nAna\n").text
    assert "Choose a file first." in upload(browser, "/console/contacts/_import", "").text
    bought = "email\n" + "".join(f"p{n}@mailinator.com\n" for n in range(9))
    answer = upload(browser, "/console/contacts/_import", bought)
    assert answer.status == 422
    assert "This list is not taken." in answer.text
    assert browser.get("/console/contacts/_imports?id=none").status == 404
    assert browser.as_role("viewer").get("/console/contacts/_import").status == 403
