"""Suppressions and consents: refusals are rows of their own, because they must not wait in a queue.

Addresses ("email:ana@example.com", in their normal form) are stored as SHA-256 only. Reads are strongly consistent.
"""

import hashlib
import json
from base64 import urlsafe_b64encode
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from postroad.consent.rule import ERASED
from postroad.consent.suppressions import Suppression
from postroad.contacts.contact import Consent
from postroad.instants import format_instant
from postroad.sending.feedback import REPORTED
from postroad_aws.clients import get_client
from postroad_aws.ports import Answers
from postroad_aws.settings import settings
from postroad_aws.storage import NotFoundError, Page
from postroad_aws.storage.batches import get_items_of, write_items
from postroad_aws.storage.paging import decode_cursor, encode_cursor

Item = dict[str, Any]

# What stands before a topic where its proofs are of a yes that was asked to be confirmed.
_ASKED = "?"
# Where the proof of a lifted suppression stands among those of topics; no topic has such a name.
LIFTED = "!lifted"


class Proof(NamedTuple):
    """One answer about a topic, as it was given: when, and the evidence (source, text, message)."""

    granted: bool
    time: float
    evidence: Mapping[str, Any]


def find_suppression(address: str) -> str | None:
    """The reason why nothing may go to this address."""
    found = find_suppression_of(address)
    return found.reason if found else None


def find_suppression_of(address: str) -> Suppression | None:
    """All that is known of a suppression, read consistently."""
    item = _get(settings().require("suppressions_table"), {"address_hash": {"S": _hash(address)}})
    return _suppression(item) if item else None


def get_suppression(address: str) -> Suppression:
    """All that is known of a suppression, read consistently. Raises NotFoundError."""
    found = find_suppression_of(address)
    if found is None:
        raise NotFoundError("Nothing is suppressed under this address.")
    return found


def list_suppressions(*, cursor: str | None = None, limit: int = 50) -> Page[Suppression]:
    """All suppressions, in no order. Raises CursorError."""
    start = {"ExclusiveStartKey": {"address_hash": {"S": decode_cursor(cursor, str)[0]}}} if cursor else {}
    answer = get_client("dynamodb").scan(TableName=settings().require("suppressions_table"), Limit=limit, **start)
    last = answer.get("LastEvaluatedKey")
    return Page(
        [_suppression(item) for item in answer["Items"]], encode_cursor(last["address_hash"]["S"]) if last else None
    )


def lift_suppression(address: str, now: float, evidence: Mapping[str, Any]) -> None:
    """Let the address be written to again. That it was suppressed, and why no more, is kept with the proofs."""
    was = get_suppression(address)
    stood = {"reason": was.reason, "time": was.time, "evidence": was.evidence}
    _save_proof(address, LIFTED, True, now, {**evidence, "suppression": stood})
    get_client("dynamodb").delete_item(
        TableName=settings().require("suppressions_table"), Key={"address_hash": {"S": _hash(address)}}
    )


def find_consent(address: str, topic: str) -> Consent | None:
    """The latest yes or no."""
    item = _get(settings().require("consents_table"), {"address_topic": {"S": _address_topic(address, topic)}})
    return _consent(item) if item else None


def find_answers(topics: Mapping[str, Collection[str]]) -> dict[str, Answers]:
    """What stands about each address and its topics, each in its present state.

    The sender asks for every mail, and a call costs more than a row.
    """
    suppressions, consents = settings().require("suppressions_table"), settings().require("consents_table")
    addresses = {_hash(address): address for address in topics}
    names = {_address_topic(address, topic): (address, topic) for address in topics for topic in topics[address]}
    keys = {
        suppressions: [{"address_hash": {"S": name}} for name in addresses],
        consents: [{"address_topic": {"S": name}} for name in names],
    }
    found = get_items_of(keys, consistent=True)
    reasons = {addresses[item["address_hash"]["S"]]: item["reason"]["S"] for item in found[suppressions]}
    answers: dict[str, dict[str, Consent]] = {address: {} for address in topics}
    for item in found[consents]:
        address, topic = names[item["address_topic"]["S"]]
        answers[address][topic] = _consent(item)
    return {address: Answers(reasons.get(address), answers[address]) for address in topics}


