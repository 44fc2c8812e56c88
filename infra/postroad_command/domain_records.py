"""What a domain publishes in DNS about its mail."""

from collections.abc import Callable, Sequence

# Seconds for which DNS is asked; what is not told by then is not known.
TIMEOUT = 5.0

# The TXT records of a name, () when it has none; None when nobody could tell.
FindTexts = Callable[[str], Sequence[str] | None]


def find_texts(name: str) -> tuple[str, ...] | None:
    """The TXT records of a name, each in one piece."""
    # Only the doctor asks DNS, and the command should begin quickly.
    from dns.exception import DNSException
    from dns.resolver import NXDOMAIN, NoAnswer, resolve

    try:
        answer = resolve(name, "TXT", lifetime=TIMEOUT)
    except (NXDOMAIN, NoAnswer):
        return ()
    except DNSException:
        return None
    return tuple(b"".join(record.strings).decode(errors="replace") for record in answer)


def find_dmarc(domain: str, ask: FindTexts) -> Sequence[str] | None:
    """The TXT records that say how to treat mail of a domain: its own, else those of the domain above (RFC 7489)."""
    found = ask(f"_dmarc.{domain}")
    above = domain.partition(".")[2]
    return ask(f"_dmarc.{above}") if found == () and "." in above else found
