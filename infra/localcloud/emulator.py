"""MiniStack, run with what no AWS API offers: one clock for all, an exact answer to "is anything still going on?", and
sources (queues, streams, state machines) that begin when the local cloud says so and stop before it does.

This file alone knows MiniStack's insides (it runs in the emulator's own environment, as a child of the local cloud).
Each change to MiniStack says why it is there:

- `time.time` carries the product's offset, so that delays, visibility timeouts, deduplication, retention and TTL obey
  the time machine. Without that, a message that failed would come back in three real minutes, not the story's.
- MiniStack's own scheduler stays off: the local cloud fires schedules, by the product's clock and in order, each once.
- PutEvents takes `aws.` sources: the local cloud's mailbox speaks for SES.
- A rule's function that fails is tried again and then goes to its destination, as every asynchronous invocation.
- Of logs and events only the latest are kept: one stream per invocation would swell memory and the kept state.
- A stream's reader heeds batchItemFailures, BisectBatchOnFunctionError and MaximumRetryAttempts; MiniStack lost what a
  function reported as failed, and tried for ever what could not be done.
- At most `WORKERS` processes per function; further calls wait. AWS would start more, a laptop would choke.
- Queues are known by an address that holds a port: always the same one, so that a kept state finds its queues again.
- A mapping's concurrency may be a parameter of the template, which arrives as text and would stop every queue.
- A schedule made by CloudFormation keeps its time zone, start, end and what follows its completion.
- Reads tell what AWS would bill: MiniStack says half a unit for a query of any size, and nothing for a batch.
- Streams are part of the kept state: it remembers how far they were read, and would skip as many new records.
- Writes to tables are counted: a schedule that does nothing but look at some may then be spared (see README.md, Reads).
- Executions of state machines are counted (Express ones are then forgotten, as on AWS).
- A state machine's Wait ends by the product's clock, and its own times are that clock's.
- An execution that the end of a run cut off goes on at the next start; MiniStack calls it failed, AWS would not stop.
- Schedules are listed page by page; MiniStack gives the first hundred and does not say that there are more.
- A FIFO queue refuses the ids that AWS refuses; a text to a phone keeps its time.
- A push is kept like a text; an endpoint that is disabled refuses it. A platform application is there when it is first
  asked for: on AWS it needs credentials of Apple or Google, here there is nobody to show them to.
- MiniStack waits 150 ms before each execution, up to 50 ms after each invocation that logs nothing, and 50 ms between
  idle wakes. No caller depends on it, and a story of three weeks has hundreds of them.
"""

import asyncio
import contextvars
import json
import os
import re
import signal
import sys
import threading
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

real_time = time.time
clock = {"offset": float(os.environ.get("LOCALCLOUD_OFFSET", "0"))}
time.time = lambda: real_time() + clock["offset"]  # before MiniStack is imported

from hypercorn.asyncio import serve  # noqa: E402
from hypercorn.config import Config  # noqa: E402
from ministack import app as ministack  # noqa: E402
from ministack.core import lambda_runtime  # noqa: E402
from ministack.services import cloudwatch_logs, dynamodb, eventbridge, lambda_svc, scheduler, sns, sqs, stepfunctions  # noqa: E402
from ministack.services.cloudformation import provisioners  # noqa: E402

KEPT = 1000  # events and log streams, of which MiniStack keeps every one for ever
WORKERS = max(4, 2 * (os.cpu_count() or 2))
SQS_ID = re.compile(r"[A-Za-z0-9!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]{1,128}")
# Threads that are at work while they live; all others are loops that wait. Found by the name of what they run.
WORK = {"_run_execution", "_run", "_execute_function_with_config_scope", "_deliver_to_lambda", "_task"}

WIND_DOWN = 10.0  # seconds that a stop gives to what is under way

requests = {"open": 0}
runs = {"started": 0}
# Sources are held until the stack is deployed, and from the moment of a stop. `tasks` and `reading` are under way.
sources = {"held": True, "tasks": 0, "reading": 0, "life": 0}
# Threads that walk through a state machine, but for those that wait for others; until when some of them wait.
walkers = {"count": 0}
begun: set = set()
waits: dict = {}
turned = threading.Condition()  # of the four above and the clock


# ---------------------------------------------------------------- the changes


