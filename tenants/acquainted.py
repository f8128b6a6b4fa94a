"""Who has signed in in a browser before: marks that it keeps, one for each person, that nobody else can make.

They let nobody in. A person's attempts in such a browser are counted by themselves, so that no guesser of the
same network shuts him out; and a sign-in in any other is told to him.
"""

import re
from uuid import UUID

from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _

from tenants import hashers
from tenants.models import User

MOST = 5  # people of one organization in one browser
_LENGTH = 43  # of a fresh value
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone|iPad", "iOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def counted_by(kept: str, user: User | None) -> str:
    """What attempts of this person in this browser are counted by; empty where it does not know him."""
    name, marks = _parts(kept)
    if user is None or not any(constant_time_compare(mark, _mark(name, user.id)) for mark in marks):
        return ""
    return f"browser:{hashers.digest(name)[:32]}"


def with_user(kept: str, user: User) -> str:
    """What the browser keeps from now on, the latest first."""
    name, marks = _parts(kept)
    own = _mark(name, user.id)
    return ".".join([name, own, *[mark for mark in marks if mark != own][: MOST - 1]])


def browser(user_agent: str) -> str:
    """``Firefox on Linux``, as far as the browser says so."""
    name = next((said for sign, said in _BROWSERS if f"{sign}/" in user_agent), _("A browser"))
    system = next((said for sign, said in _SYSTEMS if re.search(sign, user_agent)), "")
    return _("%(browser)s on %(system)s") % {"browser": name, "system": system} if system else name


def _parts(kept: str) -> tuple[str, list[str]]:
    """The browser's own value and its marks; a new value for what is none of ours."""
    name, *marks = kept.split(".")
    if len(name) != _LENGTH or not kept.isascii():
        return hashers.fresh(), []
    return name, marks[:MOST]


def _mark(name: str, user_id: UUID) -> str:
    return salted_hmac("iam.acquainted", f"{name}:{user_id}", algorithm="sha256").hexdigest()[:32]
