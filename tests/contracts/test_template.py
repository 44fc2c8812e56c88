"""The template keeps its promises, and the check that says so finds a template that does not."""

import copy
import json
import re

import pytest
import yaml

import templatecheck
from tests.contracts.powers import list_powers


def test_the_template_has_no_mistakes(template):
    assert templatecheck.find_mistakes(template) == []


def _set(*path, to):
    """A change of the template: the value at `path` becomes `to`; None takes it away."""

    def change(document):
        *parents, last = path
        for part in parents:
            document = document[part]
        if to is None:
            del document[last]
        else:
            document[last] = to

    return change


def _of(resource, *path, to):
    return _set("Resources", resource, "Properties", *path, to=to)


STATEMENT = ("Policies", 0, "Statement", 0)
LINT, POWERS, QUEUES, LETTERS, TABLES, LOGS = templatecheck.RULES
PLANTED = {
    "a runtime that does not exist": (LINT, _set("Globals", "Function", "Runtime", to="python3.99"), "python3.99"),
    "a reference to nothing": (
        LINT,
        _of("SendMessageSource", "EventSourceArn", to={"Fn::GetAtt": ["Quene", "Arn"]}),
        "'Quene' is not one of",
    ),
    "a timeout beyond Lambda's": (LINT, _of("Collect", "Timeout", to=2000), "2000"),
    "a power over every table": (POWERS, _of("Collect", *STATEMENT, "Resource", to="*"), "on every resource"),
    "a power without a name": (POWERS, _of("Collect", *STATEMENT, "Action", to="dynamodb:*"), "name the actions"),
    "a managed policy": (POWERS, _of("Collect", "Policies", to="AmazonDynamoDBFullAccess"), "FullAccess"),
    "a role for two": (
        POWERS,
        _of("Collect", "Role", to={"Fn::GetAtt": ["PublicRole", "Arn"]}),
        "PublicRole is shared",
    ),
    "a message shown again too soon": (QUEUES, _of("SendsQueue", "VisibilityTimeout", to=60), "before six timeouts"),
    "a queue that tries for ever": (QUEUES, _of("EventsQueue", "RedrivePolicy", to=None), "no dead-letter queue"),
    "a queue that gives up at once": (
        QUEUES,
        _of("EventsQueue", "RedrivePolicy", "maxReceiveCount", to=1),
        "five tries",
    ),
    "a dead-letter queue of the other kind": (
        QUEUES,
        _of("EventsQueue", "RedrivePolicy", "deadLetterTargetArn", to={"Fn::GetAtt": ["DeadLetters", "Arn"]}),
        "not of the queue's kind",
    ),
    "a queue that forgets": (QUEUES, _of("SendsQueue", "MessageRetentionPeriod", to=345600), "fourteen days"),
    "a queue in clear": (QUEUES, _of("SendsQueue", "SqsManagedSseEnabled", to=False), "not encrypted"),
    "a batch that fails as a whole": (
        QUEUES,
        _of("SendMessageSource", "FunctionResponseTypes", to=None),
        "partial failures",
    ),
    "a stream without an end": (
        LETTERS,
        _of("RelayMessagesSource", "DestinationConfig", to=None),
        "RelayMessagesSource has no",
    ),
    "a schedule without an end": (
        LETTERS,
        _of("SweepMessages", "Events", "Hourly", "Properties", "DeadLetterConfig", to=None),
        "SweepMessagesHourly has no",
    ),
    "a clock without an end": (
        LETTERS,
        _of("Clock", "Events", "EveryMinute", "Properties", "DeadLetterConfig", to=None),
        "ClockEveryMinute has no",
    ),
    "a rule without an end": (
        LETTERS,
        _of("RecordFeedback", "Events", "Email", "Properties", "DeadLetterConfig", to=None),
        "RecordFeedbackEmail has no",
    ),
    "a subscription without an end": (
        LETTERS,
        _of("RecordFeedback", "Events", "Reply", "Properties", "RedrivePolicy", to=None),
        "RecordFeedbackReply has no",
    ),
    "an asynchronous call without an end": (
        LETTERS,
        _of("RecordFeedback", "EventInvokeConfig", to=None),
        "RecordFeedback has no",
    ),
    "an alarm nobody hears": (
        LETTERS,
        _of("DeadLettersAlarm", "AlarmActions", to=None),
        "no alarm watches DeadLetters",
    ),
    "a table without a second chance": (
        TABLES,
        _of("Contacts", "PointInTimeRecoverySpecification", to=None),
        "point-in-time",
    ),
    "a table that goes with the stack": (
        TABLES,
        _set("Resources", "Contacts", "DeletionPolicy", to="Delete"),
        "with the stack",
    ),
    "a table anybody can drop": (TABLES, _of("Keys", "DeletionProtectionEnabled", to=None), "not protected"),
    "a table that is paid while idle": (TABLES, _of("Quarantine", "BillingMode", to=None), "not on demand"),
    "a proof that fades": (
        TABLES,
        _of("ConsentProof", "TimeToLiveSpecification", to={"AttributeName": "at", "Enabled": True}),
        "not wanted",
    ),
    "a timeline that never fades": (TABLES, _of("Events", "TimeToLiveSpecification", to=None), "live is missing"),
    "logs for ever": (LOGS, _of("Logs", "RetentionInDays", to=None), "no log group with a retention"),
    "logs as text": (LOGS, _set("Globals", "Function", "LoggingConfig", "LogFormat", to="Text"), "does not log JSON"),
}


