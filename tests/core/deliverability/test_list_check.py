"""Looking at a list before it is taken in: what is refused, and what is only told."""

import pytest

from postroad.deliverability.list_check import (
    MOST_ROWS,
    MOST_TOLD,
    ListError,
    Source,
    check_list,
    find_typo,
    read_column,
)

ASKED = Source("a form on our site, since 2024", 30)


def a_list(*addresses: str) -> str:
    return "\n".join(["email,name", *(f"{address},somebody" for address in addresses)])


def people(count: int) -> list[str]:
    return [f"person{number}@company{number}.example" for number in range(count)]


def test_c73_a_list_of_people_who_asked_for_mail_is_taken():
    report = check_list(a_list(*people(100)), ASKED)
    assert (report.rows, report.good, report.kinds, report.is_refused, report.ramp) == (100, 100, {}, False, False)


def test_c73_who_does_not_say_where_people_agreed_is_refused():
    report = check_list(a_list(*people(3)), Source("  "))
    assert report.obstacles == ("Say where these people agreed to get marketing mail.",)


@pytest.mark.parametrize(
    ("wrong", "kind", "obstacle"),
    [
        (["no address"] * 6, "no address", "6 of 106 rows are no mail address; more than 5% is too many."),
        (
            [f"a{n}@mailinator.com" for n in range(3)],
            "disposable",
            "3 of 103 rows are addresses for ten minutes; more than 2% is too many.",
        ),
        (
            [f"info@firm{n}.example" for n in range(12)],
            "role",
            "12 of 112 rows are mailboxes of no one person, such as info@; more than 10% is too many.",
        ),
        (["Person1@company1.example"] * 26, "twice", "26 of 126 rows are there twice; more than 20% is too many."),
        (
            [f"ana{n}@gmial.com" for n in range(6)],
            "typo",
            "6 of 106 rows are probably mistyped; more than 5% is too many.",
        ),
        (
            ["spamtrap@firm.example"],
            "trap",
            "1 of these addresses never ask for mail: such lists are gathered or bought.",
        ),
    ],
)
def test_c73_a_suspicious_list_is_refused_with_the_reason(wrong: list[str], kind: str, obstacle: str):
    report = check_list(a_list(*people(100), *wrong), ASKED)
    assert report.kinds == {kind: len(wrong)}
    assert report.obstacles == (obstacle,)
    assert report.remarks[0].kind == kind


def test_c73_a_few_slips_are_told_and_nothing_is_changed():
    report = check_list(a_list(*people(100), "ana@gmial.com", "ben@hotnail.com"), ASKED)
    assert not report.is_refused
    assert [(remark.row, remark.address, remark.suggestion) for remark in report.remarks] == [
        (101, "ana@gmial.com", "ana@gmail.com"),
        (102, "ben@hotnail.com", "ben@hotmail.com"),
    ]


def test_c73_a_list_that_slept_begins_slowly_and_one_that_slept_for_years_is_refused():
    assert check_list(a_list(*people(9)), Source("a fair", 200)).ramp
    assert check_list(a_list(*people(9)), Source("a fair")).ramp
    assert check_list(a_list(*people(9)), Source("a fair", 800)).obstacles == (
        "Nobody wrote to this list for 730 days: ask these people again in another way.",
    )


@pytest.mark.parametrize(
    ("domain", "meant"),
    [
        ("gmail.com", ""),
        ("gmai.com", "gmail.com"),
        ("yaho.com", "yahoo.com"),
        ("company.example", ""),
        ("web.de", ""),
        ("mail.com", ""),
        ("outlook.com.br", ""),
        ("yahoo.co.uk", ""),
        ("hotmail.fr", ""),
    ],
)
def test_a_slip_of_the_finger_is_suggested(domain, meant):
    assert find_typo(domain) == meant


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name;email\nAna;ana@a.example\n\nBen;ben@b.example", ["ana@a.example", "ben@b.example"]),
        ("\ufeffEmail\nana@a.example", ["ana@a.example"]),
        ('email,name\n"ana@a.example","Ruiz, Ana"\n', ["ana@a.example"]),
        ("email\tname\nana@a.example\tAna", ["ana@a.example"]),
        ("name,email\nAna", [""]),
    ],
)
def test_a_column_is_read_as_spreadsheets_write_it(text, said):
    assert read_column(text, "email") == said


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "The first line names no column 'email'; it has: nothing."),
        ("mail\na@b.example", "The first line names no column 'email'; it has: mail."),
        ("email\n" + "a@b.c\n" * (MOST_ROWS + 1), "These are 10,001 rows; at most 10,000 are checked at once."),
        ("email\n" + "x" * 300_001, "This is more than 300,000 bytes; check a part of it."),
    ],
)
def test_what_is_no_list_is_refused_with_a_sentence(text, sentence):
    with pytest.raises(ListError) as refused:
        read_column(text, "email")
    assert str(refused.value) == sentence


def test_of_very_many_wrong_rows_all_are_counted_and_some_are_told():
    report = check_list(a_list(*(["wrong"] * 1_000)), ASKED)
    assert report.kinds["no address"] == 1_000
    assert len(report.remarks) == MOST_TOLD
