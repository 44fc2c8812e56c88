"""What the table of routes says about growth."""

from string import Formatter

from functions.api.routes import TABLE
from tests.bench.routes import BOUNDED, Figures, show
from tests.bench.routes_console import LOOKED_UP, NAMES, list_pages


def grown(key: str, calls: int, units: float) -> list[str]:
    """What grows, of one route that asked for ten calls and units before."""
    before, after = Figures(1, 1, 10, 10.0), Figures(1, 1, calls, units)
    return show({"demo": {key: before}, "grown": {key: after}})[1]


def test_what_asks_for_more_when_there_are_more_contacts_is_told():
    assert grown("GET /contacts", 10, 11.0) == []
    assert grown("GET /contacts", 12, 10.0) == ["GET /contacts"]
    assert grown("GET /contacts", 10, 13.0) == ["GET /contacts"]


def test_what_looks_at_people_may_come_up_to_its_bound():
    assert grown("GET /leads", 70, 380.0) == []
    assert grown("GET /leads", 70, BOUNDED["GET /leads"] + 1) == ["GET /leads"]


def test_only_routes_that_there_are_have_a_bound():
    assert BOUNDED.keys() <= {*(f"{route.method} {route.path}" for route in TABLE), *list_pages()}


def test_what_stands_in_the_path_of_a_page_is_known():
    written = [text for path, query in list_pages().values() for text in (path, *query.values())]
    asked = {name for text in written for _, name, _, _ in Formatter().parse(text) if name}
    assert asked == {*NAMES, *LOOKED_UP}
