"""The route table: every address of the console, with the least role that may open it.

A page is a module here, named like its entry in the menu (`pages.MENU`), and a folder of templates.
"""

from functions.console.routes import (
    broadcasts,
    contacts,
    demo,
    files,
    home,
    journey_people,
    journeys,
    messages,
    quarantine,
    segments,
    session,
    tour,
)
from functions.console.routing import Route

ROUTES = (
    Route("GET", "/", None, session.front),
    Route("GET", "/console/assets/{digest}/{name}", None, files.show),
    Route("GET", "/console/sign-in", None, session.begin),
    Route("GET", "/console/signed-in", None, session.finish),
    Route("POST", "/console/sign-out", None, session.sign_out),
    Route("GET", "/console/signed-out", None, session.signed_out),
    Route("GET", "/console", "viewer", home.show),
    Route("GET", "/console/tour", "viewer", tour.show),
    Route("POST", "/console/tour/hide", "viewer", tour.hide),
    Route("GET", "/console/demo", "viewer", demo.show),
    Route("POST", "/console/demo/remove", "marketer", demo.remove),
    Route("GET", "/console/contacts", "viewer", contacts.show_list),
    Route("GET", "/console/contacts/{contact_id}", "viewer", contacts.show_one),
    Route("GET", "/console/segments", "viewer", segments.show_list),
    Route("GET", "/console/segments/{segment_id}", "viewer", segments.show_one),
    Route("GET", "/console/messages", "viewer", messages.show_list),
    Route("GET", "/console/messages/{message_id}", "viewer", messages.show_one),
    Route("GET", "/console/messages/{message_id}/preview", "viewer", messages.show_preview),
    Route("GET", "/console/quarantine", "viewer", quarantine.show_list),
    Route("GET", "/console/journeys", "viewer", journeys.show_list),
    Route("GET", "/console/journeys/{journey_id}", "viewer", journeys.show_one),
    Route("GET", "/console/journeys/{journey_id}/people", "viewer", journey_people.show),
    Route("GET", "/console/journeys/{journey_id}/why", "viewer", journey_people.explain),
    Route("POST", "/console/journeys/{journey_id}/publish", "marketer", journeys.publish),
    Route("POST", "/console/journeys/{journey_id}/withdraw", "marketer", journeys.withdraw),
    Route("GET", "/console/broadcasts", "viewer", broadcasts.show_list),
    Route("POST", "/console/broadcasts", "marketer", broadcasts.create),
    Route("GET", "/console/broadcasts/_new", "marketer", broadcasts.begin),
    Route("GET", "/console/broadcasts/_audience", "marketer", broadcasts.show_audience),
    Route("GET", "/console/broadcasts/{broadcast_id}", "viewer", broadcasts.show_one),
    Route("POST", "/console/broadcasts/{broadcast_id}", "marketer", broadcasts.save),
    Route("GET", "/console/broadcasts/{broadcast_id}/edit", "marketer", broadcasts.edit),
    Route("GET", "/console/broadcasts/{broadcast_id}/people", "viewer", broadcasts.show_people),
    Route("GET", "/console/broadcasts/{broadcast_id}/preview", "viewer", broadcasts.show_preview),
    Route("POST", "/console/broadcasts/{broadcast_id}/schedule", "marketer", broadcasts.schedule),
    Route("POST", "/console/broadcasts/{broadcast_id}/cancel", "marketer", broadcasts.cancel),
)
