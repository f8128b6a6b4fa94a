"""Tokens bound to a key (DPoP, RFC 9449): given for a proof, and of no use without one."""

from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey

from accesscontrol.models import UsedProof
from accesscontrol.oauth import tokens
from accesscontrol.oauth.clients.possession import fresh_nonce
from applications.models.applications import PORTAL_ID
from tests.accesscontrol.oauth.asking import asker
from tests.accesscontrol.oauth.conftest import World, basic, claims_of, said
from tests.accesscontrol.oauth.people import METER, Person, arrive, opened
from tests.accesscontrol.oauth.proving_keys import READER, Holder, digest

pytestmark = pytest.mark.one_way  # a proof is good once

CODE = {
    "grant_type": "authorization_code",
    "redirect_uri": "https://meter.example/app",
    "code_verifier": "v" * 43,
}


@pytest.fixture
def holder(shared: World) -> Holder:
    return Holder(shared)


@pytest.fixture
def jane(shared: World) -> Person:
    jane = arrive(shared)
    jane.sign_in()
    return jane


def test_a_service_gets_a_bound_token_and_introspection_says_so(holder: Holder) -> None:
    reply = holder.token()
    claims = claims_of(reply)
    assert reply.json()["token_type"] == "DPoP"
    assert claims["cnf"] == {"jkt": holder.thumbprint}
    assert reply["DPoP-Nonce"] == fresh_nonce(holder.world.clock.at)
    told = holder.world.introspect(METER, holder.world.globex, reply.json()["access_token"]).json()
    assert (told["active"], told["token_type"], told["cnf"]) == (True, "DPoP", claims["cnf"])
    plain = holder.world.token(READER, holder.world.globex, f"aud:{METER}")
    assert plain.json()["token_type"] == "Bearer" and "cnf" not in claims_of(plain)
    assert "DPoP-Nonce" not in plain


@pytest.mark.parametrize(
    "changed",
    [
        {"htm": "GET"},
        {"htm": None},
        {"htu": "http://testserver/auth/oauth/token"},
        {"htu": "https://evil.example/iam/auth/realms/x/protocol/openid-connect/token"},
        {"htu": "http://user@testserver/oauth2/token"},
        {"htu": "http://[::1"},
        {"htu": 7},
        {"iat": None},
        {"iat": "now"},
        {"iat": True},
        {"iat": 1e400},
        {"jti": None},
        {"jti": ""},
        {"jti": "x" * 513},
        {"jti": "a\0b"},
        {"header": {"typ": "JWT"}},
        {"header": {"typ": None}},
        {"header": {"alg": "none"}},
        {"header": {"alg": "HS256"}},
        {"header": {"alg": "RS256"}},
        {"header": {"jwk": None}},
        {"header": {"jwk": "x"}},
        {"header": {"jwk": ECKey.generate_key("P-256").as_dict(private=False)}},
        {"header": {"jwk": ECKey.generate_key("P-256").as_dict(private=True)}},
        {"header": {"jwk": OctKey.generate_key(256).as_dict(private=True)}},
        {"header": {"crit": ["exp"]}},
    ],
)
def test_a_proof_that_is_none(holder: Holder, changed: dict[str, Any]) -> None:
    assert said(holder.token(holder.proof(**changed)))["error"] == "invalid_dpop_proof"


def test_other_words_that_are_no_proof(holder: Holder) -> None:
    good = holder.proof()
    for proof in ("x", "a.b.c", f"{good}, {holder.proof()}", good[:-4], good + "A", "é" + good, "." * 20_000):
        assert said(holder.token(proof))["error"] == "invalid_dpop_proof"
    assert holder.token(good).status_code == 200  # what was refused is not used up


