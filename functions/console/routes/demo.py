"""Demo data: the badge that says so, as long as there is any, and the one click that removes it."""

from functions.console.pages import page
from functions.console.requests import Request
from functions.console.responses import Response, redirect
from postroad import demo
from postroad.contacts.places import segment_place
from postroad_aws import runs
from postroad_aws.storage import stats


def show(request: Request) -> Response:
    """The badge, for htmx; nothing where nothing is made up. With `removing` it says how many are left."""
    return _badge(request, is_removing=bool(request.text("removing")))


def remove(request: Request) -> Response:
    runs.start_removal()
    return _badge(request, is_removing=True) if request.is_fragment else redirect("/console")


def _badge(request: Request, *, is_removing: bool) -> Response:
    place = segment_place(demo.SEGMENT)
    count = stats.count_members([place])[place]
    may_remove = request.session is not None and request.session.may("marketer")
    return page(request, "demo/badge.html", count=count, is_removing=is_removing, may_remove=may_remove)
