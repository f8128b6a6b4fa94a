"""What the RFCs say of answers, where no other test asks: the sections stand in docs/conformance.md."""

import base64
import hashlib
from typing import Any
from urllib.parse import urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from applications.models import ServiceAccount
from tests.accesscontrol.oauth.conftest import World, claims_of
from tests.accesscontrol.oauth.people import FRONTEND, METER, Person, arrive, header, opened

READER = "globex.reader"
DOCUMENTS = (
    "/iam/auth/realms/{}/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server/iam/auth/realms/{}",
)


@pytest.fixture
def jane(shared: World, settings: Any) -> Person:
    settings.ROOT_URLCONF = "iam_portal.urls"
    person = arrive(shared)
    person.sign_in()
    return person


def published(jane: Person) -> KeySet:
    certs = jane.world.browser.get(f"/iam/auth/realms/{jane.tenant.id}/protocol/openid-connect/certs")
    return KeySet.import_key_set(certs.json())


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_both_algorithms_that_must_be(jane: Person, algorithm: str) -> None:
    """OpenID Connect Core §15.1 and RFC 9068 §2.1: RS256 is offered, ``none`` never; by published keys."""
    jane.world.set_client(METER, algorithm=algorithm)
    reply = jane.tokens(scope="openid profile", nonce="n")
    for kind, typ in (("access_token", "at+jwt"), ("id_token", "JWT")):
        head = header(reply[kind])
        assert (head["typ"], head["alg"]) == (typ, algorithm)
        assert set(head) == {"typ", "alg", "kid"}  # no key, no address of one
        token = jwt.decode(reply[kind], published(jane), algorithms=[algorithm])
        assert token.claims["iss"] == f"http://testserver/iam/auth/realms/{jane.tenant.id}"


def test_an_id_token_is_of_its_access_token(jane: Person) -> None:
    """OpenID Connect Core §2, §3.1.3.6, §3.1.3.7: what a client has to find in it."""
    for client_id in (METER, FRONTEND):
        reply = jane.tokens(client_id, nonce="n-0S6_WzA2Mj")
        about, claims = opened(reply["id_token"]), opened(reply["access_token"])
        half = hashlib.sha256(reply["access_token"].encode()).digest()[:16]
        assert about["at_hash"] == base64.urlsafe_b64encode(half).rstrip(b"=").decode()
        assert about["aud"] == about["azp"] == client_id
        assert about["nonce"] == "n-0S6_WzA2Mj"
        assert about["sub"] == claims["sub"] and len(about["sub"]) <= 255
        assert about["iat"] <= int(jane.world.clock.at.timestamp()) < about["exp"]
        assert isinstance(about["auth_time"], int)
        assert about["amr"] == ["pwd"]  # RFC 8176 §2
        assert "acr" not in about  # nothing that we cannot say


def test_a_person_has_one_name_everywhere_in_the_tenant(jane: Person) -> None:
    """OpenID Connect Core §5.3.2, §8: ``sub`` is public, the same for each client, never another's."""
    names = set()
    for client_id in (METER, FRONTEND):
        reply = jane.tokens(client_id)
        told = jane.world.browser.get(
            f"/iam/auth/realms/{jane.tenant.id}/protocol/openid-connect/userinfo",
            headers={"Authorization": f"Bearer {reply['access_token']}"},
        )
        assert told["Content-Type"].startswith("application/json")
        names |= {told.json()["sub"], opened(reply["id_token"])["sub"]}
    assert names == {str(jane.user.pk)}


def test_no_client_passes_for_a_person(jane: Person) -> None:
    """RFC 9700 §4.15, RFC 9068 §5: whoever reads ``sub`` alone never takes a service for somebody."""
    claims = claims_of(jane.world.token(READER, jane.world.globex, f"aud:{METER}"))
    account = ServiceAccount.objects.get(application_id=READER, tenant=jane.world.globex)
    assert claims["sub"] == str(account.id) != str(jane.user.pk)
    assert "sid" not in claims and "auth_time" not in claims
    assert claims["client_id"] == READER


def test_claims_that_must_be_in_an_access_token(jane: Person) -> None:
    """RFC 9068 §2.2 and §2.2.3; one target, or several that none of the roles could be mistaken for."""
    person, service = (
        opened(jane.tokens()["access_token"]),
        claims_of(jane.world.token(READER, jane.world.globex, f"aud:{METER} openid")),
    )
    for claims in (person, service):
        assert {"iss", "exp", "aud", "sub", "client_id", "iat", "jti", "scope"} <= set(claims)
        assert claims["scope"].split(" ")[0] == f"aud:{METER}"
        assert 0 < claims["exp"] - claims["iat"] <= 300
    assert person["sub"] != service["sub"]


