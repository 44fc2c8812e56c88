"""The mailbox: what people see, and what SES would tell."""

import json
import time

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import HTTPClientError


@pytest.fixture
def ses(cloud):
    client = boto3.client(
        "sesv2",
        endpoint_url=f"http://127.0.0.1:{cloud.port}/_local/ses",
        region_name="us-east-1",
        aws_access_key_id="1",
        aws_secret_access_key="1",
        config=Config(retries={"total_max_attempts": 1}),
    )
    yield client
    cloud.call(
        "POST",
        "/_local/inbox/account",
        {"max_send_rate": 1000, "max_24_hour_send": 1000000, "sending_enabled": True, "times": 0, "lose": 0},
    )


def simple(subject: str, to: str = "ana@example.com", html: str = "<p>hello</p>") -> dict:
    content = {"Subject": {"Data": subject}, "Body": {"Text": {"Data": "hello"}, "Html": {"Data": html}}}
    return {
        "FromEmailAddress": "Shop <shop@example.com>",
        "Destination": {"ToAddresses": [to]},
        "Content": {"Simple": content},
    }


def test_a_mail_is_shown_with_all_its_parts_newest_first(cloud):
    cloud.start_thing("shown-1", mail_to="one@example.com")
    cloud.advance("PT0S")
    cloud.start_thing("shown-2", mail_to="two@example.com")
    cloud.advance("PT0S")
    items = cloud.call("GET", "/_local/inbox").json["items"]
    assert [item["headers"].get("X-Thing") for item in items[:2]] == ["shown-2", "shown-1"]
    newest = items[0]
    assert set(newest) == {"id", "channel", "from", "to", "subject", "html", "text", "headers", "time"}
    assert (newest["channel"], newest["from"], newest["to"]) == ("email", "Shop <shop@example.com>", "two@example.com")
    assert (newest["subject"], newest["text"].strip()) == ("Grüße shown-2", "plain words")
    assert "rich words" in newest["html"]
    assert newest["time"][:16] == cloud.call("GET", "/_local/clock").json["now"][:16]


def test_a_webhook_is_kept_with_where_it_was_meant_to_go_unless_its_receiver_refuses_it(cloud):
    headers = {"postroad-to": "https://hooks.example.com/crm", "webhook-id": "one", "content-type": "application/json"}
    assert cloud.call("POST", "/_local/webhooks", {"total": 5}, headers).status == 200
    newest = cloud.call("GET", "/_local/inbox?limit=1").json["items"][0]
    assert (newest["channel"], newest["to"]) == ("webhook", "https://hooks.example.com/crm")
    assert json.loads(newest["text"]) == {"total": 5}
    assert newest["headers"] == {"webhook-id": "one"}
    cloud.call("POST", "/_local/inbox/account", {"webhook_status": 503})
    assert cloud.call("POST", "/_local/webhooks", {"total": 6}, headers).status == 503
    cloud.call("POST", "/_local/inbox/account", {"webhook_status": 200})
    assert cloud.call("GET", "/_local/inbox?limit=1").json["items"][0]["text"] == newest["text"]
    assert cloud.call("POST", "/_local/webhooks", {"total": 7}).status == 400


def test_the_newest_alone_can_be_asked_for(cloud, ses):
    for number in range(3):
        ses.send_email(**simple(f"limited {number}"))
    found = cloud.call("GET", "/_local/inbox?limit=2").json["items"]
    assert [item["subject"] for item in found] == ["limited 2", "limited 1"]
    for wrong in ("0", "-1", "two", "1.5"):
        answer = cloud.call("GET", f"/_local/inbox?limit={wrong}")
        assert (answer.status, "whole number" in answer.json["message"]) == (400, True)


