"""Every kind of token at every door, at home and at other tenants: each opens what it is for, and no more."""

from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from joserfc.jwk import ECKey

from accesscontrol.actions import keys
from accesscontrol.oauth import tokens
from accesscontrol.portal_roles import ROLE_KEYS
from applications.models.applications import PORTAL_ID
from tests.accesscontrol.oauth.asserting import key, signed
from tests.accesscontrol.oauth.conftest import World, basic, claims_of
from tests.accesscontrol.oauth.opening import READER, give_portal, of_every_kind, opened_by
from tests.accesscontrol.oauth.people import (
    METER,
    Person,
    answered,
    arrive,
    opened,
)

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
    claims, base = opened(jane.tokens()["id_token"]), "http://testserver/iam/auth/realms"
    for tenant in (world.acme, world.neighbour):
        forged = tokens.sign(
            {**claims, "iss": f"http://testserver/iam/auth/realms/{tenant.id}"},
            at=world.clock.at,
            type=tokens.ID,
        )
        path = f"/iam/auth/realms/{world.globex.id}/protocol/openid-connect/logout"
        page = jane.browser.get(f"{path}?{urlencode({'id_token_hint': forged})}")
        assert "Sign out?" in page.content.decode()
        stranger = {**claims, "iss": f"{base}/{tenant.id}", "sub": str(uuid4())}
        expected = tokens.sign(stranger, at=world.clock.at, type=tokens.ID)
        assert "code" in answered(jane.authorize(prompt="none", id_token_hint=expected))
