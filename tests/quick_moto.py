"""moto works the same out anew for every call; what it is asked again and again goes a shorter way here."""

import copy
from functools import cache
from random import choices
from string import ascii_letters, digits
from types import SimpleNamespace
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, HeadersDict
from moto.backends import get_backend
from moto.core import DEFAULT_ACCOUNT_ID, botocore_stubber, models, responses, serialize
from moto.dynamodb import models as dynamodb
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.responses import DynamoHandler
from moto.moto_api._internal import mock_random
from moto.sqs import models as sqs

REGION = "us-east-1"
DYNAMODB = f"https://dynamodb.{REGION}.amazonaws.com/"


def backend(service: str) -> Any:
    """What moto keeps of a service in the one account and region that the tests use."""
    return get_backend(service)[DEFAULT_ACCOUNT_ID][REGION]


def hasten() -> None:
    """Once for each process; nothing that moto answers changes."""
    responses.camelcase_to_underscores = cache(responses.camelcase_to_underscores)
    responses.method_names_from_class = cache(responses.method_names_from_class)
    sqs.camelcase_to_underscores = cache(sqs.camelcase_to_underscores)
    models.CallbackResponse = cache(models.CallbackResponse)
    mock_random.get_random_string = _get_random_string
    serialize.ResponseSerializer.get_value = _shorten_get_value(serialize.ResponseSerializer.get_value)
    dynamodb.copy = SimpleNamespace(deepcopy=_copy_all_but_tables)  # what it copies before each part of a transaction
    tables = dynamodb.DynamoDBBackend
    tables.transact_write_items = _shorten_transact_write_items(tables.transact_write_items)
    stubber = botocore_stubber.BotocoreStubber
    stubber.process_request = _shorten_process_request(stubber.process_request)


def _get_random_string(length: int = 20, include_digits: bool = True, lower_case: bool = False) -> str:
    found = "".join(choices(ascii_letters + digits * include_digits, k=length))
    return found.lower() if lower_case else found


def _shorten_get_value(get_value: Any) -> Any:
    def get(self: Any, value: Any, key: str, shape: Any) -> Any:
        # DynamoDB's answers are made of dicts that have AWS's own names: there are no others to try.
        if type(value) is dict and self.service_model.service_name == "dynamodb":
            return value.get(key)
        return get_value(self, value, key, shape)

    return get


def _copy_all_but_tables(value: Any) -> Any:
    return value if isinstance(value, dynamodb.Table) else copy.deepcopy(value)


def _shorten_transact_write_items(transact: Any) -> Any:
    def write(self: Any, items: list[dict[str, Any]]) -> None:
        before = list(_read_before(self.tables, items))
        try:
            transact(self, items)
        except Exception:
            for rows, key, item in before:
                if item is None:
                    rows.pop(key, None)
                else:
                    rows[key] = item
            raise

    return write


def _read_before(tables: Any, items: list[dict[str, Any]]) -> Any:
    """Where each item of a transaction is kept, under which key, and a copy of what is there, or None."""
    for item in items:
        for kind, asked in item.items():
            table, named = tables.get(asked["TableName"]), asked["Item" if kind == "Put" else "Key"]
            names = [name for name in (table.hash_key_attr, table.range_key_attr) if name] if table else []
            if not names or not named.keys() >= set(names):
                continue  # moto says what is wrong with it
            *first, key = (DynamoType(named[name]) for name in names)
            rows = table.items[first[0]] if first else table.items
            yield rows, key, copy.deepcopy(rows.get(key))


def _shorten_process_request(process_request: Any) -> Any:
    def process(self: Any, request: AWSPreparedRequest) -> Any:
        if request.url != DYNAMODB:
            return process_request(self, request)
        return _Dynamo(request).call_action()

    return process


class _Dynamo(DynamoHandler):
    """A call of DynamoDB as it is: not made a request of a web server first, of which a form could be read."""

    def __init__(self, request: AWSPreparedRequest) -> None:
        super().__init__()
        self.uri, self.method, self.path = request.url, request.method, "/"
        self.region, self.partition = REGION, "aws"
        self.response_headers = {"server": "amazon.com"}
        told = {key: value.decode() if isinstance(value, bytes) else value for key, value in request.headers.items()}
        self.headers = HeadersDict(told)
        self.raw_body = request.body
        self.querystring = self.data = self.uri_match = {}
        self.access_key, self.current_account = "AKIAEXAMPLE", DEFAULT_ACCOUNT_ID
        asked = {
            "method": self.method,
            "values": None,
            "headers": self.headers,
            "data": request.body,
            "path": self.path,
        }
        self.parse_parameters(SimpleNamespace(content_type=self.headers["Content-Type"], **asked))
