"""The authorization code flow: what a person's sign-in gives, and to whom."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from accesscontrol.models import Authorization, AuthorizationCode, RefreshToken
from applications.actions import contracts, pauses
from applications.models import Contract
from iam_portal.walls import tenant_scope
from tenants.models import HistoryEvent, UserSession
from tests.accesscontrol.oauth.conftest import World
from tests.accesscontrol.oauth.people import (
    BACK,
    BACK_PUBLIC,
    CHALLENGE,
    FRONTEND,
    METER,
    VERIFIER,
    Person,
    answered,
    arrive,
    header,
    opened,
)
from tests.support.factories import PASSWORD, SYSTEM


@pytest.fixture
def jane(shared: World, settings: Any) -> Person:
    settings.ROOT_URLCONF = "iam_portal.urls"
    person = arrive(shared)
    person.sign_in()
    return person


@pytest.mark.parametrize("client_id", [METER, FRONTEND])
def test_what_a_sign_in_gives(jane: Person, client_id: str) -> None:
    globex = jane.tenant
    answer = answered(jane.authorize(client_id, scope="openid profile email", nonce="n-1"))
    issuer = f"http://testserver/iam/auth/realms/{globex.id}"
    assert answer["state"] == "s t&a=te"
    assert answer["iss"] == issuer  # RFC 9207

    response = jane.exchange(answer["code"], client_id)
    reply = response.json()
    assert response["Cache-Control"] == "no-store"
    assert response["Content-Type"] == "application/json;charset=UTF-8"
    assert reply["token_type"] == "Bearer"
    assert reply["scope"] == f"aud:{METER} openid profile email"
    assert 0 < reply["expires_in"] <= 300

    claims = opened(reply["access_token"])
    assert header(reply["access_token"])["typ"] == "at+jwt"
    assert (claims["iss"], claims["aud"], claims["sub"]) == (issuer, METER, str(jane.user.pk))
    assert claims["client_id"] == claims["azp"] == client_id
    assert claims["tid"] == str(globex.id)
    assert claims["roles"] == [f"urn:iam:application-role:{globex.id}:{METER}:viewer"]
    family = jane.family()
    assert claims["sid"] == str(family.pk)

    about = opened(reply["id_token"])
    assert header(reply["id_token"])["typ"] == "JWT"
    assert (about["iss"], about["aud"], about["sub"]) == (issuer, client_id, str(jane.user.pk))
    assert about["nonce"] == "n-1"
    assert about["auth_time"] == int(jane.world.clock.at.timestamp())
    assert (about["name"], about["preferred_username"]) == ("Jane", "jane")
    assert (about["email"], about["email_verified"]) == (
        "jane@example.org",
        False,
    )  # no link has proven the mailbox
    assert "roles" not in about


def test_nothing_of_the_person_without_its_scope(jane: Person) -> None:
    about = opened(jane.tokens()["id_token"])
    assert not {"name", "email", "preferred_username"} & set(about)
    plain = jane.tokens(scope="profile", nonce="n")
    assert "id_token" not in plain
    assert "roles" not in opened(plain["access_token"])


def test_every_address_of_the_endpoint(jane: Person) -> None:
    globex = jane.tenant
    for path in (
        f"/iam/access-management/v1/tenants/{globex.id}/openid-connect/auth",
        f"/iam/auth/realms/{globex.slug}/protocol/openid-connect/auth",
        f"/auth/realms/{globex.id}/protocol/openid-connect/auth",
    ):
        answer = answered(jane.authorize(path=path))
        assert answer["iss"].endswith(f"/iam/auth/realms/{globex.id}")
        assert jane.exchange(answer["code"]).status_code == 200
    nowhere = f"/auth/realms/{'0' * 8}-0000-0000-0000-{'0' * 12}/protocol/openid-connect/auth"
    assert jane.authorize(path=nowhere).status_code == 404


def test_who_is_not_signed_in_signs_in_first(shared: World, settings: Any) -> None:
    """At the tenant's own page, and from there back to the very same request."""
    settings.ROOT_URLCONF = "iam_portal.urls"
    jane = arrive(shared)
    first = jane.authorize(login_hint="jane")
    where = urlsplit(first["Location"])
    assert where.path == f"/t/{jane.tenant.slug}/sign-in"
    page = jane.browser.get(first["Location"])
    assert 'value="jane"' in page.content.decode()

    after = parse_qs(where.query)["next"][0]
    sent = {"username": "jane", "password": PASSWORD, "next": after}
    onward = jane.browser.post(f"/t/{jane.tenant.slug}/sign-in", sent)
    # A page that goes on by itself: ``form-action`` would stop a redirect to the application.
    assert onward.status_code == 200
    assert f'http-equiv="refresh" content="0; url={after.replace("&", "&amp;")}"' in onward.content.decode()
    answer = answered(jane.browser.get(after))
    assert answer["state"] == "s t&a=te"
    assert jane.exchange(answer["code"]).status_code == 200


