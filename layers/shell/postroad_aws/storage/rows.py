"""The schema: one PynamoDB model for each table, as the template makes it.

Where a module speaks botocore instead, a test holds that both read and write the same items.
"""

from pynamodb.attributes import (
    BinaryAttribute,
    BooleanAttribute,
    ListAttribute,
    MapAttribute,
    NumberAttribute,
    UnicodeAttribute,
)
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model

from postroad_aws.settings import settings


def _table(setting: str) -> str:
    return settings().require(setting)


class _WakeIndex(GlobalSecondaryIndex["ContactRow"]):
    class Meta:
        index_name = "wake"
        projection = KeysOnlyProjection()

    shard = UnicodeAttribute(hash_key=True)
    wake_at = NumberAttribute(range_key=True)


class _CreatedIndex(GlobalSecondaryIndex["ContactRow"]):
    class Meta:
        index_name = "created"
        projection = KeysOnlyProjection()

    shard = UnicodeAttribute(hash_key=True)
    created_at = NumberAttribute(range_key=True)


class ContactRow(Model):
    """A contact, or a forward to one: then it has `forward_to` and nothing else."""

    class Meta:
        table_name = _table("contacts_table")

    contact_id = UnicodeAttribute(hash_key=True)
    forward_to = UnicodeAttribute(null=True)
    shard = UnicodeAttribute(null=True)
    version = NumberAttribute(null=True)
    created_at = NumberAttribute(null=True)
    wake_at = NumberAttribute(null=True)
    body = BinaryAttribute(null=True, legacy_encoding=False)
    wake = _WakeIndex()
    created = _CreatedIndex()


class EventRow(Model):
    """A row of a timeline."""

    class Meta:
        table_name = _table("events_table")

    contact_id = UnicodeAttribute(hash_key=True)
    key = UnicodeAttribute(range_key=True)
    body = BinaryAttribute(legacy_encoding=False)
    expires_at = NumberAttribute()


class MembershipRow(Model):
    """A contact at a place."""

    class Meta:
        table_name = _table("memberships_table")

    place_shard = UnicodeAttribute(hash_key=True)
    contact_id = UnicodeAttribute(range_key=True)
    since = NumberAttribute()
    moved = BooleanAttribute(null=True)


class _ContactIndex(GlobalSecondaryIndex["MessageRow"]):
    class Meta:
        index_name = "contact"
        projection = KeysOnlyProjection()

    contact_id = UnicodeAttribute(hash_key=True)
    message_id = UnicodeAttribute(range_key=True)


class _OriginIndex(GlobalSecondaryIndex["MessageRow"]):
    class Meta:
        index_name = "origin"
        projection = KeysOnlyProjection()

    origin_shard = UnicodeAttribute(hash_key=True)
    created_at = NumberAttribute(range_key=True)


class _PendingIndex(GlobalSecondaryIndex["MessageRow"]):
    class Meta:
        index_name = "pending"
        projection = KeysOnlyProjection()

    pending_shard = UnicodeAttribute(hash_key=True)
    pending_at = NumberAttribute(range_key=True)


class MessageRow(Model):
    """A message; see `postroad.sending.messages.Message`."""

    class Meta:
        table_name = _table("messages_table")

    message_id = UnicodeAttribute(hash_key=True)
    contact_id = UnicodeAttribute()
    origin = UnicodeAttribute(null=True)
    step = UnicodeAttribute(null=True)
    enrollment_id = UnicodeAttribute(null=True)
    channel = UnicodeAttribute(null=True)
    topic = UnicodeAttribute(null=True)
    template = UnicodeAttribute(null=True)
    template_version = NumberAttribute()
    trigger_key = UnicodeAttribute(null=True)
    created_at = NumberAttribute()
    state = UnicodeAttribute()
    reason = UnicodeAttribute(null=True)
    not_before = NumberAttribute(null=True)
    expires_at = NumberAttribute(null=True)
    owner = UnicodeAttribute(null=True)
    claimed_at = NumberAttribute(null=True)
    address = UnicodeAttribute(null=True)
    provider_id = UnicodeAttribute(null=True)
    hours = UnicodeAttribute(null=True)
    times: MapAttribute[str, float] = MapAttribute()
    origin_shard = UnicodeAttribute()
    pending_shard = UnicodeAttribute(null=True)
    pending_at = NumberAttribute(null=True)
    by_contact = _ContactIndex()
    by_origin = _OriginIndex()
    by_pending = _PendingIndex()


class _TaskContactIndex(GlobalSecondaryIndex["TaskRow"]):
    class Meta:
        index_name = "contact"
        projection = KeysOnlyProjection()

    contact_id = UnicodeAttribute(hash_key=True)
    task_id = UnicodeAttribute(range_key=True)


