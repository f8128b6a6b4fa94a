"""Every kind of token at every door, at home and at other tenants: each opens what it is for, and no more."""

from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from joserfc.jwk import ECKey

from accesscontrol.actions import assignments, keys
from accesscontrol.actions.assignments import Wanted
from accesscontrol.authentication import cookie_name
from accesscontrol.oauth import tokens
from accesscontrol.portal_roles import ROLE_KEYS
from applications.actions import clients
from applications.models import Application, Client
from applications.models.applications import PORTAL_ID
from applications.policies import IsPortal
from iam_portal.launchers import doors
from tenants.models import Tenant
from tests.accesscontrol.oauth.asserting import key, signed
from tests.accesscontrol.oauth.conftest import Caller, World, basic, claims_of
from tests.accesscontrol.oauth.people import (
    BACK,
    BACK_PUBLIC,
    FRONTEND,
    METER,
    Person,
    answered,
    arrive,
    opened,
)
from tests.support.factories import SYSTEM
from tests.support.knocking import Knocker, address_of

READER = "globex.reader"
REST = "/iam/application-management/v1/tenants/{}/applications"
INACTIVE = b'{"active": false}'
# What a kind of credential opens at its own tenant; everything else stays shut, and all of it elsewhere.
OPENS: dict[str, set[str]] = {
    "user": {"introspection", "userinfo"},
    "service": {"introspection"},
    "portal": {"rest", "own"},
    "id": {"hint"},
    "refresh": {"introspection", "refresh"},
    "code": {"code"},
    "session": set(),
    "secret": set(),
}


@pytest.fixture
def jane(shared: World, settings: Any) -> Person:
    settings.ROOT_URLCONF = "iam_portal.urls"
    person = arrive(shared)
    person.sign_in()
    for role in ROLE_KEYS:
        give_portal(shared.globex, role, principal_application_id=READER)
    return person


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
    if Caller().get(f"{realm}/logout?{hinted}").status_code == 400:
        found.add("hint")
    return found


def test_each_kind_opens_its_own_doors_at_its_own_tenant(jane: Person) -> None:
    world = jane.world
    for kind, value in of_every_kind(jane).items():
        for tenant in (world.acme, world.neighbour):
            assert opened_by(jane, value, tenant) == set(), (kind, tenant.slug)
        assert opened_by(jane, value, world.globex) == OPENS[kind], kind


