"""Domains: who receives a mail, as far as numbers keep it apart: the providers of most readers, and the rest."""

from collections.abc import Mapping

OTHER = "other"

# Providers by their key, with the domains that they receive for; one that ends with "." stands for every country's.
PROVIDERS: Mapping[str, tuple[str, ...]] = {
    "gmail": ("gmail.com", "googlemail.com"),
    "outlook": ("outlook.", "hotmail.", "live.", "msn.com"),
    "yahoo": ("yahoo.", "ymail.com", "rocketmail.com", "aol.com"),
    "icloud": ("icloud.com", "me.com", "mac.com"),
    "gmx": ("gmx.", "web.de"),
    "t-online": ("t-online.de",),
    "orange": ("orange.fr", "wanadoo.fr"),
    "free": ("free.fr",),
    "libero": ("libero.it", "virgilio.it"),
    "proton": ("proton.me", "protonmail.com", "pm.me"),
    "comcast": ("comcast.net",),
    "mail.ru": ("mail.ru", "bk.ru", "list.ru", "inbox.ru"),
    "yandex": ("yandex.", "ya.ru"),
    "qq": ("qq.com", "foxmail.com"),
    "netease": ("163.com", "126.com"),
}

_BY_DOMAIN = {domain: key for key, domains in PROVIDERS.items() for domain in domains}


def provider_of(address: str) -> str:
    """The key of the provider that receives mail for an address; OTHER for all that have no row of their own."""
    domain = address.rpartition("@")[2].lower()
    return _BY_DOMAIN.get(domain) or _BY_DOMAIN.get(domain.partition(".")[0] + ".", OTHER)