def test_a_text_to_a_phone_is_shown_too(cloud):
    cloud.start_thing("texted", mail_to="+4915112345678")
    cloud.advance("PT0S")
    text = next(item for item in cloud.call("GET", "/_local/inbox").json["items"] if item["channel"] == "sms")
    assert (text["to"], text["text"]) == ("+4915112345678", "Thing texted")
    assert text["time"][:13] == cloud.call("GET", "/_local/clock").json["now"][:13]


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("ana@example.com", {"Email Sent", "Email Delivered"}),
        ("bounce@simulator.amazonses.com", {"Email Sent", "Email Bounced"}),
        ("bounce+5@example.com", {"Email Sent", "Email Bounced"}),
        ("complaint@simulator.amazonses.com", {"Email Sent", "Email Delivered", "Email Complaint Received"}),
    ],
)
def test_the_address_decides_what_ses_tells(cloud, address, told):
    name = f"told-{address}"
    cloud.start_thing(name.replace("@", "-").replace("+", "-").replace(".", "-"), mail_to=address)
    cloud.advance("PT0S")
    start = name.replace("@", "-").replace("+", "-").replace(".", "-") + " "
    assert {each.removeprefix(start) for each in cloud.heard(start)} == told


def test_simple_content_becomes_a_message(cloud, ses):
    sent = ses.send_email(**simple("Simple"))
    item = next(item for item in cloud.call("GET", "/_local/inbox").json["items"] if item["id"] == sent["MessageId"])
    assert (item["subject"], item["to"]) == ("Simple", "ana@example.com")
    assert (item["text"].strip(), item["html"].strip()) == ("hello", "<p>hello</p>")


def test_the_raw_message_is_kept_byte_for_byte(cloud, ses):
    raw = b"From: a@example.com\r\nTo: b@example.com\r\nList-Unsubscribe: <https://example.com/u>\r\n\r\nhello \xff\r\n"
    sent = ses.send_email(Content={"Raw": {"Data": raw}})
    assert cloud.call("GET", f"/_local/inbox/{sent['MessageId']}/raw").body == raw


def _send_many(ses, subject):
    for _ in range(200):
        ses.send_email(**simple(subject))


def test_the_account_s_limits_are_played(cloud, ses):
    assert ses.get_account()["SendQuota"]["MaxSendRate"] == 1000
    cloud.call("POST", "/_local/inbox/account", {"max_send_rate": 2})
    time.sleep(1.1)  # what other tests sent is out of the running second
    ses.send_email(**simple("first"))
    ses.send_email(**simple("second"))
    with pytest.raises(ses.exceptions.TooManyRequestsException) as refused:
        _send_many(ses, "too fast")  # on a loaded machine the third may leave in the next second
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429
    cloud.call("POST", "/_local/inbox/account", {"max_send_rate": 1000, "max_24_hour_send": 1})
    with pytest.raises(ses.exceptions.LimitExceededException):
        ses.send_email(**simple("many"))
    cloud.call("POST", "/_local/inbox/account", {"max_24_hour_send": 1000000, "sending_enabled": False})
    with pytest.raises(ses.exceptions.SendingPausedException):
        ses.send_email(**simple("paused"))


def test_a_trouble_lasts_as_many_sends_as_asked(cloud, ses):
    cloud.call("POST", "/_local/inbox/account", {"fail": "MessageRejected", "times": 1})
    with pytest.raises(ses.exceptions.MessageRejected):
        ses.send_email(**simple("refused"))
    assert ses.send_email(**simple("taken"))["MessageId"]


def test_a_lost_answer_leaves_the_mail_sent(cloud, ses):
    cloud.call("POST", "/_local/inbox/account", {"lose": 1})
    with pytest.raises(HTTPClientError):
        ses.send_email(**simple("lost answer"))
    assert [item["subject"] for item in cloud.call("GET", "/_local/inbox").json["items"]].count("lost answer") == 1


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b"nonsense", b'{"Content": {"Raw": {"Data": "!"}}}', b'{"Content": {"Simple": {}}}']
)
def test_a_mail_that_cannot_be_read_is_a_bad_request(cloud, body):
    assert cloud.call("POST", "/_local/ses/v2/email/outbound-emails", body).status == 400


