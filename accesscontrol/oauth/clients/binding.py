"""What a token is bound to (``cnf``, RFC 7800), at the doors that take it: a certificate, a key, or both."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.http import HttpRequest

from accesscontrol.oauth.clients import certificates, possession

KNOWN = frozenset({"x5t#S256", "jkt"})


def fits(claims: Mapping[str, Any], request: HttpRequest, *, token: str, at: datetime) -> bool:
    """Whether whoever shows this token has what it is bound to. What we do not know fits nobody."""
    confirmation = claims.get("cnf", {})
    if not isinstance(confirmation, dict) or not KNOWN.issuperset(confirmation):
        return False
    if "cnf" in claims and not confirmation:
        return False
    bound = certificates.fits(confirmation, request)
    return bound and possession.fits(confirmation, request, token=token, at=at)