def save_suppression(address: str, reason: str, now: float, evidence: Mapping[str, Any]) -> None:
    """Write that nothing may go to this address any more. The first reason stays, but a complaint outranks any other:
    who complained is written to again only after a word of their own."""
    client, outranks = get_client("dynamodb"), reason == REPORTED
    with suppress(client.exceptions.ConditionalCheckFailedException):
        client.put_item(
            TableName=settings().require("suppressions_table"),
            Item={
                "address_hash": {"S": _hash(address)},
                "reason": {"S": reason},
                "time": {"N": repr(now)},
                "evidence": {"S": _json(evidence)},
            },
            ConditionExpression="attribute_not_exists(address_hash)" + (" OR reason <> :reason" if outranks else ""),
            **({"ExpressionAttributeValues": {":reason": {"S": reason}}} if outranks else {}),
        )


def save_consent(
    address: str, topic: str, granted: bool, now: float, evidence: Mapping[str, Any], until: float | None = None
) -> None:
    """Write the answer and, append-only, its proof. An answer older than the stored one is only proof.

    With `until` it counts no more from then on. The proof comes first: no answer counts without one. Of two answers of
    one instant the no counts. A no that ends does not take the place of one that stays.
    """
    client = get_client("dynamodb")
    ends = {} if until is None else {"until": {"N": repr(until)}}
    _save_proof(address, topic, granted, now, evidence if until is None else {**evidence, "until": until})
    newer = "#time < :time" if granted else "#time <= :time"
    stays = {} if until is None else {"#until": "until"}
    weaker = "" if until is None else " AND (granted = :yes OR attribute_exists(#until))"
    with suppress(client.exceptions.ConditionalCheckFailedException):
        client.put_item(
            TableName=settings().require("consents_table"),
            Item={
                "address_topic": {"S": _address_topic(address, topic)},
                "granted": {"BOOL": granted},
                "time": {"N": repr(now)},
                **ends,
            },
            ConditionExpression=f"attribute_not_exists(address_topic) OR ({newer}{weaker})",
            ExpressionAttributeNames={"#time": "time", **stays},
            ExpressionAttributeValues={":time": {"N": repr(now)}, **({":yes": {"BOOL": True}} if weaker else {})},
        )


def save_request(address: str, topic: str, now: float, evidence: Mapping[str, Any]) -> None:
    """Write, append-only, that a yes was asked to be confirmed."""
    _save_proof(address, _ASKED + topic, False, now, evidence)


def find_request(address: str, topic: str) -> Mapping[str, Any] | None:
    """The evidence of the last yes that was asked to be confirmed, with its `time`."""
    answer = get_client("dynamodb").query(
        TableName=settings().require("consent_proof_table"),
        KeyConditionExpression="address_topic = :asked",
        ExpressionAttributeValues={":asked": {"S": _address_topic(address, _ASKED + topic)}},
        ScanIndexForward=False,
        ConsistentRead=True,
        Limit=1,
    )
    found = [{**json.loads(item["evidence"]["S"]), "time": float(item["time"]["N"])} for item in answer["Items"]]
    return found[0] if found else None


def _save_proof(address: str, topic: str, granted: bool, now: float, evidence: Mapping[str, Any]) -> None:
    client = get_client("dynamodb")
    text = _json(evidence)
    # Two answers of one instant are two proofs; the same answer again is the same one.
    digest = hashlib.sha256(f"{granted}{text}".encode(errors="surrogatepass")).hexdigest()[:12]
    with suppress(client.exceptions.ConditionalCheckFailedException):
        client.put_item(
            TableName=settings().require("consent_proof_table"),
            Item={
                "address_topic": {"S": _address_topic(address, topic)},
                "at": {"S": f"{format_instant(now)}#{digest}"},
                "granted": {"BOOL": granted},
                "time": {"N": repr(now)},
                "evidence": {"S": text},
            },
            ConditionExpression="attribute_not_exists(address_topic)",
        )


