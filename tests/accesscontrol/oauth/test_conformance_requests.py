"""What the RFCs say of requests, where no other test asks: the sections stand in docs/conformance.md."""

import json
import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from applications.actions import client_settings
from applications.actions.client_settings import Settings
from iam_portal.errors import Invalid
from tests.accesscontrol.oauth.asserting import TYPE, Signer, key, registered
from tests.accesscontrol.oauth.conftest import Caller, World, basic, claims_of
from tests.accesscontrol.oauth.people import BACK, FRONTEND, METER, Person, answered, arrive, opened
from tests.support.factories import SYSTEM

READER = "globex.reader"
OPAQUE = re.compile(r"[A-Za-z0-9_-]{43}")  # 256 bits


@pytest.fixture
def jane(shared: World, settings: Any) -> Person:
    settings.ROOT_URLCONF = "iam_portal.urls"
    person = arrive(shared)
    person.sign_in()
    return person


def door(jane: Person, name: str) -> str:
    return f"/iam/auth/realms/{jane.tenant.id}/protocol/openid-connect/{name}"


def test_grants_that_are_not_offered(jane: Person) -> None:
    """RFC 6749 §4.2, §4.3, RFC 9700 §2.1.2 and §2.4, RFC 7523 §2.1: no implicit, no password grant."""
    for grant in (
        "password",
        "implicit",
        "token",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "urn:ietf:params:oauth:grant-type:saml2-bearer",
        "urn:ietf:params:oauth:grant-type:device_code",
        "Client_Credentials",
        "client_credentials ",
    ):
        form = {
            "grant_type": grant,
            "username": "jane",
            "password": "x",
            "assertion": "a.b.c",
            "scope": "openid",
        }
        refused = jane.world.post(door(jane, "token"), READER, form)
        assert (refused.status_code, refused.json()["error"]) == (400, "unsupported_grant_type"), grant
    for kind in (
        "token",
        "id_token",
        "id_token token",
        "code token",
        "code id_token",
        "none",
        "CODE",
        "code code",
    ):
        answer = answered(jane.authorize(response_type=kind))
        assert answer["error"] == "unsupported_response_type", kind
        assert not {"access_token", "id_token", "code"} & set(answer)


def test_there_is_no_registration_by_the_wire(jane: Person) -> None:
    """RFC 7591 is not offered: no address, no word of it in the metadata."""
    document = jane.browser.get(f"/iam/auth/realms/{jane.tenant.id}/.well-known/openid-configuration").json()
    assert "registration_endpoint" not in document
    for path in ("clients-registrations/openid-connect", "register", "protocol/openid-connect/register"):
        reply = jane.browser.post(
            f"/iam/auth/realms/{jane.tenant.id}/{path}", "{}", content_type="application/json"
        )
        assert reply.status_code == 404


def test_what_may_be_sent_and_is_not_offered_is_no_error(jane: Person) -> None:
    """OpenID Connect Core §3.1.2.1, §15.1: these fail no request; unknown ones neither (RFC 6749 §3.1)."""
    answer = answered(
        jane.authorize(
            display="popup",
            ui_locales="fr-CA de",
            claims_locales="de",
            acr_values="urn:mace:incommon:iap:silver",
            claims=json.dumps({"id_token": {"email": {"essential": True}}}),
            audience="x",
            unheard_of="x",
        )
    )
    assert "code" in answer
    assert "email" not in opened(jane.exchange(answer["code"]).json()["id_token"])


def test_of_several_addresses_one_must_be_named(jane: Person) -> None:
    """RFC 6749 §3.1.2.3; none is taken for granted, the first one neither."""
    jane.world.set_client(METER, redirect_uris=f"{BACK} https://meter.example/other")
    page = jane.authorize(redirect_uri=None, scope=None)
    assert (page.status_code, "Location" in page) == (400, False)
    jane.world.set_client(METER, redirect_uris="")
    assert jane.authorize(redirect_uri=None, scope=None).status_code == 400


def test_the_query_of_an_address_stays_and_nothing_is_put_behind_a_hash(jane: Person) -> None:
    """RFC 6749 §3.1.2 and §4.1.2."""
    address = "https://meter.example/back?tenant=1&x=%20y"
    jane.world.set_client(METER, redirect_uris=address)
    for sent in ({}, {"scope": "openid nonsense"}):
        where = jane.authorize(redirect_uri=address, **sent)["Location"]
        assert where.startswith(f"{address}&")
        members = parse_qsl(urlsplit(where).query)
        assert len({name for name, _ in members}) == len(members)
        assert not urlsplit(where).fragment


def test_who_people_sign_in_to_has_an_address(jane: Person) -> None:
    """RFC 6749 §3.1.2.2."""
    with pytest.raises(Invalid):
        client_settings.change(
            tenant=jane.world.acme,
            client_id=FRONTEND,
            settings=Settings(redirect_uris=()),
            by=SYSTEM,
            at=jane.world.clock.at,
        )
    assert jane.authorize(READER, redirect_uri="https://x.example/").status_code == 400


