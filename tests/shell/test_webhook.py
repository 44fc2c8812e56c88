"""Webhooks: what a receiver gets over a real connection, what its answers mean, and where we never connect to."""

import json
import socket
import ssl
import threading
import time
from base64 import b64decode, b64encode
from collections.abc import Iterator
from hmac import digest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest

from postroad.envelopes.webhook import Call
from postroad_aws import clock
from postroad_aws.channels import LATER, SOON, webhook
from postroad_aws.ports import Accepted, Channel, Refused, Unclear
from postroad_aws.settings import settings
from postroad_aws.storage import keys
from tests.certificates import make_certificate

PORT: Channel[Call] = webhook
HOST = "hooks.example.com"
PUBLIC = "93.184.215.14"
INSIDE = {"location": "http://127.0.0.1:9001/2018-06-01/runtime/invocation/next"}
BODY = b'{"type":"order","data":{"total":24.5}}'


class Receiver:
    """Somebody's server behind https, as the open internet has it: its name leads to a public address."""

    def __init__(self) -> None:
        self.status, self.headers, self.answer = 200, dict[str, str](), b""
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        self.drips = False
        self.server: ThreadingHTTPServer
        self.asked: list[str] = []
        self.addresses = {HOST: [PUBLIC]}

    def take(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["content-length"]))
        self.got.append((handler.path, {name.lower(): value for name, value in handler.headers.items()}, body))
        if self.drips:
            while True:
                handler.wfile.write(b"H")
                handler.wfile.flush()
                time.sleep(0.05)
        handler.send_response(self.status)
        for name, value in self.headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(self.answer)


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch, tmp_path: Any, aws: Any) -> Iterator[Receiver]:
    keys.create_stack_secret(b"s" * 32)
    it = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            it.take(self)

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            """Who hangs up on a slow receiver is no error of it."""

    it.server = Server(("127.0.0.1", 0), Handler)
    certificate = make_certificate(tmp_path, HOST)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    it.server.socket = context.wrap_socket(it.server.socket, server_side=True)
    threading.Thread(target=it.server.serve_forever, args=(0.01,), daemon=True).start()

    def resolve(host: str, port: int, *_: Any) -> list[Any]:
        it.asked.append(host)
        if host not in it.addresses:
            raise socket.gaierror("not found")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in it.addresses[host]]

    def reach(address: tuple[str, int], timeout: float) -> socket.socket:
        assert address == (PUBLIC, 443), "only what was looked at is connected to"
        made = socket.socket()
        made.settimeout(timeout)
        made.connect(it.server.server_address[:2])
        return made

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket, "create_connection", reach)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    webhook._context.cache_clear()
    webhook._silent.clear()
    yield it
    it.server.shutdown()
    it.server.server_close()
    webhook._context.cache_clear()


def call(url: str = f"https://{HOST}/crm?team=1") -> Call:
    return Call("enr-1.tell", url, "crm", BODY)


def test_a_receiver_gets_the_document_with_a_signature_that_it_can_check(receiver):
    assert webhook.send(call()) == Accepted("", {"status": 200})
    ((path, headers, body),) = receiver.got
    assert (path, body) == ("/crm?team=1", BODY)
    assert headers["host"] == HOST
    assert headers["content-type"] == "application/json"
    assert abs(int(headers["webhook-timestamp"]) - clock.now()) < 5
    key = keys.derive_key("webhook/crm")
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    assert headers["webhook-signature"] == f"v1,{b64encode(digest(key, signed, 'sha256')).decode()}"
    assert receiver.asked == [HOST]


def test_a_repeated_call_has_the_same_id_and_each_entry_of_the_policy_a_key_of_its_own(receiver):
    webhook.send(call())
    webhook.send(call())
    webhook.send(Call("enr-1.tell", f"https://{HOST}/crm", "erp", BODY))
    ids = [headers["webhook-id"] for _, headers, _ in receiver.got]
    assert ids == ["enr-1_dtell"] * 3
    mine, _, other = [b64decode(headers["webhook-signature"][3:]) for _, headers, _ in receiver.got]
    assert mine != other


@pytest.mark.parametrize(
    ("status", "answer", "told"),
    [
        (204, b"", {"status": 204}),
        (201, b'{"id": 7, "accepted": true}', {"status": 201, "answer": {"id": 7, "accepted": True}}),
        (200, b"ok", {"status": 200}),
        (200, b"[1]", {"status": 200}),
        (200, b'{"a": NaN}', {"status": 200}),
        (200, b'{"a": "\\ud800"}', {"status": 200}),
        (200, b'{"a": "' + b"x" * 1_000 + b'"}', {"status": 200}),
        (200, b'{"a":' * 200 + b"1" + b"}" * 200, {"status": 200}),
        (200, b"x" * 100_000, {"status": 200}),
    ],
)
def test_an_answer_of_2xx_is_a_delivery_and_a_small_object_is_told(receiver, status, answer, told):
    receiver.status, receiver.answer = status, answer
    assert webhook.send(call()) == Accepted("", told)


