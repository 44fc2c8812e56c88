"""Text messages: how many segments a text takes, what a reply asks for, and what is answered to it."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parseaddr
from typing import Literal

# --------------------------------------------------------------------------------------------------------- segments

# 3GPP TS 23.038, the default alphabet, and its extension table, whose signs take two septets.
_GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_EXTENSION = frozenset("\f^{}\\[~]|€")


@dataclass(frozen=True, slots=True)
class Segments:
    """How a text travels: `units` are septets in GSM-7, 16-bit units in UCS-2; every segment is billed."""

    encoding: Literal["GSM-7", "UCS-2"]
    count: int
    units: int


def segments(text: str) -> Segments:
    """The segments of a text (3GPP TS 23.038 and 23.040): 160 septets or 70 units in one, 153 or 67 in each of many.

    An escape pair or a surrogate pair is never torn apart, so a segment may stay one unit short.
    """
    if all(sign in _GSM_BASIC or sign in _GSM_EXTENSION for sign in text):
        return _packed("GSM-7", [2 if sign in _GSM_EXTENSION else 1 for sign in text], 160, 153)
    return _packed("UCS-2", [2 if ord(sign) > 0xFFFF else 1 for sign in text], 70, 67)


def _packed(encoding: Literal["GSM-7", "UCS-2"], sizes: list[int], alone: int, each: int) -> Segments:
    units = sum(sizes)
    if units <= alone:
        return Segments(encoding, 1 if units else 0, units)
    count, used = 1, 0
    for size in sizes:
        if used + size > each:
            count, used = count + 1, 0
        used += size
    return Segments(encoding, count, units)


def find_foreign(text: str) -> str:
    """The signs of a text for which it cannot travel in GSM-7."""
    return "".join(sign for sign in text if sign not in _GSM_BASIC and sign not in _GSM_EXTENSION)


_PLACEHOLDER = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)


def describe_parts(source: str) -> str:
    """How many parts the template of a text takes at least, as a sentence."""
    text = _PLACEHOLDER.sub("", source)
    found = segments(text)
    foreign = find_foreign(text)[:1]
    because = f", because of {foreign!r}" if foreign else ""
    parts = "1 part" if found.count <= 1 else f"{found.count} parts"
    rest = " besides what fills it" if text != source else ""
    return f"{parts}, {found.units} of {found.encoding}{because}{rest}"


# ---------------------------------------------------------------------------------------------------------- replies

Reply = Literal["stop", "start", "help", "unclear"]

STOP: Reply = "stop"
START: Reply = "start"
HELP: Reply = "help"
# It may well be a refusal, and only a person can tell.
UNCLEAR: Reply = "unclear"

# A reply that is nothing but one of these words (politeness aside) asks for that: in the languages in which people are
# written to, as they are typed, with the slips of a hurry.
_KEYWORDS: dict[Reply, str] = {
    "stop": """
        stop stopall stopp stpo sotp stp stop2end stop2quit 🛑 end cancel quit unsubscribe unsuscribe unsubcribe unsub
        optout remove revoke td cancelit endit endthis cancelthis cancelall endall iwantout
        arret arreter arretez desabonner desabonnement desinscrire desinscription fin baja alto parar pare cancelar
        detener desuscribir sair remover basta cancella cancellami annulla disiscrivimi
        ende abmelden abbestellen aufhören stoppen beenden opzeggen afmelden stoppa avsluta avregistrera afmeld avmeld
        koniec rezygnuję wypisz peruuta dur iptal
        стоп отписаться отписка отмена відписатися 停止 退订 退訂 取消 解除 ストップ توقف قف إلغاء
    """,
    "start": "start unstop yes resume optin subscribe resubscribe",
    "help": "help info aide ayuda hilfe",
}
_POLITENESS = re.compile(
    r"\b(?:please|pls|plz|thanks|thank you|thx|now|ok|okay|hi|hello|hey|sorry|just"
    r"|bitte|danke|por favor|gracias|sil vous plait|svp|merci|per favore|grazie|obrigad[oa]|tack|tak|dank)\b"
)
_SENDING = r"(?:text|txt|messag|contact|spam|send|email|mail|sms|call|bother|harass|ping|notif|writ)"
# "Stop by the shop" asks for nothing, "stop for good" does.
_STOP = r"stop\b(?! (?:by|in|over|at|for|off|on)\b(?! (?:once|good|ever|all|now|the future|future)\b))"
# Any reasonable way of saying it counts (47 CFR 64.1200(a)(10), since April 2025).
_REFUSALS = re.compile(
    rf"\b(?:stop|quit|cease) (?:\w+ ){{0,2}}?(?:{_SENDING}|this\b|these\b|it\b|all\b)"
    r"|\b(?:do not|dont) (?:ever )?(?:text|txt|messag|contact|spam|email|sms|call|bother|harass|notif)"
    r"|\b(?:do not|dont) (?:ever )?(?:send|mail|write) (?:to )?(?:me|us|any|more)\b"
    r"|\bunsubscribe\b|\bopt (?:me )?out\b|\boptout\b|\brevoke (?:my )?consent\b"
    r"|\b(?:take|get) me off\b|\bremove (?:me|my (?:number|phone|name|address))\b|\bdelete my (?:number|phone)\b"
    r"|\bno (?:more|further) (?:\w+ )?(?:text|txt|message|sms|mail|email|offer|ad)s?\b"
    r"|\bleave me alone\b|\blose my number\b"
    r"|\b(?:cancel|end) (?:my |the |this |these )?(?:text|txt|message|sms|subscription|alert|notification)s?\b"
    r"|\b(?:do not|dont) want (?:\w+ ){0,3}?(?:text|txt|message|sms|mail|email|offer)s?\b"
    r"|\bno longer (?:want|wish)\b.*\b(?:text|txt|message|sms|mail|email|offer)s?\b"
    rf"|^{_STOP}|\b(?:please|pls|plz) {_STOP}"
    r"|\b(?:txt|text|texting|reply|replying|send|sending|say|saying) stop$|\bi (?:want|need) (?:you )?to stop$"
)
_KEPT = re.compile(
    r"\b(?:do not|dont|never|cannot|cant|didnt|did not|wont|without) "
    r"(?:\w+ )?(?:stop|unsubscribe|opt|quit|remove|cancel)"
)
# Words of somebody who may want no more: what is not plain enough to be obeyed by a machine, a person reads.
_DOUBTS = re.compile(
    r"\b(?:stop|quit|cease|enough|annoying|spam|spammer|scam|harass\w*|lawyer|illegal|report you|block(?:ing)? you)\b"
    rf"|\bwrong (?:number|person)\b|\bnot (?:interested|{_SENDING})|\bwho (?:is|are) (?:this|you)\b|\bwhos this\b"
    r"|\bhow did you get (?:my|this)\b|\bwhy (?:are|do) you\b|\bi (?:never|didnt|did not) (?:sign|ask|agree|give|gave)"
    r"|\bgo away\b|\b(?:dont|do not) (?:want|like|need)\b|\bno (?:thanks|thank you|more)\b"
    r"|\b(?:basta|genug|aufhoren|abmelden|arretez|desabonner|desinscrire|parem|pare|sair|cancelar|stoppen|abbestellen)\b"
    r"|\b(?:cancel|end) (?:it|this|that|them|all|everything)\b"
    r"|\bkeine (?:sms|nachrichten|werbung|mails?)\b|\b(?:schreib|schick|send)\w* (?:\w+ )?nicht mehr\b|\bnein danke\b"
    r"|\bm?envoyez plus\b|\bplus de (?:messages?|sms|textos?)\b|\bnon merci\b"
    r"|\bno (?:me |nos )?(?:envi|mand|escrib)\w+|\bno quiero (?:recibir )?(?:mas|mensajes|sms)\b|\bno gracias\b"
    r"|\bnon (?:mi |ci )?(?:scriv|mand|invi)\w+|\bnon voglio (?:piu|messaggi|sms)\b|\bno grazie\b"
    r"|\bnao (?:quero (?:mais|mensagens|sms)|envi\w+|mand\w+|escrev\w+)\b|\bnao obrigad[oa]\b"
    r"|\bgeen (?:berichten|sms\w*|reclame)\b|\bnee (?:bedankt|dank)\b"
)
# Where "stop" stands for something else, no person needs to look.
_HARMLESS = re.compile(
    r"\b(?:bus|tram|train|pit|full|non|one|next|last|first) stop\b|\bstop (?:by|in|over|at|for|off|on)\b"
)


def classify_reply(text: str) -> Reply | None:
    """What a reply asks for: "stop", "start" or "help"; "unclear" when it may be a refusal; None for anything else.

    STOP and its kin count in any case and many languages, with any punctuation and accents, and in plain sentences
    ("please stop texting me"). START and HELP count only when they are all that is said, since a yes must be meant.
    """
    text = text[:1000]
    asked = _WORDS.get(_alone(text))
    if asked:
        return asked
    if any(_REFUSALS.search(said) and not _KEPT.search(said) for said in map(_plain, _SENTENCE.split(text))):
        return STOP
    return UNCLEAR if _DOUBTS.search(_HARMLESS.sub("", _KEPT.sub("", _plain(text)))) else None


# Where one thing has been said and the next begins; the dots of "S.T.O.P" are no such place.
_SENTENCE = re.compile(r"[.!?,;:\n\u2026]+(?:\s+|$)")


def _plain(text: str) -> str:
    """The words of a text, without case, accents and signs."""
    plain = unicodedata.normalize("NFKD", text.replace("🛑", " stop ")).casefold()
    plain = re.sub(r"['\u2019`\u0300-\u036f]", "", plain)
    return " ".join(re.findall(r"[^\W_]+", plain))


def _alone(text: str) -> str:
    """The one word that a text comes to, politeness aside."""
    return _POLITENESS.sub("", _plain(text)).replace(" ", "")


_WORDS: dict[str, Reply] = {_alone(word): reply for reply, words in _KEYWORDS.items() for word in words.split()}


_ANSWERS: Mapping[Reply, str] = {
    STOP: "{brand}: you get no more texts from us. Reply START to get them again.",
    START: "{brand}: you get our texts again. Message and data rates may apply. Reply HELP for help, STOP to end.",
    HELP: "{brand}: write to {contact} for help. Message and data rates may apply. Reply STOP to end texts.",
}


def answer_reply(reply: Reply | None, brand: str, sender: str) -> str | None:
    """What is answered to a reply, with the brand; None when nothing is. `sender` is "Name <address>"."""
    answer = _ANSWERS.get(reply) if reply else None
    return answer.format(brand=brand[:60], contact=parseaddr(sender)[1] or brand[:60]) if answer else None
