"""One module for each resource of the API."""

from functions.api.routes import contacts, definitions, keys, messages, quarantine
from functions.api.routing import Route

TABLE: list[Route] = [
    route for module in (contacts, messages, definitions, keys, quarantine) for route in module.routes.table
]