def test_the_address_is_compared_as_it_is_meant(holder: Holder) -> None:
    path = holder.door()
    for htu in (f"HTTP://TestServer:80{path}", f"http://testserver{path}?x=y#z"):
        assert holder.token(holder.proof(htu=htu)).status_code == 200
    form = {"grant_type": "client_credentials", "scope": f"aud:{METER}"}
    other = f"/iam/access-management/v1/tenants/{holder.world.globex.id}/openid-connect/token"
    sent = {"DPoP": holder.proof(), "Authorization": basic(READER, holder.world.secrets[READER])}
    reply = holder.world.browser.post(other, form, headers=sent)
    assert said(reply)["error"] == "invalid_dpop_proof"  # the same door by another address


def test_a_proof_gives_once(holder: Holder) -> None:
    proof = holder.proof()
    assert holder.token(proof).status_code == 200
    assert said(holder.token(proof))["error"] == "invalid_dpop_proof"
    assert said(holder.token(proof, "aud:acme.meter openid"))["error"] == "invalid_dpop_proof"
    same = holder.proof(jti=opened(proof)["jti"])
    assert said(holder.token(same))["error"] == "invalid_dpop_proof"
    other = Holder(holder.world)
    assert other.token(other.proof(jti=opened(proof)["jti"])).status_code == 200  # another's name is his own
    assert UsedProof.objects.count() == 2


def test_one_that_is_old_or_early_has_to_be_made_anew(holder: Holder) -> None:
    """A client with a wrong clock goes on by the nonce of the answer."""
    now = int(holder.world.clock.at.timestamp())
    for iat, ok in ((now - 60, True), (now - 61, False), (now + 30, True), (now + 31, False)):
        reply = holder.token(holder.proof(iat=iat))
        assert (reply.status_code == 200) is ok
        if not ok:
            assert reply.json()["error"] == "use_dpop_nonce"
            again = holder.token(holder.proof(iat=iat, nonce=reply["DPoP-Nonce"]))
            assert again.status_code == 200
    for nonce in ("x", "1:y", fresh_nonce(holder.world.clock.at)[:-1]):
        assert said(holder.token(holder.proof(nonce=nonce)))["error"] == "use_dpop_nonce"
    old = fresh_nonce(holder.world.clock.at)
    holder.world.clock.forward(seconds=300)
    assert said(holder.token(holder.proof(nonce=old)))["error"] == "use_dpop_nonce"


def test_it_can_be_required(holder: Holder) -> None:
    """Then always with a nonce of ours: none is of use that was made beforehand."""
    holder.world.set_client(READER, dpop="required")
    assert (
        said(holder.world.token(READER, holder.world.globex, f"aud:{METER}"))["error"] == "invalid_dpop_proof"
    )
    reply = holder.token()
    assert said(reply)["error"] == "use_dpop_nonce"
    reply = holder.token(holder.proof(nonce=reply["DPoP-Nonce"]))
    assert claims_of(reply)["cnf"] == {"jkt": holder.thumbprint}
    assert holder.token(holder.proof(nonce=reply["DPoP-Nonce"])).status_code == 200


def test_off_it_is_not_looked_at(holder: Holder) -> None:
    holder.world.set_client(READER, dpop="off")
    reply = holder.token("no proof at all")
    assert reply.json()["token_type"] == "Bearer" and "cnf" not in claims_of(reply)


def test_who_is_nobody_hears_nothing_of_proofs(holder: Holder) -> None:
    form = {"grant_type": "client_credentials", "scope": f"aud:{METER}"}
    reply = holder.world.browser.post(holder.door(), form, headers={"DPoP": "x"})
    assert reply.status_code == 401 and reply.json()["error"] == "invalid_client"


