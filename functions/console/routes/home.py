"""The first page: how things stand, and what needs somebody."""

from functions.console.pages import page
from functions.console.requests import Request
from functions.console.responses import Response


def show(request: Request) -> Response:
    return page(request, "home/home.html")