def _quick_sleep(seconds: float) -> None:
    real_sleep(0 if seconds == 0.15 else seconds)


class _Time:
    """`time` as the state machines see it."""

    def __getattr__(self, name):
        return _quick_sleep if name == "sleep" else getattr(time, name)


real_sleep = time.sleep
stepfunctions.time = _Time()
lambda_runtime.Worker._drain_stderr_bounded.__defaults__ = (0.001, 0.001, 0.25)
lambda_svc._ESM_IDLE_WAKE_GAP_SECONDS = 0.003
scheduler.start_scheduler = lambda: None

put_events = eventbridge._put_events


def _put_events(data, allow_aws_source=True):
    del eventbridge._events_log_list()[:-KEPT]
    return put_events(data, allow_aws_source=True)


def _dispatch_to_lambda(arn, payload):
    function, config, _ = lambda_svc._get_func_record_for_ref(arn)
    if function and config:
        record = lambda_svc._execution_record_for_config(function, config)
        lambda_svc.invoke_async_with_retry(record, json.loads(payload))


eventbridge._put_events = _put_events
eventbridge._dispatch_to_lambda = _dispatch_to_lambda

emit_logs = lambda_svc._emit_lambda_logs


def _emit_logs(function, *arguments, **more):
    emit_logs(function, *arguments, **more)
    for group in list(cloudwatch_logs._log_groups._data.values()):
        streams = group.get("streams", {})
        while len(streams) > KEPT:
            streams.pop(next(iter(streams)), None)


lambda_svc._emit_lambda_logs = _emit_logs

acquire_slot = lambda_svc._acquire_execution_slot
execute_warm = lambda_svc._execute_function_warm
places: dict = defaultdict(lambda: threading.BoundedSemaphore(WORKERS))


def _acquire_slot(func, config):
    runs["started"] += 1
    return acquire_slot(func, config)


def _execute_warm(func, event, request_id):
    place = places[(func.get("config") or func).get("FunctionName")]
    # A function that calls itself could wait for its own caller for ever: after a while it gets a process all the same.
    taken = place.acquire(timeout=20)
    try:
        return execute_warm(func, event, request_id)
    finally:
        if taken:
            place.release()


lambda_svc._acquire_execution_slot = _acquire_slot
lambda_svc._execute_function_warm = _execute_warm


def _held_with_the_others(read):
    def read_unless_held():
        sources["reading"] += 1  # by one thread alone
        try:
            return not sources["held"] and read()
        finally:
            sources["reading"] -= 1

    return read_unless_held


for name in ("_poll_sqs", "_poll_kinesis", "_poll_dynamodb_streams"):
    setattr(lambda_svc, name, _held_with_the_others(getattr(lambda_svc, name)))

concurrency_of = lambda_svc._sqs_esm_concurrency


def _concurrency_of(mapping, *arguments):
    scaling = mapping.get("ScalingConfig") or {}
    if "MaximumConcurrency" in scaling:
        scaling["MaximumConcurrency"] = int(scaling["MaximumConcurrency"])
    return concurrency_of(mapping, *arguments)


lambda_svc._sqs_esm_concurrency = _concurrency_of

execute_function = lambda_svc._execute_function


def _execute_function(func, event):
    """A batch of a stream goes the way Lambda's own reader takes; everything else as before."""
    records = event.get("Records") if isinstance(event, dict) else None
    if not isinstance(records, list) or not records or records[0].get("eventSource") != "aws:dynamodb":
        return execute_function(func, event)
    source, name = records[0]["eventSourceARN"], (func.get("config") or func)["FunctionName"]
    for _, _, mapping in _mappings():
        if (mapping["EventSourceArn"], mapping["FunctionName"]) == (source, name):
            return _read_stream(func, records, mapping)
    return execute_function(func, event)


def _read_stream(func, records, mapping):
    """Go on behind the last success, halve a batch that fails, give up after as many tries as the mapping says."""
    tries, size = 0, len(records)
    while records:
        batch = records[:size]
        result = execute_function(func, {"Records": batch})
        done = 0 if result.get("error") else _done(result.get("body"), batch, mapping)
        if done:
            records, tries = records[done:], 0
            size = len(records)
        elif len(batch) > 1 and mapping.get("BisectBatchOnFunctionError"):
            size = (len(batch) + 1) // 2
        elif tries < (mapping.get("MaximumRetryAttempts") or 0):
            tries += 1
            real_sleep(0.05)
        elif mapping.get("MaximumRetryAttempts") is None:
            return {"error": True, **result}  # for ever: MiniStack's own pace, until the records are too old
        else:
            source = mapping["EventSourceArn"]
            lambda_svc._send_ddb_stream_failure_record(mapping, func, batch, source, result, "RetryAttemptsExhausted")
            records, tries = records[len(batch) :], 0
            size = len(records)
    return {"body": None}


