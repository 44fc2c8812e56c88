"""One module for each resource of the API."""

from functions.api.routes import (
    accounts,
    advice,
    broadcasts,
    consents,
    contacts,
    coupons,
    definitions,
    deliverability,
    gallery,
    imports,
    journeys,
    keys,
    lifecycle,
    messages,
    privacy,
    products,
    quarantine,
    rebuilds,
    scores,
    segments,
    suppressions,
    tasks,
    templates,
    trying,
    visitors,
)
from functions.api.routing import Route

# In the order in which their page shows them.
TABLE: list[Route] = [
    route
    for module in (
        contacts, imports, accounts, segments, scores, lifecycle, journeys, broadcasts, templates, messages, tasks,
        coupons, products, advice, trying, deliverability,
        definitions, rebuilds, gallery, suppressions, consents, privacy, visitors, keys, quarantine,
    )
    for route in module.routes.table
]  # fmt: skip
