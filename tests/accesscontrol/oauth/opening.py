"""Credentials of every kind, and which doors of a tenant each opens."""

from typing import Any
from urllib.parse import urlencode

from accesscontrol.actions import assignments
from accesscontrol.actions.assignments import Wanted
from applications.models import Application
from applications.models.applications import PORTAL_ID
from tenants.http import cookie_name
from tenants.models import Tenant
from tests.accesscontrol.oauth.people import BACK, METER, Person
from tests.support.factories import SYSTEM

READER = "globex.reader"
REST = "/iam/application-management/v1/tenants/{}/applications"
INACTIVE = b'{"active": false}'


def give_portal(tenant: Tenant, role: str, **principal: Any) -> None:
    wanted = Wanted(role=role, application_id=PORTAL_ID, **principal)
    assignments.assign(tenant=tenant, wanted=wanted, by=SYSTEM, at=_at(tenant))


def _at(tenant: Tenant) -> Any:
    return max(tenant.created_at, Application.objects.get(id=PORTAL_ID).during.lower)


def of_every_kind(jane: Person) -> dict[str, str]:
    world, reply = jane.world, jane.tokens()
    return {
        "user": reply["access_token"],
        "service": world.token(READER, world.globex, f"aud:{METER} openid").json()["access_token"],
        "portal": world.token(READER, world.globex, f"aud:{PORTAL_ID}").json()["access_token"],
        "id": reply["id_token"],
        "refresh": reply["refresh_token"],
        "code": jane.code(),
        "session": jane.browser.cookies[cookie_name(jane.tenant.id)].value,
        "secret": world.secrets[METER],
    }


def opened_by(jane: Person, value: str, tenant: Tenant) -> set[str]:
    """The doors of a tenant that take the value."""
    world, found = jane.world, set()
    bearer = {"Authorization": f"Bearer {value}"}
    realm = f"/iam/auth/realms/{tenant.id}/protocol/openid-connect"
    answer = world.introspect(METER, tenant, value)
    assert answer.status_code == 200
    if answer.content != INACTIVE:
        found.add("introspection")
    for reply in (
        world.browser.get(f"{realm}/userinfo", headers=bearer),
        world.browser.post(f"{realm}/userinfo", {"access_token": value}),
    ):
        assert reply.status_code in (200, 401)
        found |= {"userinfo"} if reply.status_code == 200 else set()
    reply = world.browser.get(REST.format(tenant.id), headers=bearer)
    assert reply.status_code in (200, 401, 404), reply.content
    found |= {"rest"} if reply.status_code == 200 else set()
    if tenant == jane.tenant:
        reply = world.browser.get("/iam/application-management/v1/application/tenants", headers=bearer)
        found |= {"own"} if reply.status_code == 200 else set()
    if jane.ask(METER, {"grant_type": "refresh_token", "refresh_token": value}, tenant).status_code == 200:
        found.add("refresh")
    form = {
        "grant_type": "authorization_code",
        "code": value,
        "redirect_uri": BACK,
        "code_verifier": "v" * 43,
    }
    if jane.ask(METER, form, tenant).status_code == 200:
        found.add("code")
    # As a hint, it would spare whoever shows it the question whether to sign out.
    hinted = urlencode({"id_token_hint": value, "client_id": READER})
    if world.browser.get(f"{realm}/logout?{hinted}").status_code == 400:
        found.add("hint")
    return found