def test_a_form_is_taken_too(jane: Person) -> None:
    """OpenID Connect Core §3.1.2.1. It becomes a GET, which a browser sends with its cookie."""
    path = f"/iam/auth/realms/{jane.tenant.id}/protocol/openid-connect/auth"
    sent = {"client_id": METER, "response_type": "code", "redirect_uri": BACK, "scope": "openid"}
    sent |= {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    response = jane.browser.post(path, sent)
    assert response.status_code == 303
    assert dict(parse_qsl(urlsplit(response["Location"]).query)) == sent
    assert "code" in answered(jane.browser.get(response["Location"]))
    assert jane.browser.post(path, "{}", content_type="application/json").status_code == 400
    assert jane.browser.head(path).status_code == 405


def test_the_only_address_may_stay_unnamed_for_plain_oauth(jane: Person) -> None:
    answer = answered(jane.authorize(redirect_uri=None, scope=None))
    assert jane.exchange(answer["code"], redirect_uri=BACK_PUBLIC).status_code == 400
    assert jane.exchange(answer["code"], redirect_uri=None).status_code == 200
    named = answered(jane.authorize(scope=None))
    assert jane.exchange(named["code"], redirect_uri=None).status_code == 400


def test_old_names_of_scopes_are_spelled_out(jane: Person) -> None:
    aliases = {"vehicle.read": f"openid {METER}/viewer", "all": "aud:globex.reader"}
    jane.world.set_client(METER, scope_aliases=aliases)
    reply = jane.tokens(scope="vehicle.read email")
    assert reply["scope"] == f"aud:{METER} {METER}/viewer openid email"
    assert answered(jane.authorize(scope="all"))["error"] == "invalid_scope"


def test_without_pkce_only_by_the_switch(jane: Person) -> None:
    bare = {"code_challenge": None, "code_challenge_method": None}
    jane.world.set_client(METER, pkce_required=False)
    code = jane.code(**bare)
    # A verifier without a challenge: somebody has taken the challenge away (RFC 9700 §4.8.2).
    assert jane.exchange(code).status_code == 400
    assert jane.exchange(code, code_verifier=None).status_code == 200
    assert answered(jane.authorize(FRONTEND, **bare))["error"] == "invalid_request"


@pytest.mark.parametrize(
    "form",
    [
        {"code_verifier": None},
        {"code_verifier": "w" * 43},
        {"code_verifier": "v" * 42},
        {"code_verifier": VERIFIER + "\0"},
        {"code_verifier": CHALLENGE},
        {"redirect_uri": BACK + "/"},
        {"redirect_uri": BACK_PUBLIC},
        {"redirect_uri": None},
        {"code": "x"},
        {"code": "x" * 100_000},
        {"resource": "urn:iam:application:globex.reader"},
        {"scope": "aud:globex.reader"},
    ],
)
def test_a_code_with_a_wrong_proof(jane: Person, form: dict[str, Any]) -> None:
    code = jane.code()
    response = jane.exchange(**{"code": code, **form})
    assert response.status_code == 400
    assert response.json()["error"] in {"invalid_grant", "invalid_target", "invalid_scope"}
    # The code is left to its owner: whoever guesses cannot take it away.
    assert jane.exchange(code).status_code == 200


def test_a_code_is_its_clients_its_tenants_and_a_minutes(jane: Person) -> None:
    code = jane.code()
    assert jane.exchange(code, FRONTEND).json()["error"] == "invalid_grant"
    assert jane.exchange(code, "globex.reader").json()["error"] == "invalid_grant"
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "code_verifier": VERIFIER}
    assert jane.ask(METER, form, jane.world.acme).json()["error"] == "invalid_grant"
    jane.world.clock.forward(seconds=60)
    assert jane.exchange(code).json()["error"] == "invalid_grant"


