"""A client with a key of its own: what it sends in the header DPoP (RFC 9449), right or wrong."""

import base64
import hashlib
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from joserfc import jws
from joserfc.jwk import ECKey
from joserfc.util import json_b64encode

from tests.accesscontrol.oauth.conftest import World, basic
from tests.accesscontrol.oauth.people import METER

READER = "globex.reader"


@dataclass
class Holder:
    """Who holds the key."""

    world: World
    key: Any = field(default_factory=lambda: ECKey.generate_key("P-256"))

    @property
    def thumbprint(self) -> str:
        made: str = self.key.thumbprint()
        return made

    def door(self, name: str = "token") -> str:
        return f"/iam/auth/realms/{self.world.globex.id}/protocol/openid-connect/{name}"

    def proof(self, path: str = "", method: str = "POST", token: str = "", **changed: Any) -> str:
        """A proof for this request; what is ``None`` is left out, ``header`` adds to that of the JWT."""
        header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": self.key.as_dict(private=False)}
        header |= changed.pop("header", {})
        claims = {
            "jti": uuid4().hex,
            "htm": method,
            "htu": f"http://testserver{path or self.door()}",
            "iat": int(self.world.clock.at.timestamp()),
            **({"ath": digest(token)} if token else {}),
            **changed,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        header = {name: value for name, value in header.items() if value is not None}
        return signed(header, claims, self.key)

    def ask(self, form: dict[str, Any], proof: str | None, caller: str = READER) -> Any:
        """The token endpoint, with this proof; a public client says its name only."""
        headers = {"DPoP": proof} if proof is not None else {}
        if caller.endswith("-frontend"):
            form = {"client_id": caller, **form}
        else:
            headers["Authorization"] = basic(caller, self.world.secrets[caller])
        return self.world.browser.post(self.door(), form, headers=headers)

    def token(self, proof: str | None = None, scope: str = f"aud:{METER}", caller: str = READER) -> Any:
        """Client credentials, with a fresh proof where none is given."""
        form = {"grant_type": "client_credentials", "scope": scope}
        return self.ask(form, self.proof() if proof is None else proof, caller)

    def shows(self, token: str, path: str, method: str = "GET", **changed: Any) -> dict[str, str]:
        """The headers at a resource."""
        proof = self.proof(path, method, **{"token": token, **changed})
        return {"Authorization": f"DPoP {token}", "DPoP": proof}


def digest(token: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()


def signed(header: dict[str, Any], claims: dict[str, Any], key: Any) -> str:
    """By the key itself, whatever the header says: no library refuses what a test has to send."""
    signing = b".".join((json_b64encode(header), json_b64encode(claims)))
    algorithm = jws.JWSRegistry.algorithms["ES256"]
    signature = base64.urlsafe_b64encode(algorithm.sign(signing, key)).rstrip(b"=")
    return (signing + b"." + signature).decode()