def test_metadata_says_no_more_than_there_is(jane: Person) -> None:
    """RFC 8414 §2 and §3.2, Discovery §3 and §4.3: the issuer of the address, no empty list, no ``none``."""
    bodies = [jane.world.browser.get(form.format(jane.tenant.id)) for form in DOCUMENTS]
    assert bodies[0].content == bodies[1].content
    document = bodies[0].json()
    issuer = document["issuer"]
    assert issuer == f"http://testserver/iam/auth/realms/{jane.tenant.id}"
    assert not urlsplit(issuer).query and not urlsplit(issuer).fragment  # RFC 9207 §2
    assert opened(jane.tokens()["id_token"])["iss"] == issuer
    assert all(value not in ([], None, "") for value in document.values())
    assert "none" not in str(
        [value for name, value in document.items() if name.endswith("_alg_values_supported")]
    )
    assert "RS256" in document["id_token_signing_alg_values_supported"]
    required = {
        *("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri", "response_types_supported"),
        *("subject_types_supported", "id_token_signing_alg_values_supported", "scopes_supported"),
        "code_challenge_methods_supported",  # RFC 9700 §2.1.1: how a client learns of PKCE
    }
    assert required <= set(document)
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert {urlsplit(value).netloc for name, value in document.items() if name.endswith("_endpoint")} == {
        "testserver"
    }


def test_issuers_of_two_tenants_are_apart(jane: Person) -> None:
    """RFC 9700 §4.4: no document, key address or endpoint of one is the other's."""
    mine, theirs = (
        jane.world.browser.get(DOCUMENTS[0].format(tenant.id)).json()
        for tenant in (jane.tenant, jane.world.acme)
    )
    for name in mine:
        if name == "issuer" or name.endswith(("_endpoint", "_uri")):
            assert mine[name] != theirs[name], name
    assert str(jane.world.acme.id) not in str(mine)


def test_the_key_set_is_public_and_for_signatures(jane: Person) -> None:
    """RFC 7517 §4, RFC 8725 §3.5: nothing private; each key says its use, its algorithm and its name."""
    reply = jane.world.browser.get(f"/iam/auth/realms/{jane.tenant.id}/protocol/openid-connect/certs").json()
    assert {key["kid"] for key in reply["keys"]} and len({key["kid"] for key in reply["keys"]}) == len(
        reply["keys"]
    )
    for key in reply["keys"]:
        assert not {"d", "p", "q", "dp", "dq", "qi", "k", "oth"} & set(key)
        assert (key["use"], key["alg"]) in {("sig", "ES256"), ("sig", "RS256")}
        assert key["kty"] in {"EC", "RSA"}


def test_a_bearer_is_challenged_as_it_must_be(jane: Person) -> None:
    """RFC 6750 §3 and §3.1: no word where nothing was shown; ``invalid_token``; too little is 403."""
    path = f"/iam/auth/realms/{jane.tenant.id}/protocol/openid-connect/userinfo"
    nothing = jane.world.browser.get(path)
    assert (nothing.status_code, nothing["WWW-Authenticate"]) == (401, 'Bearer realm="iam-portal"')
    wrong = jane.world.browser.get(path, headers={"Authorization": "Bearer wrong"})
    assert wrong.status_code == 401 and 'error="invalid_token"' in wrong["WWW-Authenticate"]
    narrow = jane.tokens(scope="profile")["access_token"]
    little = jane.world.browser.get(path, headers={"Authorization": f"Bearer {narrow}"})
    assert little.status_code == 403 and 'error="insufficient_scope"' in little["WWW-Authenticate"]
    twice = jane.world.browser.post(
        path, {"access_token": narrow}, headers={"Authorization": f"Bearer {narrow}"}
    )
    assert twice.status_code == 400 and 'error="invalid_request"' in twice["WWW-Authenticate"]
    assert jane.world.browser.get(f"{path}?access_token={narrow}").status_code == 400
    rest = jane.world.browser.get(f"/iam/application-management/v1/tenants/{jane.tenant.id}/applications")
    assert (rest.status_code, rest["WWW-Authenticate"].split()[0]) == (401, "Bearer")


def test_a_token_of_an_end_that_was_planned_is_over_by_its_clock_and_ours(jane: Person) -> None:
    """RFC 7662 §4, RFC 6750 §5.3: ``exp`` is exact, and the next moment nobody takes it."""
    reply = jane.tokens()
    path = f"/iam/auth/realms/{jane.tenant.id}/protocol/openid-connect/userinfo"
    bearer = {"Authorization": f"Bearer {reply['access_token']}"}
    jane.world.clock.forward(seconds=reply["expires_in"] - 1)
    assert jane.world.browser.get(path, headers=bearer).status_code == 200
    jane.world.clock.forward(seconds=1)
    assert jane.world.browser.get(path, headers=bearer).status_code == 401
    assert jane.world.introspect(METER, jane.tenant, reply["access_token"]).json() == {"active": False}
