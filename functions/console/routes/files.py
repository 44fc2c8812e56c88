"""The files that pages load."""

from functions.console import assets, pages
from functions.console.requests import Request
from functions.console.responses import Response


def show(request: Request) -> Response:
    found = assets.serve(request.variables["name"], request.variables["digest"])
    return found or pages.problem(request, 404, "There is no such file.")
