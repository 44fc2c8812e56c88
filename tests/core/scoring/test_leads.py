"""Leads: score, fit and freshness in one order that explains itself."""

import pytest

from postroad.contacts.contact import Attribute, Contact, Points
from postroad.instants import DAY
from postroad.scoring.leads import _plain, rank
from tests.books import Shelf

NOW = 1_793_610_840.0
BOOK = Shelf(
    {
        "kind": "score", "id": "engagement",
        "rules": [{"id": "pricing", "event": "Pricing Viewed", "points": 10},
                  {"id": "left", "event": "Unsubscribed", "points": -50}],
    },
    {
        "kind": "grade", "id": "fit", "bounds": {"A": 50, "C": 20},
        "rules": [{"id": "big", "if": {"attribute": "size", "gte": 20}, "points": 50},
                  {"id": "mid", "if": {"attribute": "size", "gte": 5}, "points": 20}],
    },
).book  # fmt: skip


def a_contact(contact_id: str, points: float, size: int | None = None, days: float = 0.0, owner: str = "") -> Contact:
    said = {"size": size, "owner": owner or None}
    return Contact(
        contact_id,
        created_at=NOW - 90 * DAY,
        last_seen=NOW - days * DAY,
        attributes={name: Attribute(value, NOW, True) for name, value in said.items() if value is not None},
        scores={"engagement": {"pricing": Points(points, NOW // 60 * 60)}},
    )


def test_c37_leads_are_ordered_by_score_times_fit_times_recency_with_their_owner() -> None:
    people = [
        a_contact("cold-fit", 40.0, size=50, days=14),
        a_contact("hot", 40.0, size=50, owner="ana@tidewater.example"),
        a_contact("smaller", 40.0, size=6),
        a_contact("unknown", 40.0),
        a_contact("misfit", 90.0, size=1),
        a_contact("nothing", 0.0, size=50),
    ]
    leads = rank(people, BOOK, NOW, "engagement", "fit")
    assert [(lead.contact.contact_id, lead.heat, lead.grade) for lead in leads] == [
        ("hot", 40.0, "A"),
        ("smaller", 24.0, "C"),
        ("unknown", 20.0, None),
        ("cold-fit", 10.0, "A"),
    ]
    assert leads[0].owner == "ana@tidewater.example"
    assert leads[0].because == "score 40, most for Pricing Viewed; fit A; heard of just now"
    assert leads[3].because == "score 40, most for Pricing Viewed; fit A; heard of 2 weeks ago"
    assert leads[2].because.split("; ")[1] == "fit not known"


@pytest.mark.parametrize("people", [[], [a_contact("a", 0.0)]])
def test_nobody_is_a_lead_without_a_score(people: list[Contact]) -> None:
    assert rank(people, BOOK, NOW, "engagement", None) == []


def test_without_a_grade_sheet_the_fit_does_not_count_and_equals_stand_in_the_order_of_their_ids() -> None:
    people = [a_contact("b", 10.0, size=1), a_contact("a", 10.0, size=1)]
    leads = rank(people, BOOK, NOW, "engagement", None)
    assert [(lead.contact.contact_id, lead.heat) for lead in leads] == [("a", 10.0), ("b", 10.0)]
    assert leads == rank(reversed(people), BOOK, NOW, "engagement", None)


@pytest.mark.parametrize(
    "name",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "|calc",
        "%x",
        "\t=1",
        "\r=1",
        "\n=1",
        "\0=1",
        "  =1",
        "\ufeff=1",
        "\uff1d1",
        " \uff20x",
    ],
)
def test_a_cell_that_a_spreadsheet_would_run_is_text(name: str) -> None:
    assert _plain(name) == f"'{name}"


def test_other_cells_stay_as_they_are() -> None:
    for value in ("Ana", "A=B", "5 % off", "", 7, -3, 2.5, None, "Jean-Luc", "\u00c9mile"):
        assert _plain(value) == value
