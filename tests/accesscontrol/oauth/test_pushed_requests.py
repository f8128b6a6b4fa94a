"""Requests that a client pushes (RFC 9126): checked at once, opened once, answered once."""

from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from accesscontrol.models import PushedRequest
from accesscontrol.oauth import pushing
from iam_portal import sealing
from iam_portal.walls import tenant_scope
from tenants.actions import tallies
from tenants.actions.tallies import Limit
from tenants.hashers import digest
from tests.accesscontrol.oauth.conftest import World, said
from tests.accesscontrol.oauth.people import (
    BACK,
    BACK_PUBLIC,
    CHALLENGE,
    FRONTEND,
    METER,
    Person,
    answered,
    arrive,
)
from tests.accesscontrol.oauth.proving_keys import Holder

PREFIX = "urn:ietf:params:oauth:request_uri:"
ASKED = {
    "response_type": "code",
    "redirect_uri": BACK,
    "scope": "openid",
    "state": "s t&a=te",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


@pytest.fixture
def jane(shared: World, settings: Any) -> Person:
    settings.ROOT_URLCONF = "iam_portal.urls"
    return arrive(shared)


def push(jane: Person, by: str | None = METER, tenant: Any = None, **form: Any) -> Any:
    """The reply to the client; an argument of None leaves the parameter out."""
    sent = {name: value for name, value in {**ASKED, **form}.items() if value is not None}
    path = f"/iam/auth/realms/{(tenant or jane.tenant).id}/protocol/openid-connect/par"
    if by == FRONTEND:
        sent = {"redirect_uri": BACK_PUBLIC, "client_id": FRONTEND} | {**sent, "redirect_uri": BACK_PUBLIC}
        return jane.world.browser.post(path, sent)
    return jane.world.post(path, by, sent)


def pushed(jane: Person, by: str = METER, **form: Any) -> str:
    reply = push(jane, by, **form)
    assert reply.status_code == 201, reply.content
    name: str = reply.json()["request_uri"]
    return name


def visit(jane: Person, name: str, client_id: str = METER, **more: str) -> Any:
    path = f"/iam/auth/realms/{jane.tenant.id}/protocol/openid-connect/auth"
    return jane.browser.get(f"{path}?{urlencode({'client_id': client_id, 'request_uri': name, **more})}")


@pytest.mark.parametrize("client_id", [METER, FRONTEND])
def test_a_whole_sign_in(jane: Person, client_id: str) -> None:
    jane.sign_in()
    reply = push(jane, client_id)
    body = reply.json()
    assert (reply.status_code, body["expires_in"], reply["Cache-Control"]) == (201, 60, "no-store")
    assert body["request_uri"].startswith(PREFIX) and len(body["request_uri"]) == len(PREFIX) + 43
    answer = answered(visit(jane, body["request_uri"], client_id))
    assert answer["state"] == ASKED["state"]
    assert jane.exchange(answer["code"], client_id).status_code == 200
    with tenant_scope(jane.tenant.id):
        row = PushedRequest.objects.get()
    assert row.answered_at and body["request_uri"].removeprefix(PREFIX) not in row.digest + row.query


def test_no_credential_is_kept(jane: Person) -> None:
    world = jane.world
    world.set_client(METER, token_endpoint_auth_method="client_secret_post")
    reply = push(jane, None, client_id=METER, client_secret=world.secrets[METER], unheard_of="x")
    assert reply.status_code == 201
    with tenant_scope(jane.tenant.id):
        query = sealing.unseal(PushedRequest.objects.get().query)
    assert set(parse_qs(query)) == {"client_id", *ASKED}


def test_what_is_kept_is_sealed(jane: Person) -> None:
    """One from before is still read; one that no key of ours opens is none."""
    jane.sign_in()
    name, clear, lost = (pushed(jane, login_hint="jane@acme.example") for _ in range(3))
    with tenant_scope(jane.tenant.id):
        rows = [PushedRequest.objects.get(digest=digest(each.removeprefix(PREFIX))) for each in (clear, lost)]
        assert not any("jane" in query for query in PushedRequest.objects.values_list("query", flat=True))
        for row, query in zip(rows, (sealing.unseal(rows[0].query), "gAAAAA"), strict=True):
            PushedRequest.objects.filter(pk=row.pk).update(query=query)
    assert [visit(jane, each).status_code for each in (name, clear, lost)] == [302, 302, 400]


def test_who_signs_in_first_comes_back_to_it(jane: Person) -> None:
    """The minute is for the opening alone; the way by the sign-in page keeps it, and no other way does."""
    name = pushed(jane)
    to_sign_in = visit(jane, name)
    back = parse_qs(urlsplit(to_sign_in["Location"]).query)["next"][0]
    assert ASKED["redirect_uri"] not in back and "iam_asked" in back
    assert visit(jane, name).status_code == 400  # as somebody who has read the first address
    jane.world.clock.forward(minutes=5)
    jane.sign_in()
    assert visit(jane, name, iam_asked="forged").status_code == 400
    assert "code" in answered(jane.browser.get(back))
    assert jane.browser.get(back).status_code == 400


def test_it_is_used_once(jane: Person) -> None:
    jane.sign_in()
    name = pushed(jane)
    assert "code" in answered(visit(jane, name))
    for _ in range(2):
        again = visit(jane, name)
        assert again.status_code == 400 and b"not understood" in again.content
    refused = pushed(jane, prompt="none")
    jane.browser.cookies.clear()
    assert answered(visit(jane, refused))["error"] == "login_required"
    assert visit(jane, refused).status_code == 400  # an error is an answer, too


def test_it_lives_a_minute(jane: Person) -> None:
    jane.sign_in()
    name, late = pushed(jane), pushed(jane)
    jane.world.clock.forward(seconds=59)
    assert visit(jane, name).status_code == 302
    jane.world.clock.forward(seconds=1)
    assert visit(jane, late).status_code == 400


def test_it_is_its_clients_and_its_tenants(jane: Person) -> None:
    jane.sign_in()
    name = pushed(jane)
    assert visit(jane, name, FRONTEND).status_code == 400
    assert visit(jane, name, "globex.reader").status_code == 400
    elsewhere = push(jane, tenant=jane.world.acme).json()["request_uri"]
    assert visit(jane, elsewhere).status_code == 400
    for wrong in (name[:-1], f"{name}A", f"{PREFIX}{'x' * 43}", PREFIX, f"{PREFIX}\0"):
        assert visit(jane, wrong).status_code == 400
    twice = urlencode([("client_id", METER), ("request_uri", name), ("request_uri", name)])
    path = f"/iam/auth/realms/{jane.tenant.id}/protocol/openid-connect/auth"
    assert jane.browser.get(f"{path}?{twice}").status_code == 400
    assert visit(jane, name).status_code == 302  # none of these has used it up


def test_nothing_beside_it_counts(jane: Person) -> None:
    jane.sign_in()
    name = pushed(jane)
    changed = {
        "redirect_uri": BACK_PUBLIC,
        "state": "evil",
        "scope": "openid email",
        "code_challenge": "x" * 43,
    }
    answer = answered(visit(jane, name, **changed))
    assert answer["state"] == ASKED["state"]
    reply = jane.exchange(answer["code"])
    assert reply.status_code == 200 and "email" not in reply.json()["scope"]


def test_another_kind_of_address_is_never_followed(jane: Person) -> None:
    jane.sign_in()
    answer = answered(jane.authorize(request_uri="https://meter.example/request.jwt"))
    assert answer["error"] == "request_uri_not_supported"


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"redirect_uri": "https://evil.example/"}, "invalid_request"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"scope": "openid what.is-this"}, "invalid_scope"),
        ({"scope": "aud:acme.other"}, "invalid_scope"),
        ({"resource": ["urn:iam:application:acme.meter", "https://x.example"]}, "invalid_target"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"request": "eyJ.x.y"}, "request_not_supported"),
        ({"request_uri": PREFIX + "x" * 43}, "invalid_request"),
        ({"state": "x" * 4097}, "invalid_request"),
        ({"state": ["a", "b"]}, "invalid_request"),
        ({"nonce": "a\0b"}, "invalid_request"),
        ({"id_token_hint": "x" * 20_000}, "invalid_request"),
        ({"client_id": "globex.reader"}, "invalid_request"),
        ({"dpop_jkt": "x"}, "invalid_request"),
    ],
)
def test_what_is_refused_when_it_is_pushed(jane: Person, form: dict[str, Any], error: str) -> None:
    assert said(push(jane, **form))["error"] == error
    with tenant_scope(jane.tenant.id):
        assert not PushedRequest.objects.exists()


