"""Leads: whom sales should speak to first, out of those who stand somewhere; also as a table for a spreadsheet."""

from typing import NamedTuple

from functions.console.pages import page
from functions.console.requests import Request
from functions.console.responses import SECURITY, Response
from functions.console.standings import Standing, find_standing, list_standings
from postroad.book import Book
from postroad.scoring.leads import MOST_COMPARED, to_csv
from postroad_aws import books
from postroad_aws.storage import NotFoundError, contacts, memberships
from postroad_aws.usecases.list_leads import Leads, list_leads

_SHOWN = 50


class Choice(NamedTuple):
    """What the list is made by: ids of a score sheet and of a grade ("" is none), and where people stand."""

    score: str
    grade: str
    standing: Standing


def show_list(request: Request) -> Response:
    """The hottest first."""
    book = books.current()
    choice = _choose(request, book)
    found = _list(book, choice, request.now) if choice else None
    return page(
        request,
        "leads/list.html",
        choice=choice,
        found=found,
        leads=found.leads[:_SHOWN] if found else [],
        hottest=found.leads[0].heat if found and found.leads else 0.0,
        most=MOST_COMPARED,
        standings=list_standings(book),
        scores=book.scores.values(),
        grades=book.grades.values(),
    )


def download(request: Request) -> Response:
    """All that were compared, as a table."""
    book = books.current()
    choice = _choose(request, book)
    if choice is None:
        raise NotFoundError("There is nothing to make leads of yet; the page of leads says what is missing.")
    headers = {
        **SECURITY,
        "content-type": "text/csv; charset=utf-8",
        "content-disposition": 'attachment; filename="leads.csv"',
        "cache-control": "no-store",
    }
    return Response(200, to_csv(_list(book, choice, request.now).leads).encode(errors="replace"), headers)


def _choose(request: Request, book: Book) -> Choice | None:
    """What was asked for, else the first of each; None when there is no score, or nowhere to stand."""
    standings = list_standings(book)
    if not book.scores or not standings:
        return None
    at, score, grade = request.text("at"), request.text("score"), request.query.get("grade")
    standing = find_standing(book, at) if at else standings[0]
    if standing is None or (score and score not in book.scores) or (grade and grade not in book.grades):
        raise NotFoundError("What these leads were to be made of is not published any more.")
    return Choice(score or next(iter(book.scores)), next(iter(book.grades), "") if grade is None else grade, standing)


def _list(book: Book, choice: Choice, now: float) -> Leads:
    return list_leads(contacts, memberships, book, now, choice.standing.place, choice.score, choice.grade or None)