def test_broken_headers_and_bytes_are_shown_as_they_stand(cloud, ses):
    raw = (
        b"From: =?utf-8?q?=ff?= <a@example.com\r\nTo: b@example.com, ,;<<>>\r\nSubject: <script>alert(1)</script>\r\n"
        b"Content-Type: text/plain; charset=klingon\r\n\r\nhello \xff\r\n"
    )
    sent = ses.send_email(
        Content={"Raw": {"Data": raw}}, Destination={"ToAddresses": ["b@example.com", "c@example.com"]}
    )
    item = next(item for item in cloud.call("GET", "/_local/inbox").json["items"] if item["id"] == sent["MessageId"])
    assert (item["subject"], item["to"]) == ("<script>alert(1)</script>", ["b@example.com", "c@example.com"])
    assert item["text"].startswith("hello")


def test_an_unknown_setting_of_the_account_is_named(cloud):
    answer = cloud.call("POST", "/_local/inbox/account", {"rate": 5})
    assert answer.status == 400
    assert "max_send_rate" in answer.json["message"]


def test_people_get_a_page_of_the_time_machine_and_programs_its_time(cloud):
    page = cloud.call("GET", "/_local/clock", headers={"Accept": "text/html,*/*"})
    assert page.headers["content-type"].startswith("text/html")
    assert b'data-advance="P3D"' in page.body
    for name in ("clock.css", "clock.js"):
        assert cloud.call("GET", f"/_local/assets/{name}").status == 200
    assert set(cloud.call("GET", "/_local/clock").json) == {"now"}


def test_people_get_a_page_and_a_mail_s_html_can_do_nothing_but_show(cloud, ses):
    page = cloud.call("GET", "/_local/inbox", headers={"Accept": "text/html,*/*"})
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert b"<script src=" in page.body
    assert b"sandbox=" in page.body
    sent = ses.send_email(**simple("page", html="<html><head></head><body><script>alert(1)</script></body></html>"))
    html = cloud.call("GET", f"/_local/inbox/{sent['MessageId']}/html")
    policy = html.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "sandbox allow-popups" in policy
    assert b'<head><base target="_blank">' in html.body
    assert cloud.call("GET", "/_local/inbox/unknown/html").status == 404
    assert json.loads(cloud.call("GET", "/_local/nothing").body) == {"message": "Not Found"}


@pytest.mark.parametrize(
    ("platform", "payload", "kept"),
    [
        ("APNS", {"aps": {"alert": {"title": "Hello", "body": "There"}}, "cart": 1}, {"cart": "1"}),
        ("GCM", {"fcmV1Message": {"message": {"notification": {"title": "Hello", "body": "There"},
                                              "data": {"url": "shop://1"}}}}, {"url": "shop://1"}),
        ("ADM", {"data": {"title": "Hello", "message": "There"}}, {"title": "Hello", "message": "There"}),
    ],
)  # fmt: skip
def test_a_push_is_shown_as_a_phone_shows_it_and_a_device_that_is_gone_gets_none(cloud, platform, payload, kept):
    engine = f"http://127.0.0.1:{(cloud.store / 'state' / 'port').read_text()}"
    session = boto3.Session(aws_access_key_id="000000000000", aws_secret_access_key="x", region_name="us-east-1")
    sns = session.client("sns", endpoint_url=engine)
    application = f"arn:aws:sns:us-east-1:000000000000:app/{platform}/shop"
    endpoint = sns.create_platform_endpoint(PlatformApplicationArn=application, Token="8f3a")["EndpointArn"]
    message = json.dumps({"default": "There", platform: json.dumps(payload)})
    sent = sns.publish(TargetArn=endpoint, Message=message, MessageStructure="json")
    shown = next(each for each in cloud.call("GET", "/_local/inbox").json["items"] if each["id"] == sent["MessageId"])
    assert (shown["channel"], shown["to"], shown["from"]) == ("push", "8f3a", application)
    assert (shown["subject"], shown["text"], shown["headers"]) == ("Hello", "There", kept)
    sns.set_endpoint_attributes(EndpointArn=endpoint, Attributes={"Enabled": "false"})
    with pytest.raises(sns.exceptions.EndpointDisabledException):
        sns.publish(TargetArn=endpoint, Message=message, MessageStructure="json")
