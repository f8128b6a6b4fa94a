"""Jane of Globex signs in to Acme's meter, which Globex has by provision: a browser, and both clients."""

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.db.models import QuerySet
from django.http import HttpResponse

from accesscontrol.actions import assignments
from accesscontrol.actions.assignments import Wanted
from accesscontrol.models import Authorization
from applications.actions import clients
from iam_portal.walls import tenant_scope
from tenants.http import cookie_name
from tenants.models import Tenant, User
from tests.accesscontrol.oauth.conftest import Caller, World
from tests.support.factories import SYSTEM, make_user, sign_in

METER, FRONTEND = "acme.meter", "acme.meter-frontend"
BACK, BACK_PUBLIC = "https://meter.example/back", "https://meter.example/app"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


@dataclass
class Person:
    """Somebody with a browser."""

    world: World
    user: User
    browser: Caller = field(default_factory=Caller)

    @property
    def tenant(self) -> Tenant:
        return self.user.tenant

    def sign_in(self) -> None:
        """As by the sign-in page; the browser keeps the cookie."""
        value = sign_in(self.user, at=self.world.clock.at)
        self.browser.cookies[cookie_name(self.tenant.id)] = value

    def authorize(self, client_id: str = METER, *, path: str = "", **sent: Any) -> HttpResponse:
        """What the authorization endpoint answers; an argument of None leaves the parameter out."""
        query = {
            "client_id": client_id,
            "response_type": "code",
            "redirect_uri": BACK if client_id == METER else BACK_PUBLIC,
            "scope": "openid",
            "state": "s t&a=te",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **sent,
        }
        query = {name: value for name, value in query.items() if value is not None}
        where = path or f"/iam/auth/realms/{self.tenant.id}/protocol/openid-connect/auth"
        return self.browser.get(f"{where}?{urlencode(query, doseq=True)}")

    def code(self, client_id: str = METER, **sent: Any) -> str:
        """A code that was sent to the client."""
        answer = answered(self.authorize(client_id, **sent))
        assert "code" in answer, answer
        return answer["code"]

    def exchange(self, code: str, client_id: str = METER, **form: Any) -> HttpResponse:
        """The client's token request for a code."""
        body = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": BACK if client_id == METER else BACK_PUBLIC,
            "code_verifier": VERIFIER,
            **form,
        }
        return self.ask(client_id, body)

    def refresh(self, token: str, client_id: str = METER, **form: Any) -> HttpResponse:
        return self.ask(client_id, {"grant_type": "refresh_token", "refresh_token": token, **form})

    def ask(self, client_id: str, form: dict[str, Any], tenant: Tenant | None = None) -> HttpResponse:
        """The token endpoint of the person's tenant; a public client says its name only."""
        form = {name: value for name, value in form.items() if value is not None}
        path = f"/iam/auth/realms/{(tenant or self.tenant).id}/protocol/openid-connect/token"
        if client_id.endswith("-frontend"):
            return self.world.browser.post(path, {"client_id": client_id, **form})
        return self.world.post(path, client_id, form)

    def rows(self, rows: QuerySet[Any]) -> list[Any]:
        """Rows of the person's tenant."""
        with tenant_scope(self.tenant.id):
            return list(rows.all())

    def family(self) -> Authorization:
        """The one sign-in to an application that there is."""
        (found,) = self.rows(Authorization.objects.select_related("session"))
        return found

    def tokens(self, client_id: str = METER, **sent: Any) -> dict[str, Any]:
        """The reply to a whole sign-in."""
        response = self.exchange(self.code(client_id, **sent), client_id)
        assert response.status_code == 200, response.content
        reply: dict[str, Any] = response.json()
        return reply


def answered(response: HttpResponse) -> dict[str, str]:
    """The members of an answer at the client's address."""
    assert response.status_code == 302, response.content
    parts = urlsplit(response["Location"])
    assert response["Location"].startswith(("https://meter.example/", "com.example.app:")), response[
        "Location"
    ]
    return dict(parse_qsl(parts.query, strict_parsing=True))


def opened(token: str) -> dict[str, Any]:
    """The claims of a JWT, unverified."""
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    return claims


def header(token: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(token.split(".", maxsplit=1)[0] + "=="))
    return found


def arrive(world: World) -> Person:
    """Jane, who may view; the confidential client with an address, and the public one."""
    world.set_client(METER, redirect_uris=BACK)
    clients.add_public(
        tenant=world.acme,
        application_id=METER,
        redirect_uris=[BACK_PUBLIC],
        web_origins=["https://meter.example"],
        by=SYSTEM,
        at=world.clock.start,
    )
    jane = make_user(world.globex, "jane", at=world.clock.start)
    give(world, jane, "viewer")
    return Person(world, jane)


def give(world: World, user: User, role: str, application_id: str = METER, **more: Any) -> Any:
    wanted = Wanted(role=role, application_id=application_id, user_id=user.pk, **more)
    return assignments.assign(tenant=user.tenant, wanted=wanted, by=SYSTEM, at=world.clock.at)
