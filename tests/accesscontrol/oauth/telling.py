"""An application that is told about people: the doors of its stream, and what it makes of a token."""

import json
from dataclasses import dataclass, field
from typing import Any

from joserfc import jwt
from joserfc.jwk import KeySet

from applications import events
from applications.models import Webhook
from iam_portal.walls import tenant_scope
from tenants.models import Tenant
from tests.accesscontrol.oauth.conftest import World, basic

ROOT = "/iam/access-management/v1/application/tenants"
ROLE = "urn:iam:application-role:{tenant}:acme.meter:{key}"


@dataclass
class Receiver:
    """Acme's meter, which serves Globex, at the doors of its stream."""

    world: World
    tenant: Tenant
    caller: str = "acme.meter"
    stream: dict[str, Any] = field(default_factory=dict)

    def ask(self, method: str, door: str, body: Any = None, *, query: str = "") -> Any:
        headers = {"Authorization": basic(self.caller, self.world.secrets[self.caller])}
        path = f"{ROOT}/{self.tenant.id}/signals/{door}{query}"
        data = b"" if body is None else json.dumps(body).encode()
        return self.world.browser.generic(method, path, data, "application/json", headers=headers)

    def create(self, **body: Any) -> Any:
        answer = self.ask("POST", "stream", body)
        if answer.status_code == 201:
            self.stream = answer.json()
        return answer

    @property
    def id(self) -> str:
        return str(self.stream["stream_id"])

    def poll(self, **body: Any) -> dict[str, Any]:
        """Claims by ``jti``, verified by the published keys; the raw answer is checked for its form."""
        events.sequence()
        answer = self.ask("POST", "poll", body)
        assert answer.status_code == 200, answer.content
        return {jti: self.claims(token) for jti, token in answer.json()["sets"].items()}

    def claims(self, token: str) -> dict[str, Any]:
        found = self.world.browser.get(
            "/.well-known/ssf-configuration/iam/auth/realms/" + str(self.tenant.id)
        )
        published = self.world.browser.get(found.json()["jwks_uri"].removeprefix("http://testserver")).json()
        read = jwt.decode(token, KeySet.import_key_set(published), algorithms=["ES256"])
        assert read.header["typ"] == "secevent+jwt"
        assert read.claims["iss"] == found.json()["issuer"]
        assert read.claims["aud"] == self.caller
        assert not {"exp", "sub", "nbf"} & set(read.claims)
        return dict(read.claims)

    def told(self, **body: Any) -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
        """Kind, subject and body of each, all acknowledged."""
        found = self.poll(**body)
        self.poll(ack=list(found), maxEvents=0)
        return [
            (uri, each["sub_id"], said) for each in found.values() for uri, said in each["events"].items()
        ]


def kinds_of(told: list[Any]) -> list[str]:
    return [uri.rpartition("/")[2] for uri, _, _ in told]


def later(meter: Receiver) -> Any:
    return meter.world.clock.forward(seconds=1)


def roles(meter: Receiver, *keys: str) -> dict[str, Any]:
    return {"roles": [ROLE.format(tenant=meter.tenant.id, key=key) for key in keys]}


def row_of(meter: Receiver) -> Webhook:
    with tenant_scope(meter.tenant.id):
        return Webhook.objects.get(id=meter.id)
