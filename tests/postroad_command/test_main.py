"""The command against a stack: what is pulled, planned and applied is what is live."""

import json
from pathlib import Path

import pytest

from demo.documents import load_definitions
from postroad.commits import MembershipChange
from postroad.stats import count_membership
from postroad_aws.storage import definitions, stats
from postroad_command.__main__ import find_mistakes, main
from postroad_command.folder import parse_text, read_folder, write_folder
from postroad_command.plan import Live
from tests.account import ANA, Account
from tests.postroad_command.conftest import Run

FOLDER = Path("definitions")
EMAIL = f"email:{ANA}"


def _edit(path: str, old: str, new: str) -> None:
    file = FOLDER / path
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


# Against a stack


def test_what_applying_would_refuse_a_plan_refuses_already() -> None:
    """An experiment that is running compares what it has begun to compare, which the folder alone does not tell."""
    key, goal = "journey/welcome", {"event": "Order Completed"}
    live = {**load_definitions()[key], "goal": goal, "holdout": 10}
    known = {**{each: Live(document, 1, 1) for each, document in load_definitions().items()}, key: Live(live, 1, 1)}
    assert find_mistakes({key: {**live, "name": "Welcome again"}}, known) == []
    ((found, path, sentence),) = find_mistakes({key: {**live, "holdout": 30}}, known)
    assert (found, path) == (key, "holdout")
    assert sentence.startswith("people are held out by another share")


def test_pulling_writes_what_is_live_and_planning_it_finds_nothing(stack: str, postroad: Run) -> None:
    status, said, _ = postroad("pull")
    assert (status, said.splitlines()[-1]) == (
        0,
        f"{len(load_definitions())} definitions, {len(load_definitions())} written",
    )
    assert read_folder(FOLDER) == load_definitions()
    schema = json.loads((FOLDER / "schemas" / "journey.json").read_text())
    assert schema["title"] == "journey"
    status, said, _ = postroad("plan")
    assert (status, said) == (0, f"0 new, 0 changed, {len(load_definitions())} the same\n")


def test_a_plan_says_what_changes_in_words_and_as_text_and_ends_with_two(
    stack: str, account: Account, postroad: Run
) -> None:
    waits = MembershipChange("journey/welcome/first-open", "ana", account.now())
    stats.add(count_membership(None, waits, account.now()))
    postroad("pull")
    _edit("journey/welcome.yaml", "timeout: P3D", "timeout: P5D")
    (FOLDER / "segment" / "new.yaml").write_text("{kind: segment, id: new, name: New, if: {attribute: plan, is: pro}}")
    status, said, _ = postroad("plan")
    lines = [line.strip() for line in said.splitlines()]
    assert status == 2
    assert "segment/new: new" in lines
    assert "new: plan is pro" in lines
    assert "journey/welcome: changed (now version 1)" in lines
    assert "no longer: 2. Wait until: opened welcome, at most 3 days [first-open]" in lines
    assert "new: 2. Wait until: opened welcome, at most 5 days [first-open]" in lines
    assert "-      timeout: P3D" in lines
    assert "+      timeout: P5D" in lines
    assert "1 person at 'first-open' finishes in the version that they entered" in lines
    assert (
        "1 person at 'first-open' goes on at the same step of the new version"
        in postroad("plan", "--under-way", "move")[1]
    )
    assert lines[-1].startswith("1 new, 1 changed")
    assert postroad("plan")[1] == said


def test_applying_publishes_all_at_once_and_pulling_afterwards_changes_nothing(stack: str, postroad: Run) -> None:
    postroad("pull")
    _edit("journey/welcome.yaml", "timeout: P3D", "timeout: P5D")
    (FOLDER / "segment" / "new.yaml").write_text(
        "# who pays\n{kind: segment, id: new, name: New, if: {attribute: plan, is: pro}}\n"
    )
    before = {path: path.read_text() for path in FOLDER.rglob("*.*")}
    status, said, _ = postroad("apply")
    assert status == 0
    assert said.splitlines()[-3:] == [
        "published journey/welcome, version 2",
        "published segment/new, version 1",
        "revision 2 is live",
    ]
    assert definitions.find_manifest().live["journey/welcome"].version == 2
    assert postroad("pull")[0] == 0
    assert {path: path.read_text() for path in FOLDER.rglob("*.*")} == before
    assert postroad("plan")[0] == 0
    assert postroad("apply")[0] == 0
    assert definitions.find_manifest().revision == 2


def test_people_under_way_go_over_when_applying_says_so(stack: str, account: Account, postroad: Run) -> None:
    account.sign_up()
    postroad("pull")
    _edit("journey/welcome.yaml", "timeout: P3D", "timeout: P5D")
    assert postroad("apply", "--under-way", "move")[0] == 0
    account.fold(account.event("Page Viewed", EMAIL, path="/"))
    assert account.contact(EMAIL).active["welcome"].version == 2


def test_a_mistake_anywhere_publishes_nothing(stack: str, postroad: Run) -> None:
    postroad("pull")
    _edit("journey/welcome.yaml", "timeout: P3D", "timeout: P5D")
    _edit("journey/abandoned-cart.yaml", "template: cart-offer", "template: cart-offers")
    drafts = definitions.find_draft("journey", "welcome")
    status, _, complained = postroad("apply")
    assert status == 1
    assert "journey/abandoned-cart: steps[2].wait.then[1].send.template" in complained
    assert "did you mean 'cart-offer'?" in complained
    assert definitions.find_manifest().revision == 1
    assert definitions.find_draft("journey", "welcome") == drafts


