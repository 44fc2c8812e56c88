"""The kept connection: real sockets on loopback, botocore's own client on top."""

import datetime
import ipaddress
import ssl
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError, ReadTimeoutError, SSLError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from postroad_aws.transport import KeptConnection, shorten


class Server(ThreadingHTTPServer):
    """Answers GetItem; counts connections; `trouble` says what goes wrong."""

    daemon_threads = True

    def __init__(self) -> None:
        self.connections = 0
        self.bodies: list[bytes] = []
        self.trouble = ""
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
        self.send_response(200)
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


def client(url: str, *, read_timeout: float = 5.0, attempts: int = 1) -> Any:
    config = Config(retries={"mode": "standard", "total_max_attempts": attempts})
    made = botocore.session.Session().create_client(
        "dynamodb", "us-east-1", endpoint_url=url, aws_access_key_id="a", aws_secret_access_key="b", config=config
    )
    shorten(made, connect_timeout=2.0, read_timeout=read_timeout)
    assert isinstance(made._endpoint.http_session, KeptConnection)
    return made


def get(made: Any) -> Any:
    return made.get_item(TableName="t", Key={"contact_id": {"S": "ana"}})["Item"]["contact_id"]["S"]


def test_calls_share_one_connection(server: Server) -> None:
    made = client(server.url)
    assert [get(made) for _ in range(5)] == ["ana"] * 5
    assert server.connections == 1
    assert server.bodies[0].startswith(b"{")


def test_a_connection_that_the_other_side_closed_is_made_anew(server: Server) -> None:
    made = client(server.url)
    server.trouble = "closes"
    assert get(made) == "ana"
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


def test_nobody_listening_is_an_endpoint_that_cannot_be_reached(server: Server) -> None:
    made = client(server.url)
    server.shutdown()
    server.server_close()
    with pytest.raises(EndpointConnectionError):
        get(made)


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
