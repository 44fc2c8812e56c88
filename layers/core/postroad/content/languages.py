"""Languages: how each writes dates and amounts, in one table, and which variant of a template somebody reads."""

import re
from collections.abc import Callable, Collection
from typing import Any, NamedTuple

from postroad.documents import form

# The attributes that say what somebody reads, the most telling first.
ATTRIBUTES = ("language", "locale")
_TAG = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*")


class Language(NamedTuple):
    """How a language writes months, days, dates and amounts. `amount` is a pattern with `sign` and `digits`."""

    key: str
    name: str
    months: tuple[str, ...]
    short_months: tuple[str, ...]
    days: tuple[str, ...]
    short_days: tuple[str, ...]
    date: str = "%-d %B %Y"
    decimal: str = ","
    group: str = "."
    amount: str = "{digits}\N{NO-BREAK SPACE}{sign}"


def _language(key: str, name: str, months: str, short_months: str, days: str, short_days: str, **rest: Any) -> Language:
    return Language(
        key,
        name,
        tuple(months.split()),
        tuple(short_months.split()),
        tuple(days.split()),
        tuple(short_days.split()),
        **rest,
    )


ENGLISH = _language(
    "en", "English",
    "January February March April May June July August September October November December",
    "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
    "Monday Tuesday Wednesday Thursday Friday Saturday Sunday", "Mon Tue Wed Thu Fri Sat Sun",
    decimal=".", group=",", amount="{sign}{digits}",
)  # fmt: skip

LANGUAGES = {
    language.key: language
    for language in (
        ENGLISH,
        _language(
            "de", "German",
            "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
            "Jan. Feb. März Apr. Mai Juni Juli Aug. Sept. Okt. Nov. Dez.",
            "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag", "Mo Di Mi Do Fr Sa So",
            date="%-d. %B %Y",
        ),
        _language(
            "fr", "French",
            "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
            "janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc.",
            "lundi mardi mercredi jeudi vendredi samedi dimanche", "lun. mar. mer. jeu. ven. sam. dim.",
            group="\N{NARROW NO-BREAK SPACE}",
        ),
        _language(
            "es", "Spanish",
            "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
            "ene feb mar abr may jun jul ago sept oct nov dic",
            "lunes martes miércoles jueves viernes sábado domingo", "lun mar mié jue vie sáb dom",
            date="%-d de %B de %Y",
        ),
        _language(
            "pt", "Portuguese",
            "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
            "jan. fev. mar. abr. mai. jun. jul. ago. set. out. nov. dez.",
            "segunda-feira terça-feira quarta-feira quinta-feira sexta-feira sábado domingo",
            "seg. ter. qua. qui. sex. sáb. dom.",
            date="%-d de %B de %Y",
        ),
        _language(
            "it", "Italian",
            "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
            "gen feb mar apr mag giu lug ago set ott nov dic",
            "lunedì martedì mercoledì giovedì venerdì sabato domenica", "lun mar mer gio ven sab dom",
        ),
        _language(
            "nl", "Dutch",
            "januari februari maart april mei juni juli augustus september oktober november december",
            "jan feb mrt apr mei jun jul aug sep okt nov dec",
            "maandag dinsdag woensdag donderdag vrijdag zaterdag zondag", "ma di wo do vr za zo",
            amount="{sign}\N{NO-BREAK SPACE}{digits}",
        ),
    )
}  # fmt: skip


def find_language(tag: str) -> Language:
    """How "de-AT" is written: as "de"; what is in no table is written as English."""
    return LANGUAGES.get(tag.partition("-")[0], ENGLISH)


@form({"type": "string", "pattern": f"^{_TAG.pattern}$"})
def parse_tag(raw: object) -> str:
    """A language, perhaps of a region. Raises ValueError with a sentence."""
    if not isinstance(raw, str) or not _TAG.fullmatch(raw):
        raise ValueError("must be a language such as de or pt-br, in small letters")
    return raw


def choose_variant(find: Callable[[str], object], there: Collection[str]) -> str | None:
    """Of these languages the one that somebody reads, by what `find` says of their attributes; None when none is there.

    A region ("pt-br") goes before its language ("pt").
    """
    for name in ATTRIBUTES:
        said = find(name)
        if isinstance(said, str) and said.strip():
            tag = said.strip().replace("_", "-").lower()
            return next((each for each in sorted(there, key=len, reverse=True) if _reads(tag, each)), None)
    return None


def _reads(tag: str, variant: str) -> bool:
    return tag == variant or tag.startswith(f"{variant}-")