def test_a_second_use_ends_what_the_first_got(jane: Person) -> None:
    code = jane.code()
    reply = jane.exchange(code).json()
    again = jane.exchange(code, code_verifier="stolen" * 8)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    family = jane.family()
    assert family.ended_because == "reused"
    assert jane.refresh(reply["refresh_token"]).status_code == 400
    assert len(jane.rows(HistoryEvent.objects.filter(action="authorization.ended"))) == 1


def test_a_code_falls_with_the_session(jane: Person) -> None:
    code = jane.code()
    with tenant_scope(jane.tenant.id):
        UserSession.objects.filter(user=jane.user).update(ended_at=jane.world.clock.at)
    assert jane.exchange(code).json()["error"] == "invalid_grant"


def test_only_digests_are_kept(jane: Person) -> None:
    code = jane.code()
    reply = jane.exchange(code).json()
    kept = (AuthorizationCode.objects, RefreshToken.objects, Authorization.objects, HistoryEvent.objects)
    rows = str([jane.rows(of.values()) for of in kept])
    assert code not in rows
    assert reply["refresh_token"] not in rows


def test_where_it_is_not_available_the_page_says_why(jane: Person) -> None:
    contract = _contract(jane)
    pauses.pause(tenant=jane.world.acme, contract_id=contract.pk, by=SYSTEM, at=jane.world.clock.at)
    page = jane.authorize()
    assert page.status_code == 403
    text = page.content.decode()
    assert "was paused by" in text
    assert "error=access_denied" in text  # the way back
    assert answered(jane.authorize(prompt="none"))["error"] == "access_denied"


def test_an_application_that_nothing_connects_is_told_like_an_unknown_one(jane: Person) -> None:
    """The neighbour's meter: its client id and address may be known to many."""
    jane.world.set_client("neighbour.meter", redirect_uris=BACK)
    page = jane.authorize("neighbour.meter", redirect_uri=BACK)
    assert page.status_code == 403
    assert "Neighbour" not in page.content.decode()
    assert "No contract shares neighbour.meter with Globex" in page.content.decode()


def test_a_code_does_not_outlive_its_contract(jane: Person) -> None:
    code = jane.code()
    contract = _contract(jane)
    pauses.pause(tenant=jane.world.acme, contract_id=contract.pk, by=SYSTEM, at=jane.world.clock.at)
    response = jane.exchange(code)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")
    assert response.json()["reason"] == "contract_paused"
    assert not jane.rows(Authorization.objects)


def test_a_token_ends_with_the_planned_end(jane: Person) -> None:
    end = jane.world.clock.at + timedelta(seconds=100)
    contract = _contract(jane)
    contracts.end(
        tenant=jane.world.acme, contract_id=contract.pk, by=SYSTEM, at=jane.world.clock.at, when=end
    )
    reply = jane.tokens()
    assert opened(reply["access_token"])["exp"] == int(end.timestamp())
    jane.world.clock.at = end
    assert jane.refresh(reply["refresh_token"]).json()["reason"] == "contract_ended"


def test_pages_of_the_public_client_may_read_the_answer(jane: Person) -> None:
    code = jane.code(FRONTEND)
    jane.world.browser.defaults["HTTP_ORIGIN"] = "https://evil.example"
    assert "Access-Control-Allow-Origin" not in jane.exchange("x", FRONTEND).headers
    jane.world.browser.defaults["HTTP_ORIGIN"] = "https://meter.example"
    response = jane.exchange(code, FRONTEND)
    assert response["Access-Control-Allow-Origin"] == "https://meter.example"
    assert "Origin" in response["Vary"]
    assert "Access-Control-Allow-Credentials" not in response.headers


def test_a_native_app_with_a_scheme_of_its_own(jane: Person) -> None:
    """RFC 8252 §7.1."""
    jane.world.set_client(FRONTEND, redirect_uris="com.example.app:/back")
    answer = answered(jane.authorize(FRONTEND, redirect_uri="com.example.app:/back"))
    assert jane.exchange(answer["code"], FRONTEND, redirect_uri="com.example.app:/back").status_code == 200


def _contract(jane: Person) -> Any:
    return Contract.objects.get(consumer=jane.tenant, provider=jane.world.acme)