def test_who_may_push(jane: Person) -> None:
    world = jane.world
    assert push(jane, None).status_code == 401
    assert push(jane, None, client_id=METER).status_code == 401
    path = f"/iam/auth/realms/{jane.tenant.id}/protocol/openid-connect/par"
    for method in ("get", "put", "delete", "patch"):
        assert getattr(world.browser, method)(path).status_code == 405
    assert said(world.browser.post(f"{path}?x=y", {}))["error"] == "invalid_request"
    strange = path.replace(str(jane.tenant.id), "7311c0de-0000-4000-8000-000000000001")
    assert world.post(strange, METER, dict(ASKED)).status_code == 404


def test_it_can_be_required_or_off(jane: Person) -> None:
    jane.sign_in()
    jane.world.set_client(METER, pushed_requests="required")
    refused = answered(jane.authorize())
    assert (refused["error"], refused["state"]) == ("invalid_request", ASKED["state"])
    assert "code" in answered(visit(jane, pushed(jane)))
    jane.world.set_client(METER, pushed_requests="off")
    assert said(push(jane))["error"] == "unauthorized_client"
    assert "code" in answered(jane.authorize())


def test_a_public_client_is_limited(jane: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    tallies.forget()
    monkeypatch.setattr(pushing, "OF_PUBLIC", Limit(kind=6, most=2, window=pushing.OF_PUBLIC.window))
    assert [push(jane, FRONTEND).status_code for _ in range(3)] == [201, 201, 429]
    assert int(push(jane, FRONTEND)["Retry-After"]) > 0
    assert push(jane).status_code == 201
    tallies.forget()


def test_a_client_that_proves_itself_is_limited_too(jane: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """By itself, not by its network: nobody else uses up what it may."""
    tallies.forget()
    monkeypatch.setattr(pushing, "OF_CLIENT", Limit(kind=9, most=2, window=pushing.OF_CLIENT.window))
    assert push(jane, None, client_id=METER).status_code == 401
    assert [push(jane).status_code for _ in range(3)] == [201, 201, 429]
    assert push(jane, FRONTEND).status_code == 201
    tallies.forget()


def test_a_proof_with_it_binds_the_code(jane: Person) -> None:
    jane.sign_in()
    holder = Holder(jane.world)
    path = holder.door("par")
    form = {**ASKED, "client_id": FRONTEND, "redirect_uri": BACK_PUBLIC}
    wrong = {"DPoP": holder.proof(path)}
    reply = jane.world.browser.post(path, {**form, "dpop_jkt": "x" * 43}, headers=wrong)
    assert said(reply)["error"] == "invalid_dpop_proof"
    name = jane.world.browser.post(path, form, headers={"DPoP": holder.proof(path)}).json()["request_uri"]
    code = answered(visit(jane, name, FRONTEND))["code"]
    assert said(jane.exchange(code, FRONTEND))["error"] == "invalid_grant"
    sent = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": BACK_PUBLIC,
        "code_verifier": "v" * 43,
    }
    assert holder.ask(sent, holder.proof(), FRONTEND).status_code == 200
