"""When AWS fails, and what the log tells."""

from postroad_aws import books
from postroad_aws.clients import get_client
from tests.functions.api.client import EMAIL, call, problem


def test_when_aws_fails_the_answer_is_a_problem_and_the_log_names_nobody(account, ana, capsys):
    get_client("dynamodb").delete_table(TableName="Contacts")
    books.forget()
    status, sentence = problem(call("GET", "/api/v1/contacts", {"identity": EMAIL}))
    assert status == 500
    assert "log" in sentence
    printed = capsys.readouterr()
    assert "ERROR" in printed.out
    assert "marker" not in printed.out + printed.err


def test_neither_keys_nor_people_show_in_a_log(account, ana, capsys):
    call("GET", "/api/v1/contacts", {"identity": EMAIL})
    call("GET", "/api/v1/contacts", {"identity": f"{EMAIL} marker"})
    call("GET", "/api/v1/contacts", key="secret-marker-key")
    call("PUT", "/api/v1/definitions/segment/vip", body='{"marker": ')
    call("PUT", "/api/v1/definitions/segment/vip", body={"marker": 1})
    printed = capsys.readouterr()
    assert "marker" not in printed.out + printed.err
