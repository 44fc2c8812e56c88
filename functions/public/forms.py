"""A form's page, and what is posted from it or from any site's own HTML form."""

import json
from collections.abc import Mapping
from html import escape
from typing import Any
from urllib.parse import urlsplit

from functions.public.bodies import BodyError, is_json, read_header, read_inputs
from functions.public.pages import Answer, page
from postroad.content.links import Shown
from postroad.forms import BACK, FASTEST, FIELD_TYPES, LONGEST_ANSWER, SEAL, TRAP, VISITOR, Field, Form, Mistakes
from postroad.policy import Policy
from postroad_aws import books
from postroad_aws.observability import logger
from postroad_aws.storage import visits
from postroad_aws.usecases.submit_form import Accepted, Again, Busy, Post, Stranger, TooMany, submit_form
from postroad_aws.wiring import production

_HIDDEN = (BACK, VISITOR)
# What browsers fill in by themselves (HTML, "Autofill").
_AUTOFILL = {
    "email": "email",
    "phone": "tel",
    "first_name": "given-name",
    "last_name": "family-name",
    "name": "name",
    "company": "organization",
    "city": "address-level2",
    "country": "country-name",
    "postal_code": "postal-code",
    "birthday": "bday",
}


def answer(event: Mapping[str, Any], form_id: str) -> Answer:
    """`GET /f/{form}` shows it, `POST /f/{form}` takes it, `OPTIONS` says which sites may post by script."""
    http = event["requestContext"]["http"]
    form = books.find_form(form_id)
    if form is None:
        return page(404, "There is no such form", "<p>It may have been taken down. Look for a newer link.</p>")
    visit = _Visit(form, books.current_policy(), event)
    if http["method"] == "OPTIONS":
        return {"statusCode": 204, "headers": visit.cors, "body": ""}
    if http["method"] != "POST":
        wanted = (event.get("queryStringParameters") or {}).get("back", "")
        return visit.show(200, {BACK: form.find_way_back(str(wanted), visit.hosts) or ""})
    try:
        values = read_inputs(event)
    except BodyError as error:
        return visit.refuse(error.status, "This could not be read", str(error))
    post = Post(form, values, http.get("sourceIp", ""), read_header(event, "origin"), visit.page, visit.hosts)
    try:
        outcome = submit_form(production(), visits, post)
    except Exception:
        logger.exception("a form could not be taken", form=form.id)
        outcome = Busy()
    return visit.tell(outcome, values)


class _Visit:
    """One request for a form, and how its answer looks: a page, or JSON for a script."""

    def __init__(self, form: Form, policy: Policy, event: Mapping[str, Any]) -> None:
        self.form = form
        self.policy = policy
        # As our own address is configured, and as this visitor wrote it.
        self.hosts = {urlsplit(production().base_url).netloc.lower(), read_header(event, "host").lower()} - {""}
        self.page = _without_query(read_header(event, "referer"))
        self.wants_json = is_json(event) or "application/json" in read_header(event, "accept")
        origin = read_header(event, "origin")
        self.cors = {"vary": "origin"}
        if origin and form.is_site(origin, self.hosts):
            self.cors |= {
                "access-control-allow-origin": origin,
                "access-control-allow-methods": "POST",
                "access-control-allow-headers": "content-type",
                "access-control-max-age": "600",
            }

    def tell(self, outcome: object, values: Mapping[str, str]) -> Answer:
        form = self.form
        match outcome:
            case Accepted():
                return self.thank(form.find_way_back(values.get(BACK, ""), self.hosts))
            case Mistakes(by_input):
                return self.show(422, values, by_input)
            case Again(reason):
                return self.show(422, {**values, TRAP: ""}, reason=reason)
            case Stranger():
                sentence = f"The form {form.name} does not belong to the site that holds it."
                return self.refuse(403, "This form does not work here", sentence)
            case TooMany(retry_after):
                sentence = f"Too much came from your network. Please try again in {retry_after // 60 + 1} minutes."
                return self.refuse(429, "Please wait a little", sentence, {"retry-after": str(retry_after)})
            case _:
                return self.show(503, values, reason="We could not take it just now. Please send it once more.")

    def thank(self, way_back: str | None) -> Answer:
        form = self.form
        if self.wants_json:
            thanks = {"title": form.success_title, "text": form.success_text, "redirect": way_back}
            return self.json(200, thanks)
        if way_back:
            return {"statusCode": 303, "headers": {"location": way_back, "cache-control": "no-store"}, "body": ""}
        text = f"<p>{escape(form.success_text)}</p>" if form.success_text else ""
        return page(200, form.success_title, text, policy=self.policy, color=form.color)

    def refuse(self, status: int, title: str, sentence: str, headers: Mapping[str, str] | None = None) -> Answer:
        if self.wants_json:
            return self.json(status, {"title": title, "status": status, "detail": sentence}, headers)
        text = f"<p>{escape(sentence)}</p>"
        return page(status, title, text, policy=self.policy, color=self.form.color, headers=headers)

    def show(
        self, status: int, values: Mapping[str, str], mistakes: Mapping[str, str] | None = None, reason: str = ""
    ) -> Answer:
        """The form, with what was typed, and what has to be mended."""
        form, mistakes = self.form, mistakes or {}
        if self.wants_json and status != 200:
            errors = [{"input": name, "detail": sentence} for name, sentence in mistakes.items()]
            return self.json(status, {"title": form.title, "status": status, "detail": reason, "errors": errors})
        # Whoever was asked to send it once more need not wait again.
        at = production().clock.now() - (FASTEST if status != 200 else 0)
        seal = production().signer.sign(Shown(form.id, int(at), production().ids.new_id()[:8]))
        hidden = {SEAL: seal, **{name: values[name] for name in _HIDDEN if values.get(name)}}
        parts = [
            *(f"<p>{escape(line)}</p>" for line in form.text.split("\n") if line.strip()),
            self._summary(mistakes, reason),
            f'<form method="post" action="/f/{form.id}">',
            *(f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in hidden.items()),
            *(_field(field, values.get(field.id, ""), mistakes.get(field.id, "")) for field in form.fields),
            f'<div class="trap" aria-hidden="true"><label>Leave this empty <input name="{TRAP}" tabindex="-1"'
            ' autocomplete="off"></label></div>',
            *(
                _tick(box.name, box.text, box.version, values.get(box.name) == box.version, box.required, mistakes)
                for box in form.consents
            ),
            f"<button>{escape(form.button)}</button>",
            "</form>",
        ]
        if form.privacy:
            link = f'<a href="{escape(form.privacy)}" rel="noopener">How we handle what you tell us</a>'
            parts.append(f'<p class="foot">{link}</p>')
        body = "\n".join(part for part in parts if part)
        # Browsers hold a form to this list also where it is led on to.
        return page(status, form.title, body, policy=self.policy, color=form.color, wide=True, leads_to=form.sites)

    def _summary(self, mistakes: Mapping[str, str], reason: str) -> str:
        if reason:
            return f'<div class="summary" role="alert"><p>{escape(reason)}</p></div>'
        if not mistakes:
            return ""
        labels = {field.id: field.label for field in self.form.fields}
        lines = (
            f'<li><a href="#{_input_id(name)}">{escape(labels.get(name, "Your consent"))}</a>: {escape(sentence)}</li>'
            for name, sentence in mistakes.items()
        )
        return f'<div class="summary" role="alert"><h2>Almost there</h2><ul>{"".join(lines)}</ul></div>'

    def json(self, status: int, document: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Answer:
        kind = "application/json" if status == 200 else "application/problem+json"
        return {
            "statusCode": status,
            "headers": {"content-type": kind, "cache-control": "no-store", **self.cors, **(headers or {})},
            "body": json.dumps(document),
        }


def _without_query(address: str) -> str:
    """An address without what may say who somebody is: a proof of consent is never deleted."""
    try:
        parts = urlsplit(address)
    except ValueError:  # such as "http://["
        return ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}" if parts.netloc else ""


