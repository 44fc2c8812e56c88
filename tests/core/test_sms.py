import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.sms import Segments, classify_reply, segments

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
def test_a_text_takes_its_segments(text: str, expected: Segments) -> None:
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
        ("I don't like this", None),
        ("bus stop", None),
        ("the quarter end", None),
        ("don't send it yet", None),
    ],
)
def test_a_reply_is_understood(text: str, reply: str | None) -> None:
    assert classify_reply(text) == reply


@given(st.text(max_size=200))
def test_any_reply_has_one_meaning_or_none(text: str) -> None:
    assert classify_reply(text) in ("stop", "start", "help", None)
    assert classify_reply(f"STOP{' ' * 3}!") == "stop"


def test_a_very_long_reply_is_read_in_bounded_time() -> None:
    assert classify_reply("dont stop no longer want " * 100_000) is None
    assert classify_reply("stop " * 100_000) == "stop"