def _planted(template, *names):
    """What is found in a template with these mistakes, by the rules that know them."""
    document = copy.deepcopy(template)
    for name in names:
        PLANTED[name][1](document)
    return templatecheck.find_mistakes(document, {PLANTED[name][0] for name in names})


@pytest.fixture(scope="module")
def linted(template):
    """What cfn-lint finds in a template with all mistakes that are its own: it takes seconds each time."""
    return _planted(template, *(name for name, (rule, _, _) in PLANTED.items() if rule is LINT))


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_mistake_is_found(template, name, request):
    rule, _, sentence = PLANTED[name]
    mistakes = request.getfixturevalue("linted") if rule is LINT else _planted(template, name)
    assert any(sentence in mistake for mistake in mistakes)


def test_a_template_that_cannot_be_translated_is_a_mistake(template):
    document = copy.deepcopy(template)
    del document["Resources"]["Collect"]["Properties"]["CodeUri"]
    assert "the SAM translator refuses the template" in templatecheck.find_mistakes(document)[0]


def test_no_function_can_change_or_delete_a_proof_of_consent(translated):
    for name, resource in translated["Resources"].items():
        if resource["Type"] != "AWS::IAM::Role":
            continue
        for policy in resource["Properties"].get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                if "ConsentProof" in json.dumps(statement.get("Resource")):
                    actions = (
                        {statement["Action"]} if isinstance(statement["Action"], str) else set(statement["Action"])
                    )
                    reading = {"dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"}
                    assert actions <= {"dynamodb:PutItem"} or actions <= reading, name


def test_texts_go_to_phones_pushes_to_devices_and_nothing_to_topics(template):
    statements = template["Resources"]["SendMessage"]["Properties"]["Policies"][0]["Statement"]
    publish = [
        (statement["Effect"], *(statement[key] for key in ("Resource", "NotResource") if key in statement))
        for statement in statements
        if statement["Action"] == "sns:Publish"
    ]
    topics = [name for name, each in template["Resources"].items() if each["Type"] == "AWS::SNS::Topic"]
    account = "${AWS::Region}:${AWS::AccountId}"
    # Of what has an ARN only devices are allowed, and this stack's own topics are denied whatever they allow.
    assert publish == [
        ("Allow", {"Fn::Sub": "arn:${AWS::Partition}:sns:*:*:*"}),
        ("Allow", {"Fn::Sub": f"arn:${{AWS::Partition}}:sns:{account}:endpoint/*"}),
        ("Deny", [{"Ref": name} for name in topics]),
    ]
    assert "NotResource" in next(each for each in statements if each["Action"] == "sns:Publish")


def _list_states(machine):
    for name, state in machine["States"].items():
        yield name, state
        yield from _list_states(state["ItemProcessor"]) if "ItemProcessor" in state else ()


@pytest.mark.parametrize("name", ["Clock", "Rebuild", "Broadcast", "Removal"])
def test_a_state_machine_tries_again_then_leaves_a_dead_letter(template, name):
    properties = template["Resources"][name]["Properties"]
    machine = yaml.safe_load((templatecheck.ROOT / properties["DefinitionUri"]).read_text())
    calls = [state for _, state in _list_states(machine) if str(state.get("Resource", "")).startswith("${")]
    assert calls
    assert all(state["Retry"][0]["MaxAttempts"] >= 3 for state in calls)
    for state_name, state in machine["States"].items():
        if state["Type"] in ("Task", "Map") and state_name != "KeepDeadLetter":
            assert [catch["Next"] for catch in state["Catch"]] == ["KeepDeadLetter"]
    assert machine["States"]["KeepDeadLetter"]["Parameters"]["QueueUrl"] == "${DeadLettersUrl}"


