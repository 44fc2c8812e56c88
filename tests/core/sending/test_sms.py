from datetime import UTC, datetime
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postroad.contacts.contact import Attribute, Contact
from postroad.envelopes.sms import MAX_SEGMENTS
from postroad.instants import parse_instant, stamp
from postroad.local_time import find_zone
from postroad.policy import parse_policy
from postroad.sending.calendars import ANY_TIME
from postroad.sending.sms import Segments, answer_reply, classify_reply, describe_parts, segments

GSM = "@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCXYZÄÖÑÜ§¿abcxyzäöñüà\n\r"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Segments("GSM-7", 0, 0)),
        ("Hi", Segments("GSM-7", 1, 2)),
        (GSM, Segments("GSM-7", 1, len(GSM))),
        ("a" * 160, Segments("GSM-7", 1, 160)),
        ("a" * 161, Segments("GSM-7", 2, 161)),
        ("a" * 306, Segments("GSM-7", 2, 306)),
        ("a" * 307, Segments("GSM-7", 3, 307)),
        ("€", Segments("GSM-7", 1, 2)),
        ("^{}\\[~]|€\f", Segments("GSM-7", 1, 20)),
        ("€" * 80, Segments("GSM-7", 1, 160)),
        ("€" * 81, Segments("GSM-7", 2, 162)),
        # 153 is odd, so a pair moves over and each segment holds 76 of them.
        ("€" * 153, Segments("GSM-7", 3, 306)),
        ("a" * 152 + "€" + "a" * 152, Segments("GSM-7", 3, 306)),
        ("ç", Segments("UCS-2", 1, 1)),
        ("`", Segments("UCS-2", 1, 1)),
        ("“Hi”", Segments("UCS-2", 1, 4)),
        ("я" * 70, Segments("UCS-2", 1, 70)),
        ("я" * 71, Segments("UCS-2", 2, 71)),
        ("я" * 134, Segments("UCS-2", 2, 134)),
        ("я" * 135, Segments("UCS-2", 3, 135)),
        ("😀", Segments("UCS-2", 1, 2)),
        ("😀" * 35, Segments("UCS-2", 1, 70)),
        ("😀" * 36, Segments("UCS-2", 2, 72)),
        ("я" * 66 + "😀" + "я" * 66, Segments("UCS-2", 3, 134)),
    ],
)
def test_c38_a_text_takes_its_segments(text: str, expected: Segments) -> None:
    assert segments(text) == expected


@given(st.text(max_size=400))
def test_segments_hold_the_whole_text_and_no_segment_is_empty(text: str) -> None:
    found = segments(text)
    alone, each = (160, 153) if found.encoding == "GSM-7" else (70, 67)
    assert found.units >= len(text)
    if found.count > 1:
        assert found.units > alone
        assert (found.count - 1) * (each - 1) < found.units <= found.count * each
    if found.encoding == "UCS-2":
        assert found.units == len(text.encode("utf-16-le", "surrogatepass")) // 2


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        *[(word, "stop") for word in "STOP END CANCEL QUIT UNSUBSCRIBE ARRET OPTOUT REMOVE TD STOPALL REVOKE".split()],  # noqa: SIM905
        *[("stop", "stop"), ("Stop!", "stop"), ("  sToP.  ", "stop"), ("'STOP'", "stop"), ("S.T.O.P", "stop")],
        *[("ARRÊT", "stop"), ("Arrêt !", "stop"), ("opt-out", "stop"), ("Opt out", "stop"), ("stop all", "stop")],
        *[
            ("Stop please", "stop"),
            ("please STOP", "stop"),
            ("ok stop thanks", "stop"),
            ("STOP 🛑", "stop"),
            ("\uff33\uff54\uff4f\uff50", "stop"),
        ],
        ("please stop texting me", "stop"),
        ("Please stop sending me these messages", "stop"),
        ("STOP IT NOW", "stop"),
        ("Stop spamming me!!!", "stop"),
        ("can you stop contacting me", "stop"),
        ("Hi, please stop.", "stop"),
        ("don't text me again", "stop"),
        ("don't send me any more", "stop"),
        ("Don\u2019t message me anymore", "stop"),
        ("do not contact me", "stop"),
        ("do not ever call this number", "stop"),
        ("I dont want these texts", "stop"),
        ("I no longer wish to receive your messages", "stop"),
        ("no more messages please", "stop"),
        ("take me off your list", "stop"),
        ("Remove me from this list", "stop"),
        ("remove my number", "stop"),
        ("unsubscribe me please", "stop"),
        ("I want to unsubscribe", "stop"),
        ("How do I unsubscribe?", "stop"),
        ("opt me out", "stop"),
        ("I revoke my consent", "stop"),
        ("Leave me alone", "stop"),
        *[("stop at once", "stop"), ("please stop for good", "stop"), ("Stop for ever!", "stop"), ("🛑", "stop")],
        *[("reply stop", "stop"), ("I'm texting STOP", "stop"), ("I want to stop", "stop"), ("I want out", "stop")],
        *[("No, stop", "stop"), ("Do not text. Stop.", "stop"), ("unsuscribe", "stop"), ("STOP2END", "stop")],
        *[("cancel it", "stop"), ("End this.", "stop"), ("BAJA por favor", "stop"), ("Abmelden bitte!", "stop")],
        *[("arrêtez s'il vous plaît", "stop"), ("basta, grazie", "stop"), ("стоп", "stop"), ("СТОП", "stop")],
        *[("停止", "stop"), ("ストップ", "stop"), ("توقف", "stop"), ("aufhören", "stop"), ("désinscrire", "stop")],
        *[("Stop at the shop", None), ("Stop in at noon", None), ("Does the bus stop here?", None)],
        ("lose my number", "stop"),
        ("cancel my subscription", "stop"),
        ("quit texting me", "stop"),
        *[("START", "start"), ("start.", "start"), ("Unstop", "start"), ("YES", "start"), ("yes please!", "start")],
        *[("HELP", "help"), ("help?", "help"), ("Info", "help"), ("help please", "help")],
        *[("", None), ("   ", None), ("!!!", None), ("please", None), ("👍", None)],
        ("Thanks, see you tomorrow", None),
        ("Can I stop by tomorrow?", None),
        ("Stop by the shop at five", None),
        ("I can't stop laughing", None),
        ("Please don't stop texting me", None),
        ("never stop sending these", None),
        ("the weekend was great, no end of fun", None),
        ("cancel my order", None),
        ("Please cancel my appointment", None),
        ("yes but when does it start?", None),
        ("can you help me with my order", None),
        ("I don't like this", "unclear"),
        ("bus stop", None),
        ("the quarter end", None),
        ("don't send it yet", None),
    ],
)
def test_c38_a_reply_is_understood(text: str, reply: str | None) -> None:
    assert classify_reply(text) == reply


