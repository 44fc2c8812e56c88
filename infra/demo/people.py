"""The people of the demo brand's history: who they are, what they look like to the shop, and how they read mail.

Everything here is made up. Names are common ones put together by chance; addresses lie in domains kept for examples,
phone numbers in the range that the British regulator keeps for films.
"""

import re
from random import Random
from typing import Any, NamedTuple
from unicodedata import normalize

FIRST_NAMES = """
    Ana Marta João Inês Tiago Sofia Rui Beatriz Pedro Carolina Miguel Leonor Duarte Matilde Nuno Teresa Lucía Mateo
    Carmen Diego Elena Javier Paula Hugo Emma Louis Chloé Jules Manon Théo Camille Lena Jonas Mia Felix Clara Paul
    Hannah Moritz Giulia Luca Chiara Marco Alice Oliver Amelia George Isla Harry Freya Noah Sanne Daan Lotte Bram
"""
LAST_NAMES = """
    Silva Santos Ferreira Pereira Costa Oliveira Martins Rodrigues Sousa Fernandes Gonçalves Gomes Lopes Marques
    Almeida García Martínez López Sánchez Romero Navarro Torres Ruiz Martin Bernard Dubois Laurent Moreau Fournier
    Girard Müller Schmidt Weber Fischer Becker Hoffmann Koch Rossi Bianchi Ricci Greco Smith Taylor Walker Clarke
    Hughes Evans Murphy Jansen Visser Bakker Mulder
"""
PLACES = (
    ("Lisboa", "PT", "Europe/Lisbon", "pt-PT"),
    ("Porto", "PT", "Europe/Lisbon", "pt-PT"),
    ("Madrid", "ES", "Europe/Madrid", "es-ES"),
    ("Valencia", "ES", "Europe/Madrid", "es-ES"),
    ("Lyon", "FR", "Europe/Paris", "fr-FR"),
    ("Berlin", "DE", "Europe/Berlin", "de-DE"),
    ("Milano", "IT", "Europe/Rome", "it-IT"),
    ("London", "GB", "Europe/London", "en-GB"),
    ("Utrecht", "NL", "Europe/Amsterdam", "nl-NL"),
)
MAIL_DOMAINS = ("mail.example", "post.example", "example.com", "example.net", "example.org")
COMPANIES = (
    "Atelier Norte", "Blue Harbour Labs", "Casa Verde Studio", "Delta Freight", "Estúdio Sete", "Ferro & Filhos",
    "Grupo Miradouro", "Halcyon Software", "Iris Architects", "Jardim Clinics", "Kestrel Analytics", "Lumen Legal",
    "Mar Alto Shipping", "Nordlicht Design", "Oficina Oito", "Pinhal Insurance", "Quarto Crescente", "Ribeira Games",
    "Solstice Travel", "Tejo Engineering",
)  # fmt: skip
ROLES = ("founder", "director", "finance", "office manager", "office manager", "people", "engineer")
COMPANY_SIZES = (8, 14, 22, 35, 48, 60, 90, 140)


# How many work there, and which of them the shop would like to win; one it is talking with already.
EMPLOYEES = {company: COMPANY_SIZES[number % len(COMPANY_SIZES)] for number, company in enumerate(COMPANIES)}
TARGETS = COMPANIES[:12:2]
IN_TALKS = "Iris Architects"


class Habits(NamedTuple):
    """How somebody reads mail: the chances that they open one, click in an opened one, and have enough of it."""

    opens: float
    clicks: float
    unsubscribes: float = 0.0
    complains: float = 0.0
    bounces: bool = False


class Profile(NamedTuple):
    """Who somebody is, as the shop would say it of them in an identify call."""

    user_id: str
    anonymous_id: str
    traits: dict[str, Any]
    context: dict[str, Any]
    habits: Habits

    @property
    def company(self) -> str:
        """Where they buy coffee for; "" for who buys it for themselves."""
        company: dict[str, str] = self.traits.get("company", {})
        return company.get("name", "")


def make_profile(chance: Random, number: int, *, is_office: bool = False) -> Profile:
    """Somebody made by chance; `number` makes their ids and their address their own."""
    first, last = chance.choice(FIRST_NAMES.split()), chance.choice(LAST_NAMES.split())
    city, country, timezone, locale = chance.choice(PLACES)
    local = f"{_plain(first)}.{_plain(last)}"
    traits: dict[str, Any] = {"firstName": first, "lastName": last, "city": city, "country": country}
    if is_office:
        company = chance.choice(COMPANIES)
        size = chance.choice(COMPANY_SIZES)
        traits |= {"company": {"name": company, "employee_count": size}, "company_size": size}
        traits |= {"role": chance.choice(ROLES)}
        domain = slug_of(company) + ".example"
    else:
        domain = chance.choice(MAIL_DOMAINS)
    traits["email"] = f"{local}{number}@{domain}"
    if chance.random() < 0.3:
        traits["phone"] = f"+447700900{number:03d}"
    return Profile(
        user_id=f"shop-{1000 + number}",
        anonymous_id=f"anon-{chance.getrandbits(64):016x}",
        traits=traits,
        context={"timezone": timezone, "locale": locale},
        habits=_habits(chance),
    )


def _habits(chance: Random) -> Habits:
    kind = chance.random()
    if kind < 0.03:
        return Habits(0.0, 0.0, bounces=True)
    if kind < 0.28:
        return Habits(opens=0.1, clicks=0.05, unsubscribes=0.04)
    if kind < 0.75:
        return Habits(opens=0.5, clicks=0.25, unsubscribes=0.03, complains=0.02)
    return Habits(opens=0.85, clicks=0.45)


def slug_of(company: str) -> str:
    """A company's name as part of an address."""
    return re.sub(r"[^a-z]+", "-", _plain(company)).strip("-")


def _plain(text: str) -> str:
    return normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
