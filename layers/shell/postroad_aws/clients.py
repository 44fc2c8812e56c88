"""AWS clients, made when first needed and kept for the life of the process.

botocore alone, without boto3, saves its resources and transfers at each cold start.
"""

from functools import cache
from math import inf
from typing import Any

import botocore
import botocore.session
from botocore.config import Config
from botocore.handlers import add_retry_headers
from botocore.loaders import Loader

from postroad_aws.parsing import ShortParsers, ShortSerializer
from postroad_aws.signing import SHORT_V4
from postroad_aws.transport import shorten

_CONNECT_TIMEOUT = 2.0
# After this long a call that is made only once does not rely on an old connection.
_IDLE_TIMEOUT = 2.0

# The clients that we make. botocore looks into each of its 400 service folders before it makes one; told which
# there are, it looks into these (18 ms of every cold start).
SERVICES = ("dynamodb", "sqs", "sns", "sesv2", "stepfunctions", "scheduler", "lambda")


class _Loader(Loader):
    def list_available_services(self, type_name: str) -> list[str]:
        return sorted(SERVICES)


@cache
def _session() -> Any:
    session = botocore.session.Session()
    session.register_component("data_loader", _Loader())
    session.register_component("response_parser_factory", ShortParsers())
    return session


@cache
def get_client(service: str, *, retries: int = 3, timeout: float = 5.0) -> Any:
    """The client of a service, for all callers that ask for the same `retries` and `timeout` (seconds to read).

    A channel that must call once says `retries=0`.
    """
    config = Config(
        retries={"mode": "standard", "total_max_attempts": retries + 1},
        connect_timeout=_CONNECT_TIMEOUT,
        read_timeout=timeout,
        max_pool_connections=10,
        # Our own code builds the parameters and the tests hold them; botocore's check costs 60 us a call.
        parameter_validation=False,
        # Given whole: botocore's own text is put together and cleaned twice for every call (80 us).
        user_agent=f"Botocore/{botocore.__version__} postroad",
        signature_version=SHORT_V4,
    )
    client = _session().create_client(service, config=config)
    # Then every call goes to `meta.endpoint_url`. The rules would find it again each time, which is a tenth of a call,
    # and none of our services has an address that depends on what is called.
    client._ruleset_resolver = None
    if client.meta.service_model.resolved_protocol == "json":
        client._serializer = ShortSerializer()
    # Each call's id and the number of its try are for AWS's statistics: two headers less to write and to sign. And what
    # was given whole is not written again.
    events, name = client.meta.events, client.meta.service_model.service_id.hyphenize()
    events.unregister("request-created", add_retry_headers)
    events.unregister(f"request-created.{name}", client._user_agent_creator.rebuild_and_replace_user_agent_handler)
    _retry_failures_only(client._endpoint)
    shorten(client, connect_timeout=_CONNECT_TIMEOUT, read_timeout=timeout, max_idle=inf if retries else _IDLE_TIMEOUT)
    return client


def _retry_failures_only(endpoint: Any) -> None:
    """Ask botocore whether to try again only about what failed: what succeeded it asks for seven kinds of faults."""
    ask = endpoint._needs_retry

    def needs_retry(*facts: Any) -> bool:
        response = facts[3]
        return (response is None or response[0].status_code != 200) and ask(*facts)

    endpoint._needs_retry = needs_retry


def forget_clients() -> None:
    """Drop all clients and the session, for tests that change the environment."""
    get_client.cache_clear()
    _session.cache_clear()