@given(st.text(max_size=200))
def test_any_reply_has_one_meaning_or_none(text: str) -> None:
    assert classify_reply(text) in ("stop", "start", "help", "unclear", None)
    assert classify_reply(f"STOP{' ' * 3}!") == "stop"


def test_a_very_long_reply_is_read_in_bounded_time() -> None:
    assert classify_reply("dont stop no longer want " * 100_000) is None
    assert classify_reply("stop " * 100_000) == "stop"


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        *[("wrong number", "unclear"), ("Who is this?", "unclear"), ("why are you writing", "unclear")],
        *[("How did you get my number", "unclear"), ("I never signed up for this", "unclear")],
        *[("not interested", "unclear"), ("No thanks", "unclear"), ("enough!", "unclear"), ("go away", "unclear")],
        *[("this is spam", "unclear"), ("I will report you", "unclear"), ("basta di questo", "unclear")],
        *[("Ne m'envoyez plus de messages", "unclear"), ("Bitte keine SMS mehr", "unclear"), ("Nein danke", "unclear")],
        *[("Schreibt mir nicht mehr", "unclear"), ("No me envíen más mensajes", "unclear"), ("nee bedankt", "unclear")],
        *[("Non scrivetemi più", "unclear"), ("Não quero mais mensagens", "unclear"), ("no, gracias", "unclear")],
        *[("Stuur geen berichten meer", "unclear"), ("Kann nicht mehr warten!", None), ("Envíen más café", None)],
        *[("I want to stop my coffee", "unclear"), ("stopping tomorrow", None), ("the pit stop was great", None)],
        *[("Please stop emailing me", "stop"), ("no more mails", "stop"), ("take me off the mailing list", "stop")],
        *[("I'll stop by later", None), ("bus stop at nine", None), ("see you on Friday", None)],
    ],
)
def test_c38_what_may_be_a_refusal_is_left_to_a_person(text: str, reply: str | None) -> None:
    assert classify_reply(text) == reply


@pytest.mark.parametrize("reply", ["stop", "start", "help"])
def test_c38_an_answer_names_the_brand_and_is_one_or_two_parts(reply) -> None:
    answer = answer_reply(reply, "Tidewater Coffee", "Tidewater Coffee <hello@tidewater.example>")
    assert answer is not None
    assert answer.startswith("Tidewater Coffee: ")
    assert segments(answer).encoding == "GSM-7"
    assert segments(answer).count <= 2 < MAX_SEGMENTS
    assert ("hello@tidewater.example" in answer) == (reply == "help")


def test_c38_nothing_is_answered_to_anything_else() -> None:
    assert answer_reply("unclear", "Shop", "") is None
    assert answer_reply(None, "Shop", "") is None


TOPICS = [{"id": "offers", "opt_in": False}, {"id": "receipts", "opt_in": False, "transactional": True}]


