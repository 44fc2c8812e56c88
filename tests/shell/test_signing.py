"""Signing in fewer steps gives the signature that botocore gives."""

import re

import botocore.session
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

import templatecheck
from postroad_aws import clients
from postroad_aws.signing import ShortSigV4

# What the roles allow; these two are allowed by the names of their parts.
OPERATIONS = {
    *re.findall(
        r"\b(?:dynamodb|sqs|sns|ses|states|scheduler):([A-Z]\w+)", (templatecheck.ROOT / "template.yaml").read_text()
    ),
    "TransactWriteItems",
    "SendMessageBatch",
    "Invoke",
}
NAMES = st.sampled_from(["Content-Type", "X-Amz-Target", "User-Agent", "X-Amz-Meta", "expect", "Zebra", "x-a", "Host"])
VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)


def sign(signer: type[SigV4Auth], token: str | None, headers: dict[str, str], body: bytes, url: str) -> str:
    request = AWSRequest("POST", url, headers=headers, data=body)
    signer(Credentials("AKIDEXAMPLE", "secret", token), "dynamodb", "eu-west-1").add_auth(request)
    return str(request.headers["Authorization"])


@pytest.fixture(autouse=True)
def _noon(monkeypatch: pytest.MonkeyPatch) -> None:
    import botocore.auth

    noon = botocore.auth.get_current_datetime()
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *_, **__: noon)


@given(
    token=st.none() | st.just("a token"),
    headers=st.dictionaries(NAMES, VALUES, max_size=6),
    body=st.binary(max_size=50),
    url=st.sampled_from(
        [
            "https://dynamodb.eu-west-1.amazonaws.com/",
            "http://127.0.0.1:4566/v2/email/outbound-emails",
            "https://h/?b=1&a",
        ]
    ),
)
def test_any_request_gets_the_signature_that_botocore_gives_it(
    token: str | None, headers: dict[str, str], body: bytes, url: str
) -> None:
    assert sign(ShortSigV4, token, headers, body, url) == sign(SigV4Auth, token, headers, body, url)


@pytest.mark.parametrize("token", [None, "a token"])
def test_what_is_tried_again_is_signed_anew(token: str | None) -> None:
    once, twice = (AWSRequest("POST", "https://example.com/", {"X-A": "1"}, b"{}") for _ in range(2))
    twice.headers["Authorization"], twice.headers["X-Amz-Date"] = "of the first try", "20200101T000000Z"
    for request in (once, twice):
        ShortSigV4(Credentials("AKIDEXAMPLE", "secret", token), "dynamodb", "eu-west-1").add_auth(request)
    assert sorted(twice.headers.items()) == sorted(once.headers.items())


def test_other_keys_days_and_regions_give_other_signatures() -> None:
    def of(secret: str, region: str) -> str:
        request = AWSRequest("POST", "https://example.com/", data=b"{}")
        ShortSigV4(Credentials("AKIDEXAMPLE", secret), "dynamodb", region).add_auth(request)
        return str(request.headers["Authorization"]).rpartition("Signature=")[2]

    assert len({of("one", "eu-west-1"), of("two", "eu-west-1"), of("one", "us-east-1")}) == 3


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "ap-southeast-2", "us-gov-west-1", "cn-north-1"])
@pytest.mark.parametrize("service", clients.SERVICES)
def test_every_service_of_ours_has_one_address_whatever_is_called(
    service: str, region: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SESV2"):
        monkeypatch.delenv(name, raising=False)
    client = botocore.session.get_session().create_client(
        service, region_name=region, aws_access_key_id="a", aws_secret_access_key="b"
    )
    call = {"TableName": "table", "RequestItems": {"table": {}}, "TransactItems": []}
    called = OPERATIONS.intersection(client.meta.service_model.operation_names)
    addresses = {
        client._resolve_endpoint_ruleset(client.meta.service_model.operation_model(name), call, {})[0]
        for name in called
    }

    assert called
    assert {address.rstrip("/") for address in addresses} == {client.meta.endpoint_url.rstrip("/")}