def _done(answer, batch, mapping) -> int:
    """How many records from the start of the batch succeeded."""
    if "ReportBatchItemFailures" not in mapping.get("FunctionResponseTypes", []) or not isinstance(answer, dict):
        return len(batch)
    failed = {each.get("itemIdentifier") for each in answer.get("batchItemFailures") or []}
    numbers = [record["dynamodb"]["SequenceNumber"] for record in batch]
    return next((index for index, number in enumerate(numbers) if number in failed), len(batch))


lambda_svc._execute_function = _execute_function

# Before any queue is made or loaded.
sqs.DEFAULT_PORT = "4566"
sqs._CANONICAL_NETLOC = "localhost:4566"

send_message = sqs._act_send_message


def _send_message(data, url):
    for name in ("MessageGroupId", "MessageDeduplicationId"):
        if data.get(name) is not None and not SQS_ID.fullmatch(data[name]):
            raise sqs._Err(
                "InvalidParameterValue",
                f"Value {data[name]} for parameter {name} is invalid. "
                "Reason: it can only include alphanumeric and punctuation characters. 1 to 128 in length.",
            )
    return send_message(data, url)


sqs._act_send_message = _send_message
for table in (value for value in vars(sqs).values() if isinstance(value, dict)):
    for action, function in list(table.items()):
        if function is send_message:
            table[action] = _send_message


run_execution = stepfunctions._run_execution
executions: dict = defaultdict(lambda: {"executions": 0, "transitions": 0, "ms": 0.0})
life = contextvars.ContextVar("life", default=0)  # a reset ends what belongs to an earlier one
cut_off: list = []


def _run_execution(arn):
    with turned:
        walkers["count"] += 1
        begun.add(threading.get_ident())
    life.set(sources["life"])
    began = time.monotonic()
    try:
        run_execution(arn)
    finally:
        with turned:
            walkers["count"] -= 1
            begun.discard(threading.get_ident())
    execution = stepfunctions._executions.get(arn)
    if execution:
        machine = execution["stateMachineArn"]
        tally = executions[machine]
        tally["executions"] += 1
        tally["transitions"] += sum(event["type"].endswith("StateEntered") for event in execution["events"])
        tally["ms"] += (time.monotonic() - began) * 1000
        if (stepfunctions._state_machines.get(machine) or {}).get("type") == "EXPRESS":
            del stepfunctions._executions[arn]  # AWS keeps none either; one a minute would swell the state


execute_task = stepfunctions._execute_task


def _execute_task(*arguments):
    with turned:
        while sources["held"] and life.get() == sources["life"]:
            turned.wait()
        _leave_when_forgotten()
        sources["tasks"] += 1
    try:
        return execute_task(*arguments)
    finally:
        with turned:
            sources["tasks"] -= 1


def _leave_when_forgotten() -> None:
    if life.get() != sources["life"]:
        raise SystemExit  # of this thread alone


def _wait(seconds: float) -> None:
    """A Wait, or the pause before a retry."""
    until, me = time.time() + seconds, threading.get_ident()
    with turned:
        waits[me] = until
        try:
            while (left := until - time.time()) > 0 and life.get() == sources["life"]:
                turned.wait(left)
        finally:
            del waits[me]
        _leave_when_forgotten()


def _wait_until(timestamp: str) -> None:
    _wait(datetime.fromisoformat(timestamp).timestamp() - time.time())


class _Pool(ThreadPoolExecutor):
    def submit(self, *work):
        future = super().submit(*work)
        future.workers = self._max_workers
        return future


wait_for = stepfunctions.futures_wait