def forget_answers(addresses: Collection[str], topics: Collection[str]) -> None:
    """Delete what stands about addresses that belong to nobody, such as made-up ones. The proofs stay."""
    hashes = [{"address_hash": {"S": _hash(address)}} for address in addresses]
    answers = [{"address_topic": {"S": _address_topic(address, topic)}} for address in addresses for topic in topics]
    write_items(settings().require("suppressions_table"), [{"DeleteRequest": {"Key": key}} for key in hashes])
    write_items(settings().require("consents_table"), [{"DeleteRequest": {"Key": key}} for key in answers])


def list_records(addresses: Collection[str], topics: Collection[str]) -> Iterator[dict[str, Any]]:
    """All that stands about addresses, with the proofs, as documents."""
    for address in addresses:
        suppression = find_suppression_of(address)
        if suppression:
            yield {"address": address, "suppression": suppression._asdict()}
        for topic in topics:
            answer = find_consent(address, topic)
            if answer:
                yield {"address": address, "topic": topic, "answer": answer._asdict()}
            for proof in list_proof(address, topic):
                yield {"address": address, "topic": topic, "proof": proof._asdict()}


def erase_answers(addresses: Collection[str], topics: Collection[str], now: float) -> None:
    """Suppress addresses of somebody who was erased: a yes goes, a no stays, and so do the proofs, under hashes.

    A suppression that stands already keeps its reason, and loses its evidence, which may hold words of theirs.
    """
    client = get_client("dynamodb")
    for address in addresses:
        client.update_item(
            TableName=settings().require("suppressions_table"),
            Key={"address_hash": {"S": _hash(address)}},
            UpdateExpression="SET reason = if_not_exists(reason, :erased), #time = if_not_exists(#time, :now),"
            " evidence = :none",
            ExpressionAttributeNames={"#time": "time"},
            ExpressionAttributeValues={":erased": {"S": ERASED}, ":now": {"N": repr(now)}, ":none": {"S": "{}"}},
        )
        for topic in topics:
            with suppress(client.exceptions.ConditionalCheckFailedException):
                client.delete_item(
                    TableName=settings().require("consents_table"),
                    Key={"address_topic": {"S": _address_topic(address, topic)}},
                    ConditionExpression="granted = :yes",
                    ExpressionAttributeValues={":yes": {"BOOL": True}},
                )


def list_proof(address: str, topic: str) -> list[Proof]:
    """Every answer ever given about a topic, the oldest first."""
    from postroad_aws.storage.rows import ConsentProofRow

    rows = ConsentProofRow.query(_address_topic(address, topic), consistent_read=True)
    return [Proof(row.granted, row.time, json.loads(row.evidence)) for row in rows]


def _get(table: str, key: Item) -> Item | None:
    answer: Item = get_client("dynamodb").get_item(TableName=table, Key=key, ConsistentRead=True)
    return answer.get("Item")


def _suppression(item: Item) -> Suppression:
    evidence = json.loads(item["evidence"]["S"])
    return Suppression(item["address_hash"]["S"], item["reason"]["S"], float(item["time"]["N"]), evidence)


def _consent(item: Item) -> Consent:
    until = float(item["until"]["N"]) if "until" in item else None
    return Consent(item["granted"]["BOOL"], float(item["time"]["N"]), until)


def _hash(address: str) -> str:
    return urlsafe_b64encode(hashlib.sha256(address.encode()).digest()).decode().rstrip("=")


def _address_topic(address: str, topic: str) -> str:
    return f"{_hash(address)}#{topic}"


def _json(evidence: Mapping[str, Any]) -> str:
    return json.dumps(evidence, sort_keys=True, separators=(",", ":"), default=str)