def leaves(phone: str, at: str, topic: str = "offers", channel: str = "sms", hours: str = "", **policy: object) -> str:
    """When a message leaves that wants to at this time."""
    account = parse_policy({"kind": "policy", "id": "policy", "topics": TOPICS, **policy})
    contact = Contact("ana", identities={f"phone:{phone}": 0.0})
    opening = account.next_opening(contact, channel, topic, hours, parse_instant(at))
    assert opening.at is not None
    return stamp(opening.at)


@pytest.mark.parametrize(
    ("phone", "at", "leaves_at"),
    [
        # London in summer: eight is seven in UTC.
        ("+447700900123", "2026-07-01T05:00:00Z", "2026-07-01 07:00 UTC"),
        ("+447700900123", "2026-07-01T19:59:00Z", "2026-07-01 19:59 UTC"),
        ("+447700900123", "2026-07-01T20:00:00Z", "2026-07-02 07:00 UTC"),
        # A number of the United States or Canada says no place: it has to be day from Newfoundland to Hawaii.
        ("+14155550123", "2026-01-15T13:00:00Z", "2026-01-15 18:00 UTC"),
        ("+14155550123", "2026-01-15T19:00:00Z", "2026-01-15 19:00 UTC"),
        ("+14155550123", "2026-01-16T00:30:00Z", "2026-01-16 18:00 UTC"),
        # Puerto Rico has a prefix of its own.
        ("+17875550123", "2026-01-15T13:00:00Z", "2026-01-15 13:00 UTC"),
    ],
)
def test_c38_texts_leave_between_eight_and_nine_where_the_person_is_or_may_be(phone, at, leaves_at) -> None:
    assert leaves(phone, at) == leaves_at


def test_c38_a_step_for_any_time_lets_no_advertising_ring_at_night() -> None:
    night, calendar = "2026-07-01T20:00:00Z", {"calendar": {"open": {"mon": {"from": "09:00", "to": "10:00"}}}}
    assert leaves("+447700900123", night, hours=ANY_TIME, **calendar) == "2026-07-02 07:00 UTC"
    assert leaves("+447700900123", night, "receipts", hours=ANY_TIME, **calendar) == "2026-07-01 20:00 UTC"
    assert leaves("+447700900123", night, channel="email", hours=ANY_TIME, **calendar) == "2026-07-01 20:00 UTC"


def test_c38_only_texts_have_quiet_hours_that_nobody_has_asked_for() -> None:
    night = "2026-07-01T03:00:00Z"
    assert leaves("+447700900123", night, channel="email") == "2026-07-01 03:00 UTC"
    assert leaves("+447700900123", night, topic="receipts") == "2026-07-01 03:00 UTC"


def test_c38_the_account_may_have_other_quiet_hours_for_texts_or_none() -> None:
    night, phone = "2026-07-01T03:00:00Z", "+447700900123"
    later = {"quiet": {"from": "20:00", "to": "09:00"}}
    assert leaves(phone, night, calendar={"channels": {"sms": later}}) == "2026-07-01 08:00 UTC"
    assert leaves(phone, night, calendar=later) == "2026-07-01 08:00 UTC"
    assert leaves(phone, night, calendar={"closed": [{"name": "X", "date": "12-25"}]}) == "2026-07-01 07:00 UTC"
    assert leaves(phone, night, calendar={"channels": {"sms": {"quiet": []}}}) == "2026-07-01 03:00 UTC"


THREE_YEARS = 3 * 365 * 24 * 60


@settings(max_examples=300)
@given(st.sampled_from(sorted(available_timezones())), st.integers(0, THREE_YEARS))
def test_g13_in_no_zone_and_at_no_time_of_three_years_a_text_leaves_at_night(zone: str, minutes: int) -> None:
    policy = parse_policy({"kind": "policy", "id": "policy", "topics": TOPICS})
    contact = Contact("ana", attributes={"timezone": Attribute(zone, 0.0, True)})
    wants = parse_instant("2026-01-01") + 60.0 * minutes
    at = policy.next_opening(contact, "sms", "offers", "", wants).at
    assert at is not None
    here = datetime.fromtimestamp(at, ZoneInfo(zone)) if find_zone(zone) else datetime.fromtimestamp(at, UTC)
    assert 8 <= here.hour < 21
    assert wants <= at < wants + 24 * 3_600
    was = datetime.fromtimestamp(wants, here.tzinfo)
    assert (at == wants) == (8 <= was.hour < 21)


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("Hello", "1 part, 5 of GSM-7"),
        ("Hello {{ contact.first_name | default('you') }}", "1 part, 6 of GSM-7 besides what fills it"),
        ("Hello \U0001f600", "1 part, 8 of UCS-2, because of '\U0001f600'"),
        ("a" * 161, "2 parts, 161 of GSM-7"),
        ("{% if a %}a{% endif %}", "1 part, 1 of GSM-7 besides what fills it"),
        ("{{ a }}", "1 part, 0 of GSM-7 besides what fills it"),
    ],
)
def test_c38_the_template_of_a_text_says_how_many_parts_it_takes(source: str, sentence: str) -> None:
    assert describe_parts(source) == sentence