def test_no_kind_proves_a_client(jane: Person) -> None:
    path = f"/iam/auth/realms/{jane.tenant.id}/protocol/openid-connect/token"
    form = {"grant_type": "client_credentials", "scope": f"aud:{METER}"}
    found = of_every_kind(jane)
    for value in (
        found["user"],
        found["service"],
        found["portal"],
        found["id"],
        found["refresh"],
        found["session"],
    ):
        for sent, headers in (
            (form, {"Authorization": f"Bearer {value}"}),
            (form, {"Authorization": basic(READER, value)}),
            ({**form, "client_id": READER, "client_secret": value}, {}),
            (
                {
                    **form,
                    "client_assertion": value,
                    "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                },
                {},
            ),
        ):
            reply = jane.world.browser.post(path, sent, headers=headers)
            assert (reply.status_code, reply.json()["error"]) == (401, "invalid_client")


def test_claims_that_name_another_tenant_or_another_audience(jane: Person) -> None:
    """Signed by our own key: as if another tenant's token were dressed up, one claim at a time."""
    world, at = jane.world, jane.world.clock.at
    honest = opened(jane.tokens()["access_token"])
    service = claims_of(world.token(READER, world.globex, f"aud:{PORTAL_ID}"))
    others = [str(world.acme.id), str(world.neighbour.id), str(uuid4()), "", "nobody"]
    base = "http://testserver/iam/auth/realms"
    lies: list[dict[str, Any]] = [
        *({"iss": f"{base}/{one}"} for one in others),
        *({"tid": one} for one in others),
        *({"iss": f"{base}/{one}", "tid": one} for one in others),
        {"iss": f"https://evil.example/iam/auth/realms/{world.globex.id}"},
        {"iss": f"{base}/{world.globex.id}/"},
        {"iss": f"{base}/{str(world.globex.id).upper()}"},
        {"iss": f"{base}/{world.globex.slug}"},
        *(
            {"aud": one}
            for one in (READER, "neighbour.meter", [METER, READER], [], "", None, {"a": METER}, "ACME.METER")
        ),
        *({"sub": one} for one in (str(uuid4()), READER, "", None)),
        {"client_id": READER, "azp": READER},
        {"client_id": "neighbour.meter"},
    ]
    for place, lie in enumerate(lies):
        forged = tokens.sign({**honest, **lie}, at=at)
        tenant = (world.globex, world.globex, world.acme)[place % 3]
        assert opened_by(jane, forged, tenant) == set(), lie
    for lie in lies:
        if lie.get("client_id") != READER:  # whose it is
            forged = tokens.sign({**service, **lie}, at=at)
            assert not opened_by(jane, forged, world.globex) & {"rest", "own", "userinfo"}, lie


def test_a_token_that_is_for_the_portal_among_others_opens_nothing_of_it(jane: Person) -> None:
    """Whoever else it is for could use it here."""
    claims = claims_of(jane.world.token(READER, jane.world.globex, f"aud:{PORTAL_ID}"))
    for audience in ([PORTAL_ID, METER], [METER, PORTAL_ID], [PORTAL_ID], [PORTAL_ID, PORTAL_ID]):
        forged = tokens.sign({**claims, "aud": audience}, at=jane.world.clock.at)
        assert not opened_by(jane, forged, jane.world.globex) & {"rest", "own"}


def test_hints_by_strange_keys_and_algorithms(jane: Person) -> None:
    """RFC 8725 §2.1, §3.1: ``none``, a public key as a secret, a key that the token brings along."""
    world = jane.world
    claims = opened(jane.tokens()["id_token"])
    ours = keys.signing_key(algorithm="ES256", at=world.clock.at)
    pem = bytes(ours.public.as_pem(private=False))
    own = ECKey.generate_key("P-256", auto_kid=True)
    head = {"typ": "JWT", "kid": ours.kid}
    for forged in (
        signed({**head, "alg": "none"}, claims, None),
        signed({**head, "alg": "HS256"}, claims, pem),
        signed({**head, "alg": "ES256"}, claims, own),
        signed({**head, "alg": "ES256", "jwk": own.as_dict(private=False)}, claims, own),
        signed(
            {"typ": "JWT", "alg": "ES256", "kid": own.kid, "jku": "https://evil.example/jwks"}, claims, own
        ),
        signed({**head, "alg": "ES256", "x5u": "https://evil.example/cert"}, claims, own),
        signed({**head, "alg": "ES256", "crit": ["exp"]}, claims, ours.private),
        signed({**head, "alg": "RS256"}, claims, key("RSA")),
        signed({**head, "typ": "at+jwt", "alg": "ES256"}, claims, ours.private),
        signed({**head, "alg": "ES256"}, {**claims, "iss": "https://evil.example"}, ours.private),
    ):
        # Not believed: she goes on as who she is, and is asked before she is signed out.
        assert "code" in answered(jane.authorize(prompt="none", id_token_hint=forged))
        assert opened_by(jane, forged, world.globex) == set()
        path = f"/iam/auth/realms/{world.globex.id}/protocol/openid-connect"
        page = jane.browser.get(f"{path}/logout?{urlencode({'id_token_hint': forged})}")
        assert "Sign out?" in page.content.decode()


def test_a_hint_of_another_tenant_is_not_believed(jane: Person) -> None:
    """The neighbour may have given it out about anybody: also about an id of ours."""
    world = jane.world
    claims = opened(jane.tokens()["id_token"])
    for tenant in (world.acme, world.neighbour):
        forged = tokens.sign(
            {**claims, "iss": f"http://testserver/iam/auth/realms/{tenant.id}"},
            at=world.clock.at,
            type=tokens.ID,
        )
        path = f"/iam/auth/realms/{world.globex.id}/protocol/openid-connect/logout"
        page = jane.browser.get(f"{path}?{urlencode({'id_token_hint': forged})}")
        assert "Sign out?" in page.content.decode()
    assert "code" in answered(jane.authorize(prompt="none"))


def portal_client(world: World) -> str:
    """As if the installation's own application let people sign in. The actions refuse that: rows alone."""
    portal = Application.objects.get(id=PORTAL_ID)
    with pytest.raises(IsPortal):
        clients.add_public(
            tenant=portal.owner,
            application_id=PORTAL_ID,
            redirect_uris=[BACK_PUBLIC],
            web_origins=[],
            by=SYSTEM,
            at=world.clock.start,
        )
    made = Client.objects.get(client_id=FRONTEND)
    made.pk, made.application, made.client_id = None, portal, f"{PORTAL_ID}-frontend"
    made.save(force_insert=True)
    return str(made.client_id)


def test_no_right_of_the_portal_through_a_users_token(jane: Person) -> None:
    """Whatever Jane may do in the console, no application that she signs in to may do it: not even ours.

    Every REST door there is, with her token of Acme's meter and with one of the portal's own client.
    """
    world = jane.world
    for role in ROLE_KEYS:
        give_portal(world.globex, role, user_id=jane.user.pk)
    client_id = portal_client(world)
    reply = jane.exchange(jane.code(client_id, scope="openid profile email offline_access"), client_id).json()
    claims = opened(reply["access_token"])
    assert (claims["aud"], claims["sub"]) == (PORTAL_ID, str(jane.user.pk))
    assert claims["roles"]  # she holds them, and the token says so
    presented = [reply["access_token"], reply["id_token"], jane.tokens()["access_token"]]
    # And as a service token it would be nobody's: no account has her id.
    without = {name: value for name, value in claims.items() if name != "sid"}
    presented.append(tokens.sign(without, at=world.clock.at))
    rest = [door for door in doors.doors() if door.kind == "rest"]
    assert len(rest) > 50
    wrong = {}
    for place, door in enumerate(rest):
        bearer = presented[place % len(presented)]
        knocker = Knocker(headers={"Authorization": f"Bearer {bearer}"})
        status = knocker.knock(door.method, address_of(door, world.globex)).status_code
        if status != 401:
            wrong[f"{door.method} {door.address}"] = status
    assert wrong == {}
    for value in presented:
        headers = {"Authorization": f"Bearer {value}"}
        assert world.browser.get(REST.format(world.globex.id), headers=headers).status_code == 401