@pytest.mark.parametrize(
    ("status", "headers", "result"),
    [
        (302, INSIDE, Refused(f"{HOST} answered 302, and redirects are not followed", None)),
        (400, {}, Refused(f"{HOST} answered 400", None)),
        (410, {}, Refused(f"{HOST} answered 410", None)),
        (429, {"retry-after": "120"}, Refused(f"{HOST} answered 429", 120.0)),
        (503, {"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, Refused(f"{HOST} answered 503", SOON)),
        (500, {}, Refused(f"{HOST} answered 500", SOON)),
    ],
)  # fmt: skip
def test_other_answers_say_whether_it_is_worth_another_try(receiver, status, headers, result):
    receiver.status, receiver.headers = status, headers
    assert webhook.send(call()) == result
    assert len(receiver.got) == 1


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.7", "172.16.9.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "224.0.0.1", "255.255.255.255", "192.0.2.1",
    ],
)  # fmt: skip
def test_nothing_is_sent_to_an_address_that_is_not_public(receiver, address):
    receiver.addresses[HOST] = [PUBLIC, address]
    assert webhook.send(call()) == Refused(f"{HOST} leads to an address that is not public", None)
    assert receiver.got == []


@pytest.mark.parametrize("address", ["64:ff9b::7f00:1", "2002:7f00:1::", "::1", "fd00:ec2::254", "2606:4700::1111"])
def test_no_ipv6_address_is_connected_to(address):
    assert not webhook.is_public(address)


def test_a_name_that_nobody_has_and_a_certificate_of_somebody_else_are_tried_again_later(receiver):
    assert webhook.send(call("https://nowhere.example.com/")) == Refused("nowhere.example.com was not found", SOON)
    receiver.addresses["other.example.com"] = [PUBLIC]
    other = webhook.send(call("https://other.example.com/"))
    assert other == Refused("other.example.com has no certificate that can be trusted", LATER)
    assert receiver.got == []


def test_a_receiver_that_drips_is_cut_off_and_holds_up_nobody_else(receiver, monkeypatch):
    monkeypatch.setattr(webhook, "TIMEOUT", 1)
    receiver.drips = True
    began = time.monotonic()
    assert webhook.send(call()) == Unclear(f"{HOST} did not answer within 1 seconds")
    assert time.monotonic() - began < 20  # it drips without end
    assert webhook.send(call()) == Refused(f"{HOST} did not answer just now", webhook.SILENT_FOR)
    assert len(receiver.got) == 1


def test_a_receiver_whose_connection_is_swallowed_holds_up_nobody_else_and_has_what_a_slow_resolver_left(
    receiver, monkeypatch
):
    tried: list[float] = []

    def swallow(address: tuple[str, int], timeout: float) -> socket.socket:
        tried.append(timeout)
        raise TimeoutError("timed out")

    monkeypatch.setattr(socket, "create_connection", swallow)
    moments = iter((100.0, 100.0, 105.0, 108.0, 109.0))
    monkeypatch.setattr(webhook, "time", SimpleNamespace(monotonic=lambda: next(moments)))
    assert webhook.send(call()) == Refused(f"{HOST} could not be reached", SOON)
    assert webhook.send(call()) == Refused(f"{HOST} did not answer just now", webhook.SILENT_FOR)
    assert tried == [3.0]


def test_a_connection_that_breaks_leaves_it_unclear(receiver, monkeypatch):
    monkeypatch.setattr(receiver, "take", lambda handler: handler.connection.shutdown(socket.SHUT_RDWR))
    result = webhook.send(call())
    assert isinstance(result, Unclear)
    assert result.reason.startswith(f"the connection to {HOST} broke")


def test_with_a_gateway_everything_goes_there_and_says_where_it_was_meant_to_go(receiver, monkeypatch):
    plain = ThreadingHTTPServer(("127.0.0.1", 0), receiver.server.RequestHandlerClass)
    threading.Thread(target=plain.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.undo()
    monkeypatch.setenv("POSTROAD_WEBHOOKS", f"http://127.0.0.1:{plain.server_port}/_local/webhooks")
    monkeypatch.setattr(keys, "derive_key", lambda label: b"k" * 32)
    settings.cache_clear()
    try:
        assert webhook.send(call()) == Accepted("", {"status": 200})
    finally:
        settings.cache_clear()
        plain.shutdown()
        plain.server_close()
    ((path, headers, body),) = receiver.got
    assert (path, headers["postroad-to"], json.loads(body)["type"]) == (
        "/_local/webhooks", f"https://{HOST}/crm?team=1", "order",
    )  # fmt: skip
