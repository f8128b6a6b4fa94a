"""Tokens judged here, by the published keys: no question for each, and no unplanned end is seen.

A token lives for 300 seconds at most. Roles stand in it only where ``openid`` was asked for.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from iam_django.callers import Caller, tenant_of
from iam_django.portal import Portal, PortalAway

ALGORITHMS = ("ES256", "RS256")
TYPE = "at+jwt"  # RFC 9068 §4: an ID token, or one of another kind, opens nothing
KEPT_SECONDS = 300.0
AGAIN_SECONDS = 10.0  # between two looks for an unknown key: made-up ids must not cost a request each
CLOCKS_DIFFER = 5  # seconds, for ``nbf`` only


@dataclass(slots=True)
class LocalCheck:
    """``look`` answers for one token. One set of keys signs for every tenant."""

    portal: Portal
    clock: Callable[[], float] = time.time
    _keys: KeySet | None = None
    _known: frozenset[str] = frozenset()
    _looked_at: float = field(default=float("-inf"))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def look(self, token: str) -> Caller | None:
        """Whose it is; None where it opens nothing. :class:`PortalAway` while there are no keys at all."""
        tenant_id = tenant_of(token, self.portal.base)
        if not tenant_id:
            return None
        try:
            read = jwt.decode(token, lambda jws: self._key(jws, tenant_id), algorithms=list(ALGORITHMS))
        except (JoseError, ValueError, TypeError, KeyError):
            return None
        if read.header.get("typ") != TYPE or not self._is_for_us(read.claims, tenant_id):
            return None
        return Caller.of(read.claims)

    def _is_for_us(self, claims: Mapping[str, Any], tenant_id: str) -> bool:
        now, audience = self.clock(), claims.get("aud")
        named = audience if isinstance(audience, list) else [audience]
        numbers = [claims.get(name) for name in ("exp", "nbf")]
        if any(type(number) is not int for number in numbers):
            return False
        if "cnf" in claims:  # bound to what nobody here compares: it may be stolen
            return False
        lives = claims["nbf"] - CLOCKS_DIFFER <= now < claims["exp"]
        return lives and self.portal.client_id in named and claims.get("tid") == tenant_id

    def _key(self, jws: Any, tenant_id: str) -> Any:
        """By ``kid`` alone: a key that a token brings along counts for nothing."""
        kid = jws.headers().get("kid")
        if not isinstance(kid, str):
            raise ValueError
        with self._lock:
            age = self.clock() - self._looked_at
            if age >= KEPT_SECONDS or (kid not in self._known and age >= AGAIN_SECONDS):
                self._fetch(tenant_id)
            if self._keys is None or kid not in self._known:
                raise ValueError
            return self._keys.get_by_kid(kid)

    def _fetch(self, tenant_id: str) -> None:
        """The set as it is now. Where the portal is away, the former one is good for as long as a key is."""
        path = f"/iam/auth/realms/{tenant_id}/protocol/openid-connect/certs"
        try:
            answer = self.portal.public(path)
            if answer.status == 404:  # a tenant that there is not: it keeps nobody else from being known
                self._rest()
                return
            if answer.status != 200:
                raise PortalAway(str(answer.status))
            keys = KeySet.import_key_set(answer.body)
        except PortalAway:
            if self._keys is None:
                raise
            self._rest()
            return
        self._keys, self._looked_at = keys, self.clock()
        self._known = frozenset(str(key.kid) for key in keys.keys)

    def _rest(self) -> None:
        """Where there are keys already, ask again in some seconds only."""
        if self._keys is not None:
            self._looked_at = self.clock() - KEPT_SECONDS + AGAIN_SECONDS