@pytest.mark.parametrize("name", ["Clock", "Rebuild", "Broadcast", "Removal"])
def test_a_state_machine_uses_what_the_template_fills_in_and_waits_for_nothing_while_it_is_billed(template, name):
    properties = template["Resources"][name]["Properties"]
    text = (templatecheck.ROOT / properties["DefinitionUri"]).read_text()
    assert set(re.findall(r"\$\{(\w+)\}", text)) == set(properties["DefinitionSubstitutions"])
    if properties.get("Type") == "EXPRESS":  # which lasts five minutes at most, and costs by the time it takes
        assert "Wait" not in [state["Type"] for _, state in _list_states(yaml.safe_load(text))]


def test_the_clock_ticks_every_minute(template):
    clock = template["Resources"]["Clock"]["Properties"]
    assert clock["Type"] == "EXPRESS"
    assert clock["Events"]["EveryMinute"]["Properties"]["ScheduleExpression"] == "rate(1 minute)"


def test_what_runs_only_when_tables_have_changed_can_look_at_nothing_else(template, translated):
    said = {
        name: set(tables)
        for name, resource in template["Resources"].items()
        if (tables := resource.get("Metadata", {}).get("LocalCloud", {}).get("Reads"))
    }
    for name, tables in said.items():
        assert {
            # An index changes with its table.
            resource.partition("/")[0]
            for action, resource in list_powers(translated, name)
            if action.startswith("dynamodb:")
        } == tables
    assert "JudgeExperiments" in said


def test_the_relay_sees_only_messages_that_were_just_queued(template):
    relay = template["Resources"]["RelayMessagesSource"]["Properties"]
    patterns = [json.loads(each["Pattern"]) for each in relay["FilterCriteria"]["Filters"]]
    assert patterns == [{"eventName": ["INSERT"], "dynamodb": {"NewImage": {"state": {"S": ["queued"]}}}}]
    assert relay["BisectBatchOnFunctionError"] is True


@pytest.mark.parametrize("table", ["Memberships", "Messages"])
def test_a_batch_that_is_counted_always_begins_where_the_last_one_ended(template, table):
    # A batch is known by its first record: halves, or several batches of one shard at once, would count twice.
    source = template["Resources"][f"Count{table}Source"]["Properties"]
    assert source["EventSourceArn"] == {"Fn::GetAtt": [table, "StreamArn"]}
    assert not {"BisectBatchOnFunctionError", "ParallelizationFactor", "TumblingWindowInSeconds"} & source.keys()
    assert "MaximumRetryAttempts" not in source  # as long as there are records
    stream = template["Resources"][table]["Properties"]["StreamSpecification"]
    assert stream == {"StreamViewType": "NEW_AND_OLD_IMAGES"}


def test_a_send_is_cut_off_after_thirty_seconds(translated):
    # The promise "nothing leaves later than one timeout after a refusal" is this number.
    assert translated["Resources"]["SendMessage"]["Properties"]["Timeout"] == 30
    assert translated["Resources"]["SendMessageSource"]["Properties"]["BatchSize"] == 10


def test_a_second_stack_fits_into_the_account(translated):
    # A fixed name can be had once; a name either says the stack's or is left to CloudFormation.
    for name, resource in translated["Resources"].items():
        properties = resource.get("Properties", {})
        for key in (
            "Name",
            "TableName",
            "QueueName",
            "FunctionName",
            "TopicName",
            "RoleName",
            "LogGroupName",
            "AlarmName",
        ):
            value = properties.get(key)
            if key == "FunctionName" and resource["Type"] != "AWS::Lambda::Function":
                continue  # the function that it is about
            assert value is None or "${AWS::StackName}" in str(value), f"{name}.{key}"


def test_two_alarms_are_all_that_an_idle_stack_pays_for(translated):
    alarms = [name for name, each in translated["Resources"].items() if each["Type"] == "AWS::CloudWatch::Alarm"]
    assert sorted(alarms) == ["DeadLettersAlarm", "EventsDeadLettersAlarm"]


def test_w4_feedback_and_replies_come_by_awss_own_triggers_and_no_address_takes_them(template):
    events = template["Resources"]["RecordFeedback"]["Properties"]["Events"]
    assert {name: event["Type"] for name, event in events.items()} == {"Email": "EventBridgeRule", "Reply": "SNS"}
    assert events["Reply"]["Properties"]["Topic"] == {"Ref": "Replies"}
    assert events["Email"]["Properties"]["Pattern"]["source"] == ["aws.ses"]
