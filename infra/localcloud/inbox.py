"""A mailbox in SES's place: takes SendEmail of SES v2, keeps the raw message, and tells what became of it.

MiniStack's SES keeps no headers and publishes no events, so functions find this by AWS_ENDPOINT_URL_SESV2. Events go
out through PutEvents in the shape of docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-examples.html,
and, as on AWS, only for mail sent with a configuration set. An address whose local part starts with `bounce` bounces,
with `complaint` complains.
"""

import base64
import email.message
import email.policy
import json
import queue
import re
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localcloud.engine import ACCOUNT, Engine
from localcloud.gateway import Response
from localcloud.timemachine import Clock, iso

DAY = 86_400.0
EVENTS_AFTER = 0.02  # seconds; at SES, too, a mail's events nearly always follow the answer to its sender


@dataclass(slots=True)
class Account:
    """SES's limits as tests set them. `fail` answers the next `times` sends; the next `lose` get no answer.

    `webhook_status` is what receivers of webhooks answer."""

    max_send_rate: float = 1000.0
    max_24_hour_send: float = 1_000_000.0
    sending_enabled: bool = True
    fail: str = ""
    times: int = 0
    lose: int = 0
    webhook_status: int = 200


BOUNCED = {"action": "failed", "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 user unknown"}
PERMANENT = {"bounceType": "Permanent", "bounceSubType": "General", "reportingMTA": "dsn; local"}
ACCEPTED = {"processingTimeMillis": 1, "smtpResponse": "250 ok", "reportingMTA": "local"}
ABUSE = {"complaintFeedbackType": "abuse", "userAgent": "local"}
ERRORS = {
    "TooManyRequestsException": (429, "Maximum sending rate exceeded."),
    "LimitExceededException": (400, "Daily message quota exceeded."),
    "SendingPausedException": (400, "Email sending is paused for the account."),
    "AccountSuspendedException": (400, "The account's ability to send email has been permanently restricted."),
    "MessageRejected": (400, "The message was rejected."),
    "InternalServiceErrorException": (500, "Internal failure."),
}


class LostAnswerError(ConnectionError):
    """The mail was taken; whoever sent it is to learn nothing of that."""


def _error(kind: str, message: str = "") -> Response:
    status, text = ERRORS.get(kind, (400, ""))
    return Response(
        status,
        [("content-type", "application/json"), ("x-amzn-errortype", kind)],
        json.dumps({"message": message or text}).encode(),
    )


def _parsed(mail: dict[str, Any]) -> email.message.EmailMessage:
    raw = base64.b64decode(mail["raw"])
    message = email.message_from_bytes(raw, policy=email.policy.default)
    try:
        str(message.items())
    except Exception:  # headers can be so broken that the parser itself stumbles; then they are shown as they stand
        return email.message_from_bytes(
            raw, policy=email.policy.default.clone(header_factory=lambda name, value: value)
        )
    return message


def _part(message: email.message.EmailMessage, kind: str) -> str:
    """The HTML or the text of a message; a part that cannot be decoded reads as what is left of it."""
    part = message.get_body((kind,))
    if part is None:
        return ""
    try:
        return str(part.get_content())
    except (LookupError, ValueError):
        left = part.get_payload(decode=True)
        return left.decode("utf-8", "replace") if isinstance(left, bytes) else ""


def _simple(content: dict[str, Any], sender: str, destination: dict[str, list[str]]) -> bytes:
    """SES's `Simple` content as the message that SES makes of it."""
    message = email.message.EmailMessage()
    message["From"], message["Subject"] = sender, content["Subject"]["Data"]
    for name in ("To", "Cc"):
        if addresses := destination.get(f"{name}Addresses"):
            message[name] = ", ".join(addresses)
    for header in content.get("Headers", []):
        message[header["Name"]] = header["Value"]
    body = content["Body"]
    message.set_content(body.get("Text", {}).get("Data", ""))
    if "Html" in body:
        message.add_alternative(body["Html"]["Data"], subtype="html")
    return message.as_bytes()


