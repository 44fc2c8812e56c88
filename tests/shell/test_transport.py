"""The kept connection: real sockets on loopback, botocore's own client on top."""

import datetime
import io
import ipaddress
import math
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import botocore.session
import pytest
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    ReadTimeoutError,
    SSLError,
)
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from postroad_aws import transport
from postroad_aws.clients import forget_clients, get_client
from postroad_aws.transport import KeptConnection, shorten


class Server(ThreadingHTTPServer):
    """Answers GetItem, after so many `failures`; counts connections; `trouble` says what goes wrong."""

    daemon_threads = True

    def __init__(self) -> None:
        self.connections = 0
        self.bodies: list[bytes] = []
        self.trouble = ""
        self.failures = 0
        super().__init__(("127.0.0.1", 0), Handler)

    def get_request(self) -> Any:
        self.connections += 1
        return super().get_request()

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a client that hangs up is part of the test

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        self.server.bodies.append(self.rfile.read(int(self.headers["content-length"])))
        if self.server.trouble == "hangs":
            time.sleep(1.0)
        if self.server.trouble == "hangs up":
            self.close_connection = True
            return
        body = b'{"Item": {"contact_id": {"S": "ana"}}}'
        self.send_response(500 if self.server.failures else 200)
        self.server.failures = max(0, self.server.failures - 1)
        self.send_header("content-type", "application/x-amz-json-1.0")
        self.send_header("content-length", str(len(body)))
        if self.server.trouble == "closes":
            self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def client(url: str, *, read_timeout: float = 5.0, attempts: int = 1, max_idle: float = math.inf) -> Any:
    config = Config(retries={"mode": "standard", "total_max_attempts": attempts})
    made = botocore.session.Session().create_client(
        "dynamodb", "us-east-1", endpoint_url=url, aws_access_key_id="a", aws_secret_access_key="b", config=config
    )
    shorten(made, connect_timeout=2.0, read_timeout=read_timeout, max_idle=max_idle)
    assert isinstance(made._endpoint.http_session, KeptConnection)
    return made


def get(made: Any) -> Any:
    return made.get_item(TableName="t", Key={"contact_id": {"S": "ana"}})["Item"]["contact_id"]["S"]


def test_calls_share_one_connection(server: Server) -> None:
    made = client(server.url)
    assert [get(made) for _ in range(5)] == ["ana"] * 5
    assert server.connections == 1
    assert server.bodies[0].startswith(b"{")


def test_an_answer_that_its_caller_reads_is_there_to_be_read(server: Server) -> None:
    """As of a Lambda function, whose answer botocore does not take apart."""
    session = botocore.session.Session()
    session.set_credentials("key", "secret")
    made = session.create_client("lambda", region_name="us-east-1", endpoint_url=server.url)
    shorten(made, connect_timeout=1.0, read_timeout=5.0)
    answer = made.invoke(FunctionName="postroad-channel-whatsapp", Payload=b"{}")
    assert answer["Payload"].read() == b'{"Item": {"contact_id": {"S": "ana"}}}'
    assert server.bodies == [b"{}"]


def test_a_connection_that_the_other_side_closed_is_made_anew(server: Server) -> None:
    made = client(server.url)
    server.trouble = "closes"
    assert get(made) == "ana"
    assert get(made) == "ana"
    assert server.connections == 2


