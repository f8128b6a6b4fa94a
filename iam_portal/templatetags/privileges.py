"""The five privileges as people read them; machines and boxes to tick keep the English word."""

from collections.abc import Iterable, Mapping

from django.utils.functional import Promise
from django.utils.translation import pgettext_lazy

WORDS: Mapping[str, str | Promise] = {
    "read": pgettext_lazy("privilege", "read"),
    "add": pgettext_lazy("privilege", "add"),
    "modify": pgettext_lazy("privilege", "modify"),
    "delete": pgettext_lazy("privilege", "delete"),
    "execute": pgettext_lazy("privilege", "execute"),
}


def word(privilege: str) -> str:
    """One of them; an unknown one as it is."""
    return str(WORDS.get(privilege, privilege))


def joined(privileges: Iterable[str]) -> str:
    """``read, modify``."""
    return ", ".join(map(word, privileges))
