"""What was typed into a form that could not be taken yet: kept for an hour, for its own person and address.

Whose session ran out meanwhile, or who has to prove again who he is, gets the form back as he filled it;
never is the act repeated for him. ::

    response = to_the_proof()                                  # the form was sent and is not taken
    put(response, request, token=keep(request, user=user, at=at))
    …
    fields = kept(request, token_of(request), user=user, at=at)  # he is back at the same address, once

The fields lie sealed on the server; the browser has a value that finds them, for this path only. Whoever
signs in there as somebody else gets nothing. Files and passwords are never kept.
"""

import json
import re
from datetime import datetime, timedelta

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.utils.encoding import escape_uri_path

from iam_portal.sealing import InvalidToken, seal, unseal
from tenants import hashers
from tenants.models import KeptInput, User

COOKIE = "iam_kept_input"
LIFETIME = timedelta(hours=1)
LONGEST = 262_144  # characters; what is longer is not kept
AT_ONCE = 5  # of one person
# Besides what proves who somebody is, the form's own token, and what was shown as lost at an earlier moment.
_NEVER = re.compile(
    r"\A(pem|anchor|current)\Z|pass(word|code|phrase)|repeated|secret|otp|totp|recovery|(\A|_)(code|pin|token|impact)\Z|csrf",
    re.I,
)


def keep(request: HttpRequest, *, user: User, at: datetime) -> str:
    """Keep what this request sent, in the scope of the user's tenant. The value that finds it, or nothing.

    Of one person only the latest few are kept, so that nobody fills the table.
    """
    names = (name for name in request.POST if not _NEVER.search(name))
    fields = {name: found for name in names if not _secret(found := request.POST.getlist(name))}
    text = json.dumps([request.get_full_path(), fields])
    if not fields or len(text) > LONGEST:
        return ""
    mine = KeptInput.objects.filter(tenant_id=user.tenant_id, user=user)
    newest = mine.filter(expires_at__gt=at).order_by("-expires_at", "-pk").values("pk")[: AT_ONCE - 1]
    mine.exclude(pk__in=list(newest.values_list("pk", flat=True))).delete()
    token = hashers.fresh()
    KeptInput.objects.create(
        tenant_id=user.tenant_id,
        user=user,
        digest=hashers.digest(token),
        sealed=seal(text),
        expires_at=at + LIFETIME,
    )
    return token


def _secret(values: list[str]) -> bool:
    """Whether one may hold a private key, which somebody took for a public one."""
    return any("-----BEGIN" in value or '"kty"' in value for value in values)


def kept(request: HttpRequest, token: str, *, user: User, at: datetime) -> QueryDict | None:
    """The fields, once; None for another person, another address, too late, or what nobody kept."""
    rows = KeptInput.objects.filter(
        tenant_id=user.tenant_id, user=user, digest=hashers.digest(token), expires_at__gt=at
    )
    row = rows.select_for_update().first() if token else None
    if row is None:
        return None
    try:
        address, fields = json.loads(unseal(row.sealed))
    except InvalidToken:  # its key has left the ring
        return None
    if address != request.get_full_path():
        return None
    row.delete()
    found = QueryDict(mutable=True)
    for name, values in fields.items():
        found.setlist(name, values)
    return found


def put(response: HttpResponse, request: HttpRequest, *, token: str) -> None:
    """Give the browser the value, for this path and no other."""
    if token:
        response.set_cookie(
            COOKIE,
            token,
            max_age=int(LIFETIME.total_seconds()),
            path=escape_uri_path(request.path),
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )


def token_of(request: HttpRequest) -> str:
    """The value that this browser has for this path, or an empty string."""
    return request.COOKIES.get(COOKIE, "")[:200]


def drop(response: HttpResponseBase, request: HttpRequest) -> None:
    """It was used, or is of no use."""
    response.delete_cookie(COOKIE, path=escape_uri_path(request.path), samesite="Lax")