def test_what_is_live_and_not_in_the_folder_stays(stack: str, postroad: Run) -> None:
    postroad("pull")
    (FOLDER / "form" / "newsletter.yaml").unlink()
    status, said, _ = postroad("plan")
    assert status == 0
    assert "form/newsletter: not in the folder; it stays as it is" in said


def test_a_broadcast_is_saved_as_a_draft_because_it_is_scheduled_and_not_published(stack: str, postroad: Run) -> None:
    postroad("pull")
    letter = {"kind": "broadcast", "id": "letter", "name": "Letter", "segment": "customers", "template": "second-offer"}
    write_folder(FOLDER, {"broadcast/letter": letter})
    status, said, _ = postroad("apply")
    assert (status, said.splitlines()[-1]) == (0, "saved broadcast/letter")
    assert postroad("plan")[0] == 0
    draft = definitions.find_draft("broadcast", "letter")
    assert draft is not None
    assert draft.document == letter


def test_validating_beside_a_stack_knows_what_is_live_there(stack: str, postroad: Run) -> None:
    write_folder(FOLDER, {"segment/buyers": {"kind": "segment", "id": "buyers", "if": {"segment": "customers"}}})
    assert postroad("validate")[0] == 0
    status, said, _ = postroad("validate", "--offline")
    assert status == 1
    assert said == (
        "definitions/segment/buyers.yaml: segment/buyers: document: there is no published segment called 'customers'\n"
    )


def test_simulating_learns_from_live_numbers_beside_what_is_live(stack: str, postroad: Run) -> None:
    status, said, _ = postroad("simulate", "abandoned-cart", "--people", "20", "--history")
    assert status == 0
    assert said.startswith("journey/abandoned-cart@1, 20 people, 21 days\n  started      20\n")


def test_the_key_is_never_shown(stack: str, postroad: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTROAD_API_KEY", "secret-key-of-ours")
    status, said, complained = postroad("plan", ".")
    assert status == 1
    assert "Send an API key" in complained
    assert "secret-key-of-ours" not in said + complained


# By itself


def test_validating_tells_what_may_be_better_and_does_not_mind(postroad: Run) -> None:
    write_folder(FOLDER, load_definitions())
    _edit("template/cart-reminder.yaml", "subject: ", "subject: URGENT. ")
    status, said, _ = postroad("validate")
    assert status == 0
    assert "template/cart-reminder: subject: warning: 1 word in capitals: URGENT. Write them small" in said


def test_validating_offline_names_the_file_the_path_and_the_mistake(postroad: Run) -> None:
    write_folder(FOLDER, load_definitions())
    status, said, _ = postroad("validate")
    assert (status, said.splitlines()[-1]) == (0, f"{len(load_definitions())} definitions have no mistakes")
    _edit("journey/welcome.yaml", "reentry: once", "reentri: once")
    status, said, _ = postroad("validate")
    assert status == 1
    assert said == (
        "definitions/journey/welcome.yaml: journey/welcome: reentri: unknown key 'reentri'; did you mean 'reentry'?\n"
    )


def test_a_folder_is_simulated_without_any_stack(postroad: Run) -> None:
    write_folder(FOLDER, load_definitions())
    Path("habits.yaml").write_text("delivered: 1\nopened: 0\nunsubscribed: 0\n")
    one = postroad(
        "simulate", "abandoned-cart", "--people", "40", "--habits", "habits.yaml", "--messages", "sent.jsonl"
    )
    assert one[0] == 0
    assert "nobody came to offer: Send cart-offer by email" in one[1]
    sent = [json.loads(line) for line in Path("sent.jsonl").read_text().splitlines()]
    assert sum(message["step"] == "reminder" for message in sent) == 40
    assert [message["at"] for message in sent] == sorted(message["at"] for message in sent)


def test_two_processes_find_what_one_finds(postroad: Run) -> None:
    write_folder(FOLDER, load_definitions())
    one, two = (postroad("simulate", "welcome", "--people", "1000", "--processes", n) for n in ("1", "2"))
    assert one == two
    assert one[0] == 0


def test_schemas_are_written_where_editors_find_them(postroad: Run) -> None:
    status, said, _ = postroad("schemas", "there")
    assert status == 0
    assert "wrote there/segment.json" in said.splitlines()
    assert postroad("schemas", "there")[1] == ""


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["plan"], "Say where the stack is, and its API key: POSTROAD_URL and POSTROAD_API_KEY"),
        (["plan", "--url", "ftp://x", "--key", "k"], "is no address"),
        (["plan", "--url", "http://post.example.com", "--key", "k"], "over https only"),
        (["plan", "--url", "http://127.0.0.1:9", "--key", "k"], "does not answer"),
        (["validate", "nothing"], "There is no folder nothing"),
        (["simulate", "nothing"], "there is no journey 'nothing'"),
    ],
)
def test_what_cannot_be_done_says_why(
    postroad: Run, monkeypatch: pytest.MonkeyPatch, arguments: list[str], sentence: str
) -> None:
    monkeypatch.delenv("POSTROAD_URL", raising=False)
    FOLDER.mkdir()
    status, _, complained = postroad(*arguments)
    assert status == 1
    assert sentence in complained


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--help"])
    assert end.value.code == 0
    said = capsys.readouterr().out
    for command in ("pull", "validate", "plan", "apply", "simulate", "schemas"):
        assert f"    {command} " in said
    assert parse_text("a: 1") == [{"a": 1}]