def _input_id(name: str) -> str:
    return "input-" + name.replace(".", "-")


def _field(field: Field, value: str, mistake: str) -> str:
    """One field with its label, its hint, and what was wrong with it."""
    if field.type == "tick":
        return _tick(
            field.id, field.label, "yes", value == "yes", field.required, {field.id: mistake} if mistake else {}
        )
    own = _input_id(field.id)
    optional = "" if field.required else " <span>(optional)</span>"
    described = [f"{own}-{part}" for part, shown in (("hint", field.hint), ("wrong", mistake)) if shown]
    attributes = "".join(
        (
            f' id="{own}" name="{field.id}"',
            " required" if field.required else "",
            f' autocomplete="{_AUTOFILL[field.id]}"' if field.id in _AUTOFILL else "",
            f' aria-describedby="{" ".join(described)}"' if described else "",
            ' aria-invalid="true"' if mistake else "",
        )
    )
    lines = [
        '<div class="field">',
        f'<label for="{own}">{escape(field.label)}{optional}</label>',
        f'<p class="hint" id="{own}-hint">{escape(field.hint)}</p>' if field.hint else "",
        _control(field, value, attributes),
        f'<p class="wrong" id="{own}-wrong">{escape(mistake)}</p>' if mistake else "",
        "</div>",
    ]
    return "\n".join(line for line in lines if line)


def _control(field: Field, value: str, attributes: str) -> str:
    kind = FIELD_TYPES[field.type].input
    if kind == "textarea":
        return f"<textarea{attributes}>\n{escape(value)}</textarea>"
    if kind == "select":
        options = ['<option value="">Please choose</option>']
        for option in field.options:
            chosen = " selected" if option == value else ""
            options.append(f'<option value="{escape(option)}"{chosen}>{escape(option)}</option>')
        return f"<select{attributes}>{''.join(options)}</select>"
    longest = f' maxlength="{LONGEST_ANSWER}"' if kind == "text" else ' step="any"' if kind == "number" else ""
    return f'<input type="{kind}"{attributes}{longest} value="{escape(value)}">'


def _tick(name: str, text: str, value: str, ticked: bool, required: bool, mistakes: Mapping[str, str]) -> str:
    own, mistake = _input_id(name), mistakes.get(name, "")
    attributes = "".join(
        (
            " checked" if ticked else "",
            " required" if required else "",
            f' aria-invalid="true" aria-describedby="{own}-wrong"' if mistake else "",
        )
    )
    box = f'<input type="checkbox" id="{own}" name="{name}" value="{value}"{attributes}>'
    wrong = f'<p class="wrong" id="{own}-wrong">{escape(mistake)}</p>' if mistake else ""
    return f'<div class="field"><div class="tick">{box}<label for="{own}">{escape(text)}</label></div>{wrong}</div>'