def _wait_for(futures):
    """Whoever waits for others is not at work; they are, as many at once as may be."""
    left = len(futures)
    workers = min((future.workers for future in futures), default=0)

    def ended(_):
        nonlocal left
        with turned:
            left -= 1
            walkers["count"] -= 0 < left < workers  # the last one leaves its place to who waited

    if futures:
        with turned:
            walkers["count"] += min(workers, left) - 1
        for future in futures:
            future.add_done_callback(ended)
    return wait_for(futures)


restore_machines = stepfunctions._restore_state


def _restore_machines(data):
    known = (data or {}).get("executions")
    for execution in known.all_values() if known else ():
        if execution["status"] == "RUNNING" and not execution.get("mapRunArn") and not execution.get("sync"):
            cut_off.append(execution)
    restore_machines(data)
    for execution in cut_off:
        execution.update(status="RUNNING", stopDate=None)
        del execution["error"], execution["cause"]


def _go_on(execution):
    """Go on with the state in which it was cut off, as it was entered: a Task, a whole Map, may run once more."""
    life.set(sources["life"])
    entered = [each["stateEnteredEventDetails"] for each in execution["events"] if "stateEnteredEventDetails" in each]
    machine = stepfunctions._state_machines.get(execution["stateMachineArn"]) or {"definition": "{}", "name": ""}
    definition = json.loads(machine["definition"])
    start = entered[-1] if entered else {"name": definition.get("StartAt"), "input": execution["input"]}
    about = {"Id": execution["executionArn"], "Name": execution["name"], "StartTime": execution["startDate"]}
    context = {
        "QueryLanguage": definition.get("QueryLanguage", "JSONPath"),
        "Execution": {**about, "Input": json.loads(execution["input"])},
        "StateMachine": {"Id": execution["stateMachineArn"], "Name": machine["name"]},
        "variables": {},
    }
    try:
        states = definition.get("States", {})
        output = stepfunctions._run_sub_machine(states, start["name"], json.loads(start["input"]), execution, context)
        execution.update(status="SUCCEEDED", output=json.dumps(output), stopDate=_now_iso())
        stepfunctions._emit_execution_status_event(execution)
    except stepfunctions._ExecutionError as problem:
        stepfunctions._fail_execution(execution, problem.error, problem.cause)
    finally:
        with turned:
            walkers["count"] -= 1


def _now_iso() -> str:
    return datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


stepfunctions._run_execution = _run_execution
stepfunctions._execute_task = _execute_task
stepfunctions._scaled_sleep, stepfunctions._sleep_until = _wait, _wait_until
stepfunctions.ThreadPoolExecutor, stepfunctions.futures_wait = _Pool, _wait_for
stepfunctions._restore_state = _restore_machines
stepfunctions.now_iso = _now_iso


SCHEDULED = ("ScheduleExpressionTimezone", "StartDate", "EndDate", "ActionAfterCompletion")
schedule_steps = provisioners._RESOURCE_HANDLERS["AWS::Scheduler::Schedule"]


def _whole_schedule(step):
    def make(*arguments):
        name, attributes = step(*arguments)
        properties = arguments[-2]
        schedule = scheduler._schedules[f"{properties.get('GroupName', 'default')}/{name}"]
        schedule.update({key: properties[key] for key in SCHEDULED if key in properties})
        return name, attributes

    return make


schedule_steps["create"] = _whole_schedule(schedule_steps["create"])
schedule_steps["update"] = _whole_schedule(schedule_steps["update"])

list_schedules = scheduler._list_schedules


def _list_schedules(query):
    status, headers, body = list_schedules({**query, "MaxResults": sys.maxsize})
    found, first, size = (
        json.loads(body)["Schedules"],
        int(query.get("NextToken", 0)),
        int(query.get("MaxResults", 100)),
    )
    page = {"Schedules": found[first : first + size]}
    if first + size < len(found):
        page["NextToken"] = str(first + size)
    return status, headers, json.dumps(page).encode()


scheduler._list_schedules = _list_schedules

write_capacity = dynamodb._add_consumed_capacity
batch_get, transact_get = dynamodb._batch_get_item, dynamodb._transact_get_items