def test_codes_and_tokens_cannot_be_guessed(jane: Person) -> None:
    """RFC 6749 §10.10: 256 random bits each; and a reply is for nobody's cache (§5.1)."""
    seen = set()
    for _ in range(3):
        code = jane.code()
        reply = jane.exchange(code)
        assert (reply["Cache-Control"], reply["Pragma"]) == ("no-store", "no-cache")
        refresh, jti = reply.json()["refresh_token"], reply.json()["jti"]
        assert OPAQUE.fullmatch(code) and OPAQUE.fullmatch(refresh)
        assert len(jti) >= 32 and opened(reply.json()["access_token"])["jti"] == jti
        seen |= {code, refresh, jti}
    assert len(seen) == 9


def test_a_services_token_has_no_refresh_token_and_no_id_token(jane: Person) -> None:
    """RFC 6749 §4.4.3; OpenID Connect is about people."""
    reply = jane.world.token(READER, jane.world.globex, f"aud:{METER} openid offline_access")
    assert reply.json().get("error") == "invalid_scope"
    body = jane.world.token(READER, jane.world.globex, f"aud:{METER} openid").json()
    assert not {"refresh_token", "id_token"} & set(body)
    assert body["scope"] == f"aud:{METER} openid"  # said even where it is what was asked for (§5.1)


def test_every_endpoint_of_clients_takes_posts_alone(jane: Person) -> None:
    """RFC 6749 §3.2, RFC 7009 §2.1, RFC 7662 §2.1 and §4: a token in an address would stand in logs."""
    for name in ("token", "token/introspect", "revoke"):
        for method in ("get", "head", "put", "delete", "patch"):
            reply = getattr(jane.world.browser, method)(f"{door(jane, name)}")
            assert (reply.status_code, reply["Allow"]) == (
                405,
                "POST, OPTIONS" if name == "token" else reply["Allow"],
            )
            assert "POST" in reply["Allow"]


def test_a_failed_client_is_challenged_in_the_way_it_came(jane: Person) -> None:
    """RFC 6749 §5.2: 401 with the scheme that is taken, at each endpoint that asks for a client."""
    for name, extra in (
        ("token", {"grant_type": "client_credentials"}),
        ("token/introspect", {}),
        ("revoke", {}),
    ):
        for headers, form in (
            ({"Authorization": basic(READER, "wrong")}, {}),
            ({"Authorization": basic("nobody.nothing", "wrong")}, {}),
            ({}, {"client_id": READER, "client_secret": "wrong"}),
            ({}, {"client_assertion": "a.b.c", "client_assertion_type": TYPE}),
            ({}, {}),
        ):
            refused = jane.world.browser.post(
                door(jane, name), {"token": "x", **extra, **form}, headers=headers
            )
            assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
            assert refused["WWW-Authenticate"].startswith("Basic realm=")
            assert refused["Cache-Control"] == "no-store"


def test_an_assertion_of_another_type_proves_nothing(jane: Person) -> None:
    """RFC 7523 §2.2: the one value, and client_id where it is sent names the same client."""
    registered(jane.world, key())
    signer = Signer(jane.world)
    for kind in ("", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer", TYPE.upper(), TYPE + " "):
        refused = signer.post(signer.assertion(), client_assertion_type=kind)
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client"), kind
    assert signer.post(signer.assertion(), client_id="neighbour.reader").status_code == 401
    assert signer.post(signer.assertion(), client_id=READER).status_code == 200


def test_what_was_granted_bounds_what_a_refresh_may_name(jane: Person) -> None:
    """RFC 6749 §6, RFC 8707 §2.2: never a scope or a target that the person's sign-in had not."""
    token = jane.tokens(scope="openid")["refresh_token"]
    for more, error in (
        ({"scope": "openid email"}, "invalid_scope"),
        ({"scope": f"{METER}/editor"}, "invalid_scope"),
        ({"scope": "aud:iam-portal"}, "invalid_scope"),
        ({"resource": "urn:iam:application:iam-portal"}, "invalid_target"),
        (
            {"resource": ["urn:iam:application:acme.meter", "urn:iam:application:globex.reader"]},
            "invalid_target",
        ),
    ):
        refused = jane.refresh(token, **more)
        assert (refused.status_code, refused.json()["error"]) == (400, error), more
    own = jane.refresh(token, resource=f"urn:iam:application:{METER}").json()
    assert opened(own["access_token"])["aud"] == METER


def test_a_resource_is_an_absolute_uri_without_a_fragment(jane: Person) -> None:
    """RFC 8707 §2."""
    for uri in (
        "acme.meter",
        "/meter",
        f"urn:iam:application:{METER}#x",
        "https://meter.example/",
        "urn:iam:application:",
        "#",
    ):
        refused = jane.world.token(READER, jane.world.globex, None, resource=uri)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_target"), uri
        assert answered(jane.authorize(resource=uri))["error"] == "invalid_target", uri
    claims = claims_of(
        jane.world.token(READER, jane.world.globex, None, resource=f"urn:iam:application:{METER}")
    )
    assert claims["aud"] == METER


def test_a_refused_request_leaves_no_session_and_no_cookie(jane: Person) -> None:
    for reply in (Caller().get(door(jane, "auth")), jane.world.browser.post(door(jane, "token"), {})):
        assert not reply.cookies or all(name == "csrftoken" for name in reply.cookies)