def test_the_rest_api_takes_it_with_its_key_alone(shared: World, holder: Holder) -> None:
    asker(shared, shared.globex, READER)  # it holds a role of the portal
    path = f"/api/{shared.globex.id}/modules"
    token = holder.token(scope=f"aud:{PORTAL_ID}").json()["access_token"]

    def status(headers: dict[str, str]) -> int:
        reply = shared.browser.get(path, headers=headers)
        if reply.status_code == 401:
            assert 'error="invalid_token"' in reply["WWW-Authenticate"]
            assert reply["WWW-Authenticate"].split(" ")[0] == headers["Authorization"].split(" ")[0]
        code: int = reply.status_code
        return code

    good = holder.shows(token, path)
    assert [status(good), status(good)] == [200, 401]  # the second one is a replay
    assert status({"Authorization": f"Bearer {token}"}) == 401
    assert status({**holder.shows(token, path), "Authorization": f"Bearer {token}"}) == 401
    assert status({"Authorization": f"DPoP {token}"}) == 401
    thief = Holder(shared)
    assert status(thief.shows(token, path)) == 401
    now = int(shared.clock.at.timestamp())
    for changed in (
        *({"htm": "POST"}, {"htu": f"http://testserver{path}/x"}, {"ath": digest("x")}, {"ath": None}),
        *({"iat": now - 61}, {"iat": now + 31}, {"iat": now - 61, "nonce": fresh_nonce(shared.clock.at)}),
    ):
        assert status(holder.shows(token, path, **changed)) == 401
    second = holder.token(scope=f"aud:{PORTAL_ID}").json()["access_token"]
    swapped = {**holder.shows(second, path), "Authorization": f"DPoP {token}"}
    assert status(swapped) == 401
    plain = shared.token(READER, shared.globex, f"aud:{PORTAL_ID}").json()["access_token"]
    assert status({"Authorization": f"Bearer {plain}"}) == 200
    assert status(holder.shows(plain, path)) == 401  # one that is bound to nothing does not become so


@pytest.mark.parametrize(("where", "status"), [("globex", 403), ("acme", 404)])
def test_a_proof_that_was_refused_is_used_up(shared: World, holder: Holder, where: str, status: int) -> None:
    """The act is taken back, the use of the proof is not: it is good for no other body either."""
    asker(shared, shared.globex, READER)
    path = f"/api/{getattr(shared, where).id}/modules"
    headers = holder.shows(holder.token(scope=f"aud:{PORTAL_ID}").json()["access_token"], path, "POST")
    found = [
        shared.browser.post(path, body, content_type="application/json", headers=headers).status_code
        for body in ({}, {"id": "other"})
    ]
    assert found == [status, 401]


def test_the_event_service_asks_again_by_the_proof_that_it_has_seen(shared: World, holder: Holder) -> None:
    """What it says beside the caller's headers, no caller can say. The token's end counts as ever."""
    asker(shared, shared.globex, READER)
    path, again = f"/api/{shared.globex.id}/modules", {"iam.proven": True}
    token = holder.token(scope=f"aud:{PORTAL_ID}").json()["access_token"]
    headers = holder.shows(token, path)
    bearer = {"Authorization": f"Bearer {token}"}

    def status(sent: dict[str, str], **said: Any) -> int:
        code: int = shared.browser.get(path, headers=sent, **said).status_code
        return code

    assert [status(headers), status(headers), status(headers, **again)] == [200, 401, 200]
    assert status(bearer, **again) == 401
    assert status({**headers, "iam.proven": "1", "iam-proven": "1"}) == 401
    shared.clock.forward(seconds=90)  # the proof would be too old for anything
    assert status(headers, **again) == 200
    shared.clock.forward(seconds=300)
    assert status(headers, **again) == 401


def test_a_confirmation_that_we_do_not_know_fits_nobody(shared: World, holder: Holder) -> None:
    asker(shared, shared.globex, READER)
    claims = claims_of(shared.token(READER, shared.globex, f"aud:{PORTAL_ID}"))
    path = f"/api/{shared.globex.id}/modules"
    for cnf in ({}, {"kid": "x"}, "x", None, [], {"jkt": 1}, {"jkt": holder.thumbprint, "jwe": "x"}):
        token = tokens.sign({**claims, "cnf": cnf}, at=shared.clock.at)
        for headers in ({"Authorization": f"Bearer {token}"}, holder.shows(token, path)):
            assert shared.browser.get(path, headers=headers).status_code == 401