def _read_units(size: float, consistent: bool) -> float:
    return max(1, -(-int(size) // 4096)) * (1.0 if consistent else 0.5)


def _stored_bytes(table: dict, item: dict, index: dict | None = None) -> int:
    """The size that a read is billed for: the whole item as kept, or as the index keeps it."""
    whole = dynamodb._get_item_by_key(table, item) if table.get("pk_name") in item else None
    view = dynamodb._index_write_view(table, index, whole or item) if index else None
    return dynamodb._item_size_bytes(view[1] if view else whole or item)


def _add_capacity(result, data, name, write=False, index_name=None, **more):
    """As before for writes. A read costs by the bytes read, not half a unit whatever it finds."""
    write_capacity(result, data, name, write=write, index_name=index_name, **more)
    capacity, table = result.get("ConsumedCapacity"), dynamodb._tables.get(name)
    if write or not capacity or not table:
        return
    indexes = [*(table.get("GlobalSecondaryIndexes") or []), *(table.get("LocalSecondaryIndexes") or [])]
    index = next((each for each in indexes if each["IndexName"] == index_name), None)
    items = [data["Key"]] if "Key" in data else result.get("Items", [])
    size = sum(_stored_bytes(table, item, index) for item in items)
    # What a filter dropped was read too; its size is taken as the mean of what was kept.
    size *= max(1, result.get("ScannedCount", 0)) / max(1, len(items))
    units = _read_units(size, data.get("ConsistentRead", False))
    capacity["CapacityUnits"] = units
    for part in (capacity.get("GlobalSecondaryIndexes") or {}).values() if index else [capacity.get("Table", {})]:
        part["CapacityUnits"] = units


def _with_reads(answer, units: dict[str, float]):
    status, headers, body = answer
    if status == 200:
        found = [{"TableName": name, "CapacityUnits": amount} for name, amount in units.items()]
        body = json.dumps({**json.loads(body), "ConsumedCapacity": found}).encode()
        headers = {key: value for key, value in headers.items() if key.lower() != "content-length"}
    return status, headers, body


def _batch_get(data):
    if data.get("ReturnConsumedCapacity", "NONE") == "NONE":
        return batch_get(data)
    units: dict[str, float] = defaultdict(float)
    for name, asked in data.get("RequestItems", {}).items():
        table = dynamodb._tables.get(name)
        for key in asked.get("Keys", []) if table else []:
            units[name] += _read_units(_stored_bytes(table, key), asked.get("ConsistentRead", False))
    return _with_reads(batch_get(data), units)


def _transact_get(data):
    if data.get("ReturnConsumedCapacity", "NONE") == "NONE":
        return transact_get(data)
    units: dict[str, float] = defaultdict(float)
    for get in (each.get("Get", {}) for each in data.get("TransactItems", [])):
        if table := dynamodb._tables.get(get.get("TableName")):
            units[get["TableName"]] += 2 * _read_units(_stored_bytes(table, get["Key"]), True)
    return _with_reads(transact_get(data), units)


dynamodb._add_consumed_capacity = _add_capacity
dynamodb._batch_get_item, dynamodb._transact_get_items = _batch_get, _transact_get

tables_state = dynamodb.get_state
load_tables = dynamodb.load_persisted_state
STREAMS = {"stream_records": dynamodb._stream_records, "stream_trimmed": dynamodb._stream_trimmed}


def _load_tables(data):
    for name, store in STREAMS.items():
        store.update(data.get(name, {}))
    return load_tables(data)


dynamodb.get_state = lambda: {**tables_state(), **STREAMS}
dynamodb.load_persisted_state = _load_tables

written: dict = defaultdict(int)


def _counted(write):
    def write_and_count(table, *arguments):
        written[table["TableName"]] += 1
        return write(table, *arguments)

    return write_and_count


dynamodb._set_item, dynamodb._remove_item = _counted(dynamodb._set_item), _counted(dynamodb._remove_item)


class _Texts(list):
    def append(self, text):
        super().append({**text, "Time": time.time()})


def _texts_to(phone):
    kept = sns._sms_messages.get(phone)
    if not isinstance(kept, _Texts):
        kept = sns._sms_messages[phone] = _Texts(kept or [])
    return kept


sns._sms_log_for = _texts_to


def _keep_push(publish):
    def publish_and_keep(params):
        endpoint = sns._platform_endpoints.get(sns._p(params, "TargetArn"))
        if endpoint is None:
            return publish(params)
        if endpoint["attributes"].get("Enabled") == "false":
            return sns._error("EndpointDisabled", "Endpoint is disabled", 400)
        status, headers, body = publish(params)
        told = re.search(rb"<MessageId>(.*?)</MessageId>", body if isinstance(body, bytes) else body.encode())
        push = {
            "MessageId": told[1].decode(),
            "Message": sns._p(params, "Message"),
            "Push": endpoint["attributes"]["Token"],
        }
        _texts_to(endpoint["arn"]).append({**push, "Application": endpoint["application_arn"]})
        return status, headers, body

    return publish_and_keep


def _make_application(create_endpoint):
    def create_both(params):
        arn = sns._p(params, "PlatformApplicationArn")
        if arn not in sns._platform_applications:
            *_, platform, name = arn.split("/")
            sns._create_platform_application({"Name": [name], "Platform": [platform]})
        return create_endpoint(params)

    return create_both


sns._publish = _keep_push(sns._publish)
sns._create_platform_endpoint = _make_application(sns._create_platform_endpoint)


# ---------------------------------------------------------------- what is going on


def _work_threads() -> list[str]:
    """Names of what asynchronous work is running: executions that begin, invocations of the kind Event, deliveries."""
    found = []
    for thread in threading.enumerate():
        if thread.ident in begun:  # a state machine's, which is counted by itself
            continue
        target = getattr(thread, "_target", None)  # gone when the thread has run
        names = {getattr(each, "__name__", "") for each in (target, *(getattr(thread, "_args", None) or ()))}
        found += names & WORK
    return found


def _mappings():
    for account, region, mapping in lambda_svc._iter_all_esms():
        if mapping.get("Enabled", True):
            yield account, region, mapping


def _queue_work(account: str, region: str, arn: str, now: float) -> tuple[int, float | None]:
    """How many messages of a queue can be worked on now, and when the next of the others becomes visible."""
    queue = sqs._queues.get_scoped(account, region, sqs._queue_url_for_account(account, arn.rsplit(":", 1)[-1]))
    if queue is None:
        return 0, None
    messages = list(queue["messages"])
    hidden = [m for m in messages if m.get("visible_at", 0) > now]
    blocked = {m["group_id"] for m in hidden if m.get("group_id") and m.get("receive_count")}
    ready = [m for m in messages if m.get("visible_at", 0) <= now and m.get("group_id") not in blocked]
    return len(ready), min((m["visible_at"] for m in hidden), default=None)


def _stream_lag(account: str, region: str, mapping: dict) -> int:
    table = mapping["EventSourceArn"].split("/stream/")[0].split("/")[-1]
    end = dynamodb.stream_end_position(table, account_id=account, region=region)
    read = lambda_svc._dynamodb_stream_positions._data.get((account, region, mapping["UUID"]), end)
    return max(0, end - read)


def look() -> tuple[list[str], float | None]:
    """What is going on (empty when all is quiet), and when something that waits in a queue becomes visible.

    Work always overlaps: whoever causes something is still counted when its effect appears. So quiet is what is quiet
    before, between and after, with no invocation started meanwhile.
    """
    before = runs["started"]
    now = time.time()
    walking, later = _walking(now)
    busy = _running() + walking
    for account, region, mapping in _mappings():
        source = mapping.get("EventSourceArn", "")
        name = source.rsplit(":", 1)[-1]
        if ":sqs:" in source:
            ready, visible = _queue_work(account, region, source, now)
            if ready:
                busy.append(f"{ready} messages in {name}")
            elif lambda_svc._esm_inflight.get(mapping["UUID"]):
                busy.append(f"a batch of {name}")
            if visible is not None:
                later.append(visible)
        elif "/stream/" in source and (lag := _stream_lag(account, region, mapping)):
            busy.append(f"{lag} records of {source.split('/')[1]}")
    busy += _running() + _walking(now)[0]
    if runs["started"] != before:
        busy.append("an invocation started meanwhile")
    return busy, min(later, default=None)


def _smallest(name: str, index: str) -> float | None:
    """The smallest sort key in an index, over all its partitions."""
    table = next(table for (_, _, key), table in dynamodb._tables.all_items() if key == name)
    sort = next(ranges[0] for known, _, ranges in dynamodb._index_key_schemas(table) if known == index)
    partitions = list(dynamodb._index_members(table)[index].values())
    keys = [key for partition in partitions for key in list(partition)]
    return min((float(table["items"][first][second][sort]["N"]) for first, second in keys), default=None)


def _walking(now: float) -> tuple[list[str], list[float]]:
    """State machines that go on now, and when those go on that wait."""
    with turned:
        later = [until for until in waits.values() if until > now]
        walking = walkers["count"] - len(later)
    return ([f"{walking} steps of state machines"] if walking else []), later


def _running() -> list[str]:
    busy = _work_threads()
    if in_flight := lambda_svc.executions_in_flight()[0]:
        busy.append(f"{in_flight} invocations")
    if requests["open"]:
        busy.append(f"{requests['open']} requests")
    return busy


# ---------------------------------------------------------------- beginning and stopping


def _begin() -> None:
    """The stack is there: queues, streams and state machines may cause invocations."""
    with turned:
        sources["held"] = False
        walkers["count"] += len(cut_off)
        turned.notify_all()
    lambda_svc._esm_wake.set()
    while cut_off:
        threading.Thread(target=_go_on, args=(cut_off.pop(),), daemon=True).start()


async def _hold() -> list[str]:
    """Let nothing new begin, and what is under way end. Answers what did not: a state kept then has it half done."""
    with turned:
        sources["held"] = True
    deadline = time.monotonic() + WIND_DOWN
    while (left := _under_way()) and time.monotonic() < deadline:
        await asyncio.sleep(0.005)
    return left


def _under_way() -> list[str]:
    """What a stop waits for: a state machine stops between two of its tasks, and goes on there."""
    names = {"tasks": "tasks of state machines", "reading": "looks at queues and streams"}
    return _running() + [f"{sources[key]} {name}" for key, name in names.items() if sources[key]]


# ---------------------------------------------------------------- the server


async def application(scope, receive, send):
    if scope["type"] != "http":
        return await ministack.app(scope, receive, send)
    if scope["path"].startswith("/_localcloud/"):
        return await _answer(scope["path"], receive, send)
    if scope["path"] == "/_ministack/reset":
        with turned:
            sources["life"] += 1
            turned.notify_all()
    requests["open"] += 1
    try:
        return await ministack.app(scope, receive, send)
    finally:
        requests["open"] -= 1


async def _answer(path, receive, send):
    body = b""
    while True:
        part = await receive()
        body += part.get("body", b"")
        if not part.get("more_body"):
            break
    asked = json.loads(body or b"{}")
    if path == "/_localcloud/clock":
        with turned:
            clock["offset"] = float(asked["offset"])
            turned.notify_all()
        lambda_svc._esm_wake.set()  # a message may have become visible
        answer = {"offset": clock["offset"]}
    elif path == "/_localcloud/begin":
        _begin()
        answer = {}
    elif path == "/_localcloud/hold":
        answer = {"cut_off": await _hold()}
    elif path == "/_localcloud/executions":
        answer = executions
    elif path == "/_localcloud/tables":
        answer = {"smallest": [_smallest(*index) for index in asked["indexes"]], "written": written}
    else:  # /_localcloud/drain
        deadline = time.monotonic() + float(asked.get("timeout", 0))
        busy, later = look()
        while busy and time.monotonic() < deadline:
            await asyncio.sleep(0.002)
            busy, later = look()
        answer = {"busy": busy, "visible_at": later, "started": runs["started"]}
    data = json.dumps(answer).encode()
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-type", b"application/json"), (b"content-length", str(len(data)).encode())],
        }
    )
    await send({"type": "http.response.body", "body": data})


async def main() -> None:
    config = Config()
    config.bind = [f"fd://{os.environ['LOCALCLOUD_DOOR']}"]  # bound already, so that nobody can come first
    config.keep_alive_timeout = 3600
    config.graceful_timeout = 0.2
    config.loglevel = os.environ.get("LOG_LEVEL", "WARNING")
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    def wait_for_parent() -> None:
        sys.stdin.buffer.read()  # ends when the local cloud ends, however it ends; the state is saved all the same
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=wait_for_parent, daemon=True, name="parent").start()

    async def wind_down() -> None:
        await stop.wait()
        if left := await _hold():
            print(f"Did not wait any longer for {', '.join(left)}", flush=True)

    await serve(application, config, shutdown_trigger=wind_down)


if __name__ == "__main__":
    asyncio.run(main())
    os._exit(0)  # worker processes end with their pipes; no thread of MiniStack's may hold the exit