class Inbox:
    def __init__(
        self, clock: Clock, clients: Callable[[str], Any], engine: Engine, path: Path, count: Callable[[str], None]
    ):
        self.clock, self.clients, self.engine, self.path, self.count = clock, clients, engine, path, count
        self.lock = threading.Lock()
        self.account = Account()
        self.sent: list[float] = []  # real times: a rate is about real seconds
        self.parsed: dict[str, dict[str, Any]] = {}
        self.events: queue.Queue[tuple[float, dict[str, Any]]] = queue.Queue()
        self.stopped = threading.Event()
        self.calls: list[dict[str, Any]] = []
        self.mails = self._kept()

    def _kept(self) -> list[dict[str, Any]]:
        """The mails of earlier runs; what has not been told of them yet will be. A line that was cut off is no mail."""
        lines = []
        for line in self.path.read_text().splitlines() if self.path.exists() else []:
            with suppress(ValueError):
                lines.append(json.loads(line))
        told = {line["told"] for line in lines if "told" in line}
        mails = [line for line in lines if "raw" in line]
        self.calls = [line["call"] for line in lines if "call" in line]
        for mail in mails:
            if mail["set"] and mail["id"] not in told:
                self.events.put((0.0, mail))
        return mails

    def begin(self) -> None:
        """Publish what is and will be to tell."""
        threading.Thread(target=self._publish, daemon=True, name="mail-events").start()

    def stop(self) -> None:
        """Publish nothing more; what is not told yet is told by the next run."""
        self.stopped.set()

    # ------------------------------------------------------------ webhooks

    def webhook(self, headers: dict[str, str], body: bytes) -> Response:
        """Take what was meant for somebody's server, as that server; what it refuses has not reached it."""
        if "postroad-to" not in headers:
            return Response.of(400, {"message": "A webhook says in postroad-to where it was meant to go."})
        with self.lock:
            status = self.account.webhook_status
            if 200 <= status < 300:
                call = {
                    "id": uuid.uuid4().hex,
                    "channel": "webhook",
                    "from": "",
                    "to": headers["postroad-to"],
                    "subject": "",
                    "html": "",
                    "text": body.decode("utf-8", "replace"),
                    "headers": {name: value for name, value in headers.items() if name.startswith("webhook-")},
                    "time": iso(self.clock.now()),
                }
                self.calls.append(call)
                self._keep({"call": call})
        return Response.of(status, {})

    # ------------------------------------------------------------ SES v2

    def ses(self, method: str, path: str, body: bytes) -> Response:
        """Answer a call of SES's API. Raises LostAnswerError when the connection is to be cut."""
        if (method, path) == ("GET", "/v2/email/account"):
            with self.lock:
                quota = {
                    "Max24HourSend": self.account.max_24_hour_send,
                    "MaxSendRate": self.account.max_send_rate,
                    "SentLast24Hours": float(len(self.sent)),
                }
                return Response.of(
                    200,
                    {
                        "SendQuota": quota,
                        "SendingEnabled": self.account.sending_enabled,
                        "ProductionAccessEnabled": True,
                        "EnforcementStatus": "HEALTHY",
                        "DedicatedIpAutoWarmupEnabled": False,
                    },
                )
        if (method, path) != ("POST", "/v2/email/outbound-emails"):
            return _error(
                "NotFoundException",
                f"The local mailbox does not answer {method} {path}; it knows SendEmail and GetAccount.",
            )
        try:
            request = json.loads(body)
            mail = self._mail(request)
        except (ValueError, KeyError, TypeError, AttributeError) as problem:
            return _error("BadRequestException", f"The mail cannot be read: {problem}")
        with self.lock:
            if refusal := self._refusal():
                return refusal
            self.mails.append(mail)
            self._keep(mail)
            lose = self.account.lose > 0
            self.account.lose -= lose
        self.count("emails")
        if request.get("ConfigurationSetName"):
            self.events.put((time.monotonic() + EVENTS_AFTER, mail))
        if lose:
            raise LostAnswerError
        return Response.of(200, {"MessageId": mail["id"]})

    def _keep(self, line: dict[str, Any]) -> None:
        with self.path.open("a") as log:
            log.write(json.dumps(line) + "\n")

    def _refusal(self) -> Response | None:
        now, account = time.time(), self.account
        self.sent = [at for at in self.sent if at > now - DAY]
        if account.times > 0:
            account.times -= 1
            return _error(account.fail)
        if not account.sending_enabled:
            return _error("SendingPausedException")
        if len(self.sent) >= account.max_24_hour_send:
            return _error("LimitExceededException")
        if sum(at > now - 1 for at in self.sent[-int(account.max_send_rate) - 1 :]) >= account.max_send_rate:
            return _error("TooManyRequestsException")
        self.sent.append(now)
        return None

    def _mail(self, request: dict[str, Any]) -> dict[str, Any]:
        destination = request.get("Destination", {})
        content = request["Content"]
        if "Raw" in content:
            raw = base64.b64decode(content["Raw"]["Data"])
        else:
            raw = _simple(content["Simple"], request["FromEmailAddress"], destination)
        message = email.message_from_bytes(raw, policy=email.policy.default)
        to = [address for kind in ("To", "Cc", "Bcc") for address in destination.get(f"{kind}Addresses", [])]
        to = to or [
            str(address)
            for name in ("To", "Cc")
            for header in message.get_all(name, [])
            for address in header.addresses
        ]
        if not to:
            raise ValueError("it has no recipient")
        tags = {tag["Name"]: [tag["Value"]] for tag in request.get("EmailTags", [])}
        return {
            "id": f"{uuid.uuid4().hex[:16]}-{uuid.uuid4()}-000000",
            "time": self.clock.now(),
            "to": to,
            "raw": base64.b64encode(raw).decode(),
            "from": request.get("FromEmailAddress") or str(message.get("From", "")),
            "set": request.get("ConfigurationSetName", ""),
            "tags": tags,
        }

    def configure(self, changes: dict[str, Any]) -> dict[str, Any]:
        """Set the account's limits and troubles. Raises ValueError naming what is unknown."""
        fields = Account.__slots__
        if unknown := set(changes) - set(fields):
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}; known are {', '.join(fields)}")
        if changes.get("fail") and changes["fail"] not in ERRORS:
            raise ValueError(f"fail must be one of {', '.join(ERRORS)}")
        with self.lock:
            for name, value in changes.items():
                setattr(self.account, name, type(getattr(Account(), name))(value))
            return {name: getattr(self.account, name) for name in fields}

    # ------------------------------------------------------------ what became of it

    def _publish(self) -> None:
        while True:
            due, mail = self.events.get()
            time.sleep(max(0.0, due - time.monotonic()))
            if self.stopped.is_set():
                return
            try:
                entries = [
                    {"Source": "aws.ses", "DetailType": kind, "Detail": json.dumps(detail)}
                    for kind, detail in self._story(mail)
                ]
                self.clients("events").put_events(Entries=entries)
                with self.lock:
                    self._keep({"told": mail["id"]})
            except Exception as problem:
                print(f"The mailbox could not publish an event: {problem}", flush=True)
            finally:
                self.events.task_done()

    def _story(self, mail: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
        """What SES tells of a mail, in order: (detail-type, detail)."""
        message = _parsed(mail)
        domain = mail["from"].rpartition("@")[2].strip("<> ")
        about = {
            "timestamp": iso(mail["time"]),
            "source": mail["from"],
            "sourceArn": f"arn:aws:ses:us-east-1:{ACCOUNT}:identity/{domain}",
            "sendingAccountId": ACCOUNT,
            "messageId": mail["id"],
            "destination": mail["to"],
            "headersTruncated": False,
            "headers": [{"name": name, "value": str(value)} for name, value in message.items()],
            "commonHeaders": {
                "from": [str(message.get("From", mail["from"]))],
                "to": mail["to"],
                "messageId": mail["id"],
                "subject": str(message.get("Subject", "")),
            },
            "tags": {
                "ses:operation": ["SendEmail"],
                "ses:configuration-set": [mail["set"]],
                "ses:source-ip": ["127.0.0.1"],
                "ses:from-domain": [domain],
                "ses:caller-identity": ["local"],
                **mail["tags"],
            },
        }
        at = {"timestamp": iso(self.clock.now()), "feedbackId": mail["id"]}
        told: list[tuple[str, str, dict[str, Any]]] = [("Email Sent", "send", {})]
        if bounced := _playing("bounce", mail["to"]):
            who = [{"emailAddress": to, **BOUNCED} for to in bounced]
            told.append(("Email Bounced", "bounce", {**PERMANENT, **at, "bouncedRecipients": who}))
        if delivered := [to for to in mail["to"] if to not in bounced]:
            told.append(("Email Delivered", "delivery", {**ACCEPTED, **at, "recipients": delivered}))
        if complained := _playing("complaint", mail["to"]):
            who = [{"emailAddress": to} for to in complained]
            told.append(("Email Complaint Received", "complaint", {**ABUSE, **at, "complainedRecipients": who}))
        return [(kind, {"eventType": key.capitalize(), "mail": about, key: detail}) for kind, key, detail in told]

    def pending(self) -> int:
        return self.events.unfinished_tasks

    # ------------------------------------------------------------ reading

    def items(self, most: int | None = None) -> list[dict[str, Any]]:
        """What people received, newest first: everything, or the newest `most`."""
        with self.lock:
            latest = self.mails[-most:] if most else self.mails
            for mail in latest:
                if mail["id"] not in self.parsed:
                    self.parsed[mail["id"]] = self._shown(mail)
            mails = [self.parsed[mail["id"]] for mail in latest]
            calls = self.calls[-most:] if most else self.calls
        everything = [*(_push(each) if "Push" in each else _text(each) for each in self.texts()), *mails, *calls]
        everything.sort(key=lambda item: str(item["time"]))
        return everything[::-1][:most]

    def texts(self) -> list[dict[str, Any]]:
        """What MiniStack's SNS sent to phones: texts, and pushes."""
        by_phone = self.engine.ask("/_ministack/sns/sms-messages")["sms_messages"]
        return [text for texts in by_phone.values() for text in texts]

    def _shown(self, mail: dict[str, Any]) -> dict[str, Any]:
        message = _parsed(mail)
        to = mail["to"][0] if len(mail["to"]) == 1 else mail["to"]
        return {
            "id": mail["id"],
            "channel": "email",
            "from": str(message.get("From", mail["from"])),
            "to": to,
            "subject": str(message.get("Subject", "")),
            "html": _part(message, "html"),
            "text": _part(message, "plain"),
            "headers": {name: str(value) for name, value in message.items()},
            "time": iso(mail["time"]),
        }

    def find(self, mail_id: str) -> dict[str, Any] | None:
        with self.lock:
            return next((mail for mail in self.mails if mail["id"] == mail_id), None)

    def clear(self) -> None:
        with self.lock:
            self.mails.clear()
            self.calls.clear()
            self.parsed.clear()
            self.sent.clear()
            self.account = Account()
            self.path.unlink(missing_ok=True)


def _playing(part: str, addresses: list[str]) -> list[str]:
    return [to for to in addresses if re.search(rf"(^|<)\s*{part}[^<@]*@", to, re.IGNORECASE)]


def _text(record: dict[str, Any]) -> dict[str, Any]:
    sender = record.get("MessageAttributes", {}).get("AWS.SNS.SMS.SenderID", {})
    return {
        "id": record["MessageId"],
        "channel": "sms",
        "from": sender.get("Value") or sender.get("StringValue") or "",
        "to": record["PhoneNumber"],
        "subject": "",
        "html": "",
        "text": record["Message"],
        "headers": {},
        "time": iso(record["Time"]),
    }


def _push(record: dict[str, Any]) -> dict[str, Any]:
    """A notification as a phone shows it; all that its app gets stands among the headers."""
    platform = record["Application"].split("/")[1]
    payload = json.loads(json.loads(record["Message"])[platform])
    shown, data = _SHOWN[platform.removesuffix("_SANDBOX")](payload)
    return {
        "id": record["MessageId"],
        "channel": "push",
        "from": record["Application"],
        "to": record["Push"],
        "subject": shown.get("title", ""),
        "html": "",
        "text": shown.get("body", ""),
        "headers": {name: value if isinstance(value, str) else json.dumps(value) for name, value in data.items()},
        "time": iso(record["Time"]),
    }


def _from_amazon(payload: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    data = payload["data"]
    return {"title": data.get("title", ""), "body": data.get("message", "")}, data


def _from_google(payload: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    message = payload["fcmV1Message"]["message"]
    return message["notification"], message["data"]


def _from_apple(payload: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    return payload["aps"]["alert"], {name: value for name, value in payload.items() if name != "aps"}


# What a phone shows, and what its app gets beside it, by who brings it.
_SHOWN = {"APNS": _from_apple, "GCM": _from_google, "ADM": _from_amazon}
