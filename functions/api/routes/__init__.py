"""One module for each resource of the API."""

from functions.api.routes import consents, contacts, definitions, keys, messages, quarantine, suppressions
from functions.api.routing import Route

# In the order in which their page shows them.
TABLE: list[Route] = [
    route
    for module in (contacts, messages, definitions, suppressions, consents, keys, quarantine)
    for route in module.routes.table
]
