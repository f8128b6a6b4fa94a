"""For whom a form was drawn, which its token tells also after somebody else signed in in the same browser.

The secret of a browser's form tokens is made anew at each sign-in. Its beginning is chance, its end a keyed
digest of that and of the person: nobody can make one that names another.
"""

from django.http import HttpRequest
from django.middleware.csrf import CSRF_ALLOWED_CHARS, CSRF_SECRET_LENGTH, CSRF_TOKEN_LENGTH, rotate_token
from django.utils.crypto import constant_time_compare, get_random_string, salted_hmac

from tenants.models import User

_CHANCE = 20  # characters, 119 bits …
_MARK = CSRF_SECRET_LENGTH - _CHANCE  # … and the other 71
_BASE = len(CSRF_ALLOWED_CHARS)


def begin(request: HttpRequest, *, user: User) -> None:
    """From now on this browser's forms are drawn for this person; those of before are refused."""
    rotate_token(request)
    chance = get_random_string(_CHANCE)
    request.META["CSRF_COOKIE"] = chance + _mark(chance, user)


def is_for(request: HttpRequest, *, user: User) -> bool:
    """Whether the form that was sent was drawn for this person, however long ago."""
    secret = _secret(request.POST.get("csrfmiddlewaretoken", ""))
    return constant_time_compare(secret[_CHANCE:], _mark(secret[:_CHANCE], user))


def _mark(chance: str, user: User) -> str:
    number = int.from_bytes(salted_hmac("tenants.http.drawn", f"{chance}.{user.pk}").digest())
    return "".join(CSRF_ALLOWED_CHARS[number // _BASE**place % _BASE] for place in range(_MARK))


def _secret(token: str) -> str:
    """A token is a mask and the secret, each of its characters moved on by that of the mask."""
    if len(token) != CSRF_TOKEN_LENGTH or not set(token) <= set(CSRF_ALLOWED_CHARS):
        return ""
    places = [CSRF_ALLOWED_CHARS.index(sign) for sign in token]
    masks, moved = places[:CSRF_SECRET_LENGTH], places[CSRF_SECRET_LENGTH:]
    return "".join(CSRF_ALLOWED_CHARS[place - mask] for place, mask in zip(moved, masks, strict=True))
