"""Coupons: given, checked and redeemed where people buy."""

import pytest

from postroad.events import COUPON_REDEEMED
from tests.books import FOOTER
from tests.functions.api.client import EMAIL, WHATEVER, call, paths

PATH = "/api/v1/coupons"


@pytest.fixture
def code(account, ana):
    status, given = call("POST", f"{PATH}/comeback/codes", body={"contact": ana.contact_id})
    assert (status, given["coupon"], given["contact_id"]) == (200, "comeback", ana.contact_id)
    return given["code"]


def redeem(code, contact=EMAIL, **more):
    return call("POST", f"{PATH}/redeem", body={"code": code, "contact": contact, **more})


def check(code, contact=EMAIL):
    return call("POST", f"{PATH}/check", body={"code": code, "contact": contact})[1]


def test_c50_a_coupon_is_redeemed_once_and_the_contact_hears_of_it(account, ana, code):
    assert check(code)["state"] == "valid"
    status, done = redeem(code.lower(), order_id="o-1")
    assert (status, done["state"], done["coupon"], done["order_id"]) == (200, "redeemed", "comeback", "o-1")
    # The same order gets the same answer, any other is refused.
    assert redeem(code, order_id="o-1") == (200, done)
    for more in ({"order_id": "o-2"}, {}):
        status, answer = redeem(code, **more)
        assert status == 409
        assert "was redeemed" in answer["detail"]
    assert check(code) == done
    account.fold_arrived()
    rows = [
        item
        for item in call("GET", f"/api/v1/contacts/{ana.contact_id}/timeline")[1]["items"]
        if item["name"] == COUPON_REDEEMED
    ]
    (row,) = rows
    assert row["properties"] == {
        "coupon": "comeback",
        "name": "Ten percent off the next bag",
        "code": code,
        "order_id": "o-1",
    }


def test_without_an_order_it_is_redeemed_once_all_the_same(account, code):
    assert redeem(code)[0] == 200
    assert redeem(code)[0] == 409


def test_a_code_of_somebody_else_is_unknown(account, code):
    account.sign_up("bea@example.com")
    assert check(code, "email:bea@example.com")["state"] == "unknown"
    status, answer = redeem(code, "email:bea@example.com")
    assert (status, answer["detail"]) == (409, "This code was not made for this contact.")
    assert check("rubbish")["state"] == "unknown"


def test_a_code_that_has_ended_is_refused(account, code):
    account.advance(16 * 86_400)
    assert check(code)["state"] == "expired"
    status, answer = redeem(code)
    assert status == 409
    assert "ended" in answer["detail"]


def test_bad_input_is_told_how_to_mend_it(account, ana):
    assert call("POST", f"{PATH}/none/codes", body={"contact": ana.contact_id})[0] == 404
    for contact in ("email:nobody@example.com", "nobody", "fax:1"):
        assert paths(call("POST", f"{PATH}/check", body={"code": "x", "contact": contact})) == ["contact"]


def test_a_template_that_shows_a_coupon_which_the_policy_does_not_have_is_refused(account):
    mail = {"name": "M", "channel": "email", "topic": "offers", "subject": "S"}
    call("PUT", "/api/v1/definitions/template/t", body=mail)
    for text, status in (
        ("{{ coupon.winter.code }}", 422),
        ("{{ coupon.comeback.code }}", 200),
        ('{{ coupon.winter.code | default("W") }}', 200),
    ):
        draft = {**mail, "html": f"<p>{text}</p>" + FOOTER}
        assert call("PUT", "/api/v1/definitions/template/t", body=draft, headers=WHATEVER)[0] == 200
        answered, answer = call("POST", "/api/v1/definitions/template/t/publish")
        assert answered == status, answer