class _AssigneeIndex(GlobalSecondaryIndex["TaskRow"]):
    class Meta:
        index_name = "assignee"
        projection = KeysOnlyProjection()

    assignee_shard = UnicodeAttribute(hash_key=True)
    due_at = NumberAttribute(range_key=True)


class _StateIndex(GlobalSecondaryIndex["TaskRow"]):
    class Meta:
        index_name = "state"
        projection = KeysOnlyProjection()

    state_shard = UnicodeAttribute(hash_key=True)
    due_at = NumberAttribute(range_key=True)


class TaskRow(Model):
    """A task; see `postroad.tasks.Task`."""

    class Meta:
        table_name = _table("tasks_table")

    task_id = UnicodeAttribute(hash_key=True)
    contact_id = UnicodeAttribute()
    kind = UnicodeAttribute()
    title = UnicodeAttribute()
    origin = UnicodeAttribute(null=True)
    step = UnicodeAttribute(null=True)
    enrollment_id = UnicodeAttribute(null=True)
    created_at = NumberAttribute()
    due_at = NumberAttribute()
    assignee = UnicodeAttribute(null=True)
    note = UnicodeAttribute(null=True)
    outcomes: ListAttribute[str] = ListAttribute(null=True)
    state = UnicodeAttribute()
    outcome = UnicodeAttribute(null=True)
    reason = UnicodeAttribute(null=True)
    remark = UnicodeAttribute(null=True)
    settled_at = NumberAttribute(null=True)
    settled_by = UnicodeAttribute(null=True)
    edit = NumberAttribute()
    assignee_shard = UnicodeAttribute(null=True)
    state_shard = UnicodeAttribute()
    by_contact = _TaskContactIndex()
    by_assignee = _AssigneeIndex()
    by_state = _StateIndex()


class DefinitionRow(Model):
    """A draft (`edit`), a published version, or the manifest (`revision`)."""

    class Meta:
        table_name = _table("definitions_table")

    kind = UnicodeAttribute(hash_key=True)
    id_version = UnicodeAttribute(range_key=True)
    document = BinaryAttribute(legacy_encoding=False)
    edit = NumberAttribute(null=True)
    revision = NumberAttribute(null=True)
    saved_at = NumberAttribute()


class SuppressionRow(Model):
    """An address that nothing may go to."""

    class Meta:
        table_name = _table("suppressions_table")

    address_hash = UnicodeAttribute(hash_key=True)
    reason = UnicodeAttribute()
    time = NumberAttribute()
    evidence = UnicodeAttribute()


class ConsentRow(Model):
    """The latest yes or no of an address to a topic."""

    class Meta:
        table_name = _table("consents_table")

    address_topic = UnicodeAttribute(hash_key=True)
    granted = BooleanAttribute()
    time = NumberAttribute()
    until = NumberAttribute(null=True)


class ConsentProofRow(Model):
    """One answer, for ever."""

    class Meta:
        table_name = _table("consent_proof_table")

    address_topic = UnicodeAttribute(hash_key=True)
    at = UnicodeAttribute(range_key=True)
    granted = BooleanAttribute()
    time = NumberAttribute()
    evidence = UnicodeAttribute()


class KeyRow(Model):
    """A write key or an API key by its hash, or the stack's secret."""

    class Meta:
        table_name = _table("keys_table")

    key_hash = UnicodeAttribute(hash_key=True)
    kind = UnicodeAttribute(null=True)
    source = UnicodeAttribute(null=True)
    trusted = BooleanAttribute(null=True)
    name = UnicodeAttribute(null=True)
    created_at = NumberAttribute(null=True)
    disabled_at = NumberAttribute(null=True)
    secret = BinaryAttribute(null=True, legacy_encoding=False)
    links = UnicodeAttribute(null=True)


class QuarantineRow(Model):
    """Something that could not be taken."""

    class Meta:
        table_name = _table("quarantine_table")

    day_shard = UnicodeAttribute(hash_key=True)
    id = UnicodeAttribute(range_key=True)
    body = BinaryAttribute(legacy_encoding=False)
    expires_at = NumberAttribute()


class StatsRow(Model):
    """The sums of one definition over one period; each is an attribute of its own, by "spot/counter"."""

    class Meta:
        table_name = _table("stats_table")

    definition = UnicodeAttribute(hash_key=True)
    period = UnicodeAttribute(range_key=True)
    expires_at = NumberAttribute(null=True)


