"""What a password must be: long enough for its tenant, not one that everybody uses, and not its owner's name.

Nothing is asked of which signs it is made of: that makes passwords worse (NIST SP 800-63B §3.1.1.2).
"""

import re
from collections.abc import Iterator

from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from iam_portal.errors import Invalid
from tenants.models import PASSWORD_LENGTHS, Tenant, User

_OWN = 3  # letters that a word must have to be told from chance
_ROWS = ("01234567890", "abcdefghijklmnopqrstuvwxyz", "qwertzuiop", "qwertyuiop", "asdfghjkl", "zxcvbnm")
_RUN = 4  # signs of a row, one after the other, that are told from chance
_IN_ROWS = {
    way[start : start + _RUN]
    for row in _ROWS
    for way in (row, row[::-1])
    for start in range(len(row) - _RUN + 1)
}
_ENOUGH = 8  # signs that must be left when one's own words are taken out


class WeakPassword(Invalid):
    """The password breaks rules; every broken one is listed."""

    code = "weak_password"


def least(tenant: Tenant) -> int:
    """How many characters are the fewest in this tenant."""
    return tenant.password_length or PASSWORD_LENGTHS[0]


def give(user: User, password: str) -> None:
    """Set it on the row, which the caller saves; :class:`WeakPassword` with all that is wrong with it."""
    if errors := list(_objections(user, password)):
        raise WeakPassword(_("This password cannot be used."), errors=errors)
    user.set_password(password)


def _objections(user: User, password: str) -> Iterator[dict[str, str]]:
    fewest = least(user.tenant)
    if len(password) < fewest:
        said = ngettext(
            "It needs at least %(count)d character.", "It needs at least %(count)d characters.", fewest
        )
        yield _objection("password_too_short", said % {"count": fewest})
    try:
        password_validation.validate_password(password, user)
    except ValidationError as exc:
        for error in exc.error_list:
            yield _objection(error.code or "invalid", " ".join(error.messages))
    if _is_own(user, password):
        said = _("Do not make it of your name, your e-mail address or your organization.")
        yield _objection("password_too_similar", said)
    if _is_simple(password):
        yield _objection("password_too_simple", _("It only repeats itself, or follows the keyboard."))


def _objection(code: str, detail: str) -> dict[str, str]:
    return {"pointer": "/password", "code": code, "detail": detail}


def _is_own(user: User, password: str) -> bool:
    """Whether too little is left of it without the words that anybody knows of its owner.

    The longest first: else a part of a word would leave the rest of it standing.
    """
    known = [user.username, user.email, user.display_name, user.tenant.slug, user.tenant.name]
    words = {word for text in known for word in [text.lower(), *re.split(r"[\W_]+", text.lower())]}
    left = password.lower()
    for word in sorted(words, key=len, reverse=True):
        left = left.replace(word, "") if len(word) >= _OWN else left
    return left != password.lower() and len(left) < _ENOUGH


def _is_simple(password: str) -> bool:
    """Whether it is a few signs again and again, or little more than rows of the keyboard."""
    text = password.lower()
    units = (text[:size] for size in range(1, min(_RUN, len(text) // 2) + 1))
    if any((unit * len(text))[: len(text)] == text for unit in units):
        return True
    starts = (start for start in range(len(text) - _RUN + 1) if text[start : start + _RUN] in _IN_ROWS)
    in_rows = {place for start in starts for place in range(start, start + _RUN)}
    return bool(in_rows) and len(text) - len(in_rows) < _RUN