def test_a_call_that_is_made_once_does_not_rely_on_a_connection_that_was_idle(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = client(server.url, max_idle=2.0)
    assert [get(made), get(made)] == ["ana", "ana"]
    assert server.connections == 1
    real = time.time
    monkeypatch.setattr(transport.time, "time", lambda: real() + 2.5)
    assert get(made) == "ana"
    assert server.connections == 2


def test_each_thread_has_its_own(server: Server) -> None:
    made = client(server.url)
    threads = [threading.Thread(target=get, args=(made,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.connections == 4


def test_an_answer_that_does_not_come_is_a_read_timeout_and_sent_once(server: Server) -> None:
    server.trouble = "hangs"
    with pytest.raises(ReadTimeoutError):
        get(client(server.url, read_timeout=0.1))
    while not server.bodies:  # on a loaded machine the server reads later than the client waits
        time.sleep(0.01)
    assert len(server.bodies) == 1


def test_hanging_up_in_the_middle_is_a_closed_connection(server: Server) -> None:
    server.trouble = "hangs up"
    with pytest.raises(ConnectionClosedError):
        get(client(server.url))
    assert len(server.bodies) == 1


def test_botocore_tries_again_as_often_as_it_was_told(server: Server) -> None:
    server.trouble = "hangs up"
    with pytest.raises(ConnectionClosedError):
        get(client(server.url, attempts=3))
    assert len(server.bodies) == 3


@pytest.mark.parametrize(("retries", "asked"), [(0, 1), (3, 3)])
def test_what_failed_is_asked_again_and_what_succeeded_is_not(
    server: Server, monkeypatch: pytest.MonkeyPatch, retries: int, asked: int
) -> None:
    """Of our own clients, which ask botocore only about what failed."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    forget_clients()
    made = get_client("dynamodb", retries=retries)
    server.failures = 2
    with suppress(ClientError):
        get(made)
    assert len(server.bodies) == asked
    server.failures = 0
    assert get(made) == "ana"
    assert len(server.bodies) == asked + 1
    forget_clients()


def test_what_is_prepared_in_fewer_steps_is_what_botocore_prepares(server: Server) -> None:
    for body in (b"{}", b"", {"Action": "Publish", "Message": "a b"}, "text"):
        usual, short = (AWSRequest("POST", f"{server.url}/v2?x=1", {"X-A": "1"}, body) for _ in range(2))
        expected, prepared = usual.prepare(), transport._prepare(short)
        assert transport._write(prepared, urlsplit(prepared.url)) == transport._write(expected, urlsplit(expected.url))


def test_nobody_listening_is_an_endpoint_that_cannot_be_reached(server: Server) -> None:
    made = client(server.url)
    server.shutdown()
    server.server_close()
    with pytest.raises(EndpointConnectionError):
        get(made)


def read(text: str, method: str = "POST") -> Any:
    return transport._read(io.BytesIO(text.replace("\n", "\r\n").encode()), method)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("HTTP/1.1 200 OK\nContent-Length: 2\n\nokrest", (200, b"ok", False)),
        ("HTTP/1.1 200 OK\nContent-Length: 2\nConnection: close\n\nok", (200, b"ok", True)),
        ("HTTP/1.1 100 Continue\n\nHTTP/1.1 400 Bad Request\nContent-Length: 0\n\n", (400, b"", False)),
        ("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n3;x=1\nabc\n2\nde\n0\nX: y\n\n", (200, b"abcde", False)),
        ("HTTP/1.1 200 OK\n\nuntil the end", (200, b"until the end", True)),
        ("HTTP/1.0 200\nContent-Length: 1\n\nx", (200, b"x", True)),
        ("HTTP/1.1 204 No Content\n\nHTTP", (204, b"", False)),
    ],
)  # fmt: skip
def test_answers_of_every_form_are_read(text: str, expected: tuple[int, bytes, bool]) -> None:
    answer = read(text)
    assert (answer.status, answer.body, answer.is_last) == expected


def test_a_header_that_comes_twice_is_one_with_both_values() -> None:
    assert read("HTTP/1.1 204 OK\nX-A: 1\nx-a:2\n\n").headers == {"x-a": "1, 2"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "220 smtp ready\n",
        "HTTP/1.1 OK\n\n",
        "HTTP/1.1 200 OK\nContent-Length: 5\n\nok",
        "HTTP/1.1 200 OK\nContent-Length: -1\n\nok",
        "HTTP/1.1 200 OK\nContent-Length: two\n\nok",
        "HTTP/1.1 200 OK\nno header\n\n",
        "HTTP/1.1 200 OK\nX: 1\n" + "A: 1\n" * 3,
        "HTTP/1.1 200 OK\n" + "".join(f"A{number}: 1\n" for number in range(101)) + "\n",
        "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5\nabc",
        "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n-3\nabc\n0\n\n",
    ],
)
def test_what_is_no_whole_answer_is_refused(text: str) -> None:
    with pytest.raises(transport._Garbled):
        read(text)


def test_of_an_answer_that_went_well_only_what_aws_says_is_kept() -> None:
    headers = {"x-amzn-requestid": "1", "x-amz-function-error": "Unhandled", "date": "Mon", "server": "Server"}
    said = {name: value for name, value in headers.items() if name.startswith("x-amz")}
    assert transport._worth_keeping(transport._Answer(200, headers, b"", False)) == said
    assert transport._worth_keeping(transport._Answer(429, headers, b"", False)) == headers


def test_a_line_break_cannot_be_smuggled_into_a_header() -> None:
    request = AWSRequest("POST", "http://127.0.0.1/", {"X": "1\r\nY: 2"}, b"").prepare()
    with pytest.raises(ValueError, match="line break"):
        transport._write(request, urlsplit(request.url))


def test_a_proxy_keeps_urllib3(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "")
    made = botocore.session.Session().create_client("dynamodb", "us-east-1")
    shorten(made, connect_timeout=1, read_timeout=1)
    assert not isinstance(made._endpoint.http_session, KeptConnection)


@pytest.fixture
def certified(server: Server, tmp_path: Path) -> Path:
    """The server speaks TLS; the file is the certificate that proves it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    chain, secret = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, secret)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    return chain


def test_a_certificate_that_is_trusted_is_accepted(
    server: Server, certified: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certified))
    assert get(client(server.url.replace("http:", "https:"))) == "ana"


def test_a_certificate_that_nobody_vouches_for_is_refused(
    server: Server, certified: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    with pytest.raises((SSLError, EndpointConnectionError)):
        get(client(server.url.replace("http:", "https:")))
    assert not server.bodies