class RequestRow(Model):
    """A request that was made with an idempotency key, and its answer as soon as there is one."""

    class Meta:
        table_name = _table("requests_table")

    request_id = UnicodeAttribute(hash_key=True)
    asked = UnicodeAttribute()
    owner = UnicodeAttribute()
    began = NumberAttribute()
    answer = BinaryAttribute(null=True, legacy_encoding=False)
    expires_at = NumberAttribute()


class _TimeIndex(GlobalSecondaryIndex["BroadcastRow"]):
    class Meta:
        index_name = "by_time"
        projection = KeysOnlyProjection()

    listing = UnicodeAttribute(hash_key=True)
    listed_at = UnicodeAttribute(range_key=True)


class BroadcastRow(Model):
    """A broadcast that was scheduled; see `postroad.broadcasts.broadcast.Run`. Documents are JSON."""

    class Meta:
        table_name = _table("broadcasts_table")

    broadcast_id = UnicodeAttribute(hash_key=True)
    listing = UnicodeAttribute()
    listed_at = UnicodeAttribute()
    document = UnicodeAttribute()
    edit = NumberAttribute()
    number = NumberAttribute()
    state = UnicodeAttribute()
    at = NumberAttribute()
    times: MapAttribute[str, float] = MapAttribute()
    touched_at = NumberAttribute()
    tally = UnicodeAttribute(null=True)
    by_time = _TimeIndex()


class HoldRow(Model):
    """What keeps queued messages from leaving; see `postroad.sending.holds.Hold`."""

    class Meta:
        table_name = _table("holds_table")

    listing = UnicodeAttribute(hash_key=True)
    hold_id = UnicodeAttribute(range_key=True)
    scope = UnicodeAttribute()
    by = UnicodeAttribute()
    kind = UnicodeAttribute()
    since = NumberAttribute()
    note = UnicodeAttribute()
    spread = NumberAttribute()


class _ListedIndex(GlobalSecondaryIndex["AccountRow"]):
    class Meta:
        index_name = "listed"
        projection = KeysOnlyProjection()

    listed = UnicodeAttribute(hash_key=True)
    account_id = UnicodeAttribute(range_key=True)


class AccountRow(Model):
    """An account; see `postroad.accounts.Account`. The document is JSON."""

    class Meta:
        table_name = _table("accounts_table")

    account_id = UnicodeAttribute(hash_key=True)
    listed = UnicodeAttribute()
    version = NumberAttribute()
    document = UnicodeAttribute()
    by_listed = _ListedIndex()


class ProductRow(Model):
    """A product, or what goes with it; see `storage.products`."""

    class Meta:
        table_name = _table("products_table")

    kind = UnicodeAttribute(hash_key=True)
    product_id = UnicodeAttribute(range_key=True)
    document = UnicodeAttribute()


class _AskedIndex(GlobalSecondaryIndex["PrivacyRequestRow"]):
    class Meta:
        index_name = "by_time"
        projection = KeysOnlyProjection()

    listing = UnicodeAttribute(hash_key=True)
    listed_at = UnicodeAttribute(range_key=True)


class PrivacyRequestRow(Model):
    """A privacy request (a JSON document), or a page of what an export has written; see `postroad.consent.privacy`."""

    class Meta:
        table_name = _table("privacy_requests_table")

    request_id = UnicodeAttribute(hash_key=True)
    page = UnicodeAttribute(range_key=True)
    document = UnicodeAttribute(null=True)
    edit = NumberAttribute(null=True)
    body = BinaryAttribute(null=True, legacy_encoding=False)
    expires_at = NumberAttribute(null=True)
    listing = UnicodeAttribute(null=True)
    listed_at = UnicodeAttribute(null=True)
    by_time = _AskedIndex()


class ImportRow(Model):
    """An import (a JSON document), or a page of its people; see `postroad.imports`."""

    class Meta:
        table_name = _table("imports_table")

    kind = UnicodeAttribute(hash_key=True)
    name = UnicodeAttribute(range_key=True)
    document = UnicodeAttribute(null=True)
    body = BinaryAttribute(null=True, legacy_encoding=False)
    expires_at = NumberAttribute(null=True)


class WebMessageRow(Model):
    """A message that waits on a site, or waited; see `postroad.envelopes.WebMessage`."""

    class Meta:
        table_name = _table("web_messages_table")

    contact_id = UnicodeAttribute(hash_key=True)
    message_id = UnicodeAttribute(range_key=True)
    topic = UnicodeAttribute(null=True)
    title = UnicodeAttribute(null=True)
    text = UnicodeAttribute(null=True)
    url = UnicodeAttribute(null=True)
    button = UnicodeAttribute(null=True)
    created_at = NumberAttribute()
    expires_at = NumberAttribute()
    ended = UnicodeAttribute(null=True)
