"""Leads: whom sales should speak to first.

The heat of a lead is its score, times how well it fits, times how lately it was heard of. Each factor is told, so that
the order explains itself.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from postroad.book import Book
from postroad.contacts.contact import Contact
from postroad.instants import DAY, describe_duration, format_instant
from postroad.sending.channels import address_kind
from postroad.tasks import assignee_of

# How much a letter leaves of a score; who is unknown lies between.
WORTH: Mapping[str | None, float] = {"A": 1.0, "B": 0.8, "C": 0.6, "D": 0.4, "E": 0.2, "F": 0.0, None: 0.5}
# After so long without a word a lead is half as hot.
COOLS_IN = 7 * DAY
HOUR = 3_600.0
# So many members of a segment are compared; a segment with more is to be narrowed down.
MOST_COMPARED = 1_000


class Lead(NamedTuple):
    """A contact with what makes it hot; `grade` is None when nothing is known of its fit, `owner` "" for nobody's."""

    contact: Contact
    heat: float
    score: float
    grade: str | None
    owner: str
    because: str


def rank(contacts: Iterable[Contact], book: Book, now: float, score_id: str, grade_id: str | None) -> list[Lead]:
    """The hottest first, always in the same order; whose score is zero or less, or whose fit is F, is no lead."""
    leads = [lead for contact in contacts if (lead := _weigh(contact, book, now, score_id, grade_id)).heat > 0]
    return sorted(leads, key=lambda lead: (-lead.heat, lead.contact.contact_id))


def _coarse(seconds: float) -> float:
    """Whole days, or below one whole hours: nobody wants to know it better."""
    unit = DAY if seconds >= DAY else HOUR
    return seconds // unit * unit


def _weigh(contact: Contact, book: Book, now: float, score_id: str, grade_id: str | None) -> Lead:
    view = book.view(contact, now)
    sheet, grade = book.scores[score_id], book.grades.get(grade_id) if grade_id else None
    score, letter = sheet.value(view), grade.letter(view) if grade else None
    quiet = max(0.0, now - (contact.last_seen or contact.created_at))
    fit = WORTH[letter] if grade else 1.0
    heat = round(max(0.0, score) * fit * 0.5 ** (quiet / COOLS_IN), 1)
    top = sheet.reasons(view)[:1]
    words = [
        f"score {round(score, 1):.15g}" + (f", most for {top[0].because}" if top else ""),
        *([f"fit {letter}" if letter else "fit not known"] if grade else []),
        "heard of just now" if quiet < HOUR else f"heard of {describe_duration(_coarse(quiet))} ago",
    ]
    return Lead(contact, heat, score, letter, assignee_of(contact), "; ".join(words))


# For spreadsheets

_COLUMNS = (
    "heat", "score", "grade", "owner", "first_name", "last_name", "email", "phone", "company", "stage", "persona",
    "last_seen", "because", "contact_id",
)  # fmt: skip


def to_csv(leads: Iterable[Lead]) -> str:
    """A table for a spreadsheet: comma-separated, with a line of headings."""
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(_COLUMNS)
    for lead in leads:
        writer.writerow([_plain(value) for value in _row(lead)])
    return table.getvalue()


def _row(lead: Lead) -> tuple[object, ...]:
    contact = lead.contact
    email, phone = (contact.find_address(c) or contact.find_value(address_kind(c)) for c in ("email", "sms"))
    *names, company = (contact.find_value(name) for name in ("first_name", "last_name", "company"))
    return (
        *(lead.heat, lead.score, lead.grade, lead.owner, *names, email, phone),
        company.get("name") if isinstance(company, dict) else company,
        contact.stage.name if contact.stage else None,
        contact.persona.name if contact.persona else None,
        format_instant(contact.last_seen) if contact.last_seen else None,
        *(lead.because, contact.contact_id),
    )


# What a spreadsheet takes for a formula, or for the end of a cell, also behind blanks (OWASP ASVS 1.2.10).
_RUNS = re.compile("[\t\r\n\0]|[\\s\ufeff]*[=+\\-@|%\uff1d\uff0b\uff0d\uff20]")


def _plain(value: object) -> object:
    """What a spreadsheet shows and does not run: people have written some of it."""
    if value is None or isinstance(value, int | float):
        return value
    text = value if isinstance(value, str) else str(value)
    return f"'{text}" if _RUNS.match(text) else text
