"""Refresh tokens: rotated at each use, decided anew at each use, ended with their family."""

from datetime import timedelta
from typing import Any

import pytest

from accesscontrol.actions import authorizations, sign_ins
from accesscontrol.models import Authorization, RefreshToken
from applications.actions import pauses
from applications.models import Contract
from iam_portal.walls import tenant_scope
from tenants.actions import deletion, sessions, tenants, users
from tenants.models import HistoryEvent, Tenant, UserSession
from tests.accesscontrol.oauth.conftest import World
from tests.accesscontrol.oauth.people import FRONTEND, METER, Person, arrive, give, opened
from tests.support.factories import SYSTEM, make_user


@pytest.fixture
def jane(shared: World, settings: Any) -> Person:
    settings.ROOT_URLCONF = "iam_portal.urls"
    person = arrive(shared)
    person.sign_in()
    return person


def refused(response: Any) -> dict[str, Any]:
    assert response.status_code == 400, response.content
    body: dict[str, Any] = response.json()
    assert body["error"] == "invalid_grant"
    return body


@pytest.mark.parametrize("client_id", [METER, FRONTEND])
def test_each_use_gives_the_next_one(jane: Person, client_id: str) -> None:
    first = jane.tokens(client_id, scope="openid profile", nonce="n")
    jane.world.clock.forward(minutes=20)
    second = jane.refresh(first["refresh_token"], client_id).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert second["scope"] == first["scope"]
    before, after = opened(first["access_token"]), opened(second["access_token"])
    assert {name for name in before if before[name] != after[name]} == {"exp", "iat", "nbf", "jti"}
    about = opened(second["id_token"])
    assert about["auth_time"] == opened(first["id_token"])["auth_time"]  # OpenID Connect Core §12.2
    assert about["nonce"] == "n"
    assert jane.refresh(second["refresh_token"], client_id).status_code == 200


def test_a_refresh_token_is_opaque(jane: Person) -> None:
    """Trap 2: one that is a signed token would be taken by gateways."""
    assert "." not in jane.tokens()["refresh_token"]


def test_a_second_use_ends_the_family(jane: Person) -> None:
    first = jane.tokens()["refresh_token"]
    second = jane.refresh(first).json()["refresh_token"]
    assert refused(jane.refresh(first)) == refused(jane.refresh("made-up"))
    refused(jane.refresh(second))
    assert jane.family().ended_because == "reused"
    assert len(jane.rows(HistoryEvent.objects.filter(action="authorization.ended"))) == 1


def test_it_is_its_clients_and_its_tenants(jane: Person) -> None:
    token = jane.tokens()["refresh_token"]
    refused(jane.refresh(token, FRONTEND))
    refused(jane.refresh(token, "globex.reader"))
    refused(jane.ask(METER, {"grant_type": "refresh_token", "refresh_token": token}, jane.world.acme))
    # Who holds it without the client's proof ends nothing.
    assert jane.refresh(token).status_code == 200


def test_less_may_be_asked_never_more(jane: Person) -> None:
    token = jane.tokens(scope="openid email")["refresh_token"]
    more = jane.refresh(token, scope="openid profile")
    assert (more.status_code, more.json()["error"]) == (400, "invalid_scope")
    less = jane.refresh(token, scope="email").json()
    assert less["scope"] == f"aud:{METER} email"
    assert "id_token" not in less
    assert jane.refresh(less["refresh_token"]).json()["scope"] == f"aud:{METER} openid email"
    foreign = jane.refresh(less["refresh_token"], resource="urn:iam:application:globex.reader")
    assert foreign.json()["error"] == "invalid_target"


def test_a_grant_that_was_narrowed_to_a_role_stays_narrow(jane: Person) -> None:
    give(jane.world, jane.user, "editor")
    token = jane.tokens(scope=f"openid email {METER}/viewer")["refresh_token"]
    reply = jane.refresh(token, scope="openid").json()
    assert reply["scope"] == f"aud:{METER} {METER}/viewer openid"
    assert [urn.rpartition(":")[2] for urn in opened(reply["access_token"])["roles"]] == ["viewer"]


def test_it_is_decided_anew_and_a_pause_uses_nothing_up(jane: Person) -> None:
    token = jane.tokens()["refresh_token"]
    contract = Contract.objects.get(consumer=jane.tenant, provider=jane.world.acme)
    at = jane.world.clock.at
    pauses.pause(tenant=jane.world.acme, contract_id=contract.pk, by=SYSTEM, at=at)
    body = refused(jane.refresh(token))
    assert body["reason"] == "contract_paused"
    assert body["reasons"][0]["contractId"] == str(contract.pk)
    pauses.resume(
        tenant=jane.world.acme, contract_id=contract.pk, by=SYSTEM, at=jane.world.clock.forward(seconds=5)
    )
    assert jane.refresh(token).status_code == 200


def test_roles_are_those_of_the_moment(jane: Person) -> None:
    reply = jane.tokens()
    give(jane.world, jane.user, "editor", ends_at=jane.world.clock.at + timedelta(minutes=5))
    gained = jane.refresh(reply["refresh_token"]).json()
    assert len(opened(gained["access_token"])["roles"]) == 2
    jane.world.clock.forward(minutes=4)
    still = jane.refresh(gained["refresh_token"]).json()
    # The role ends in a minute, and so does the token that names it.
    assert opened(still["access_token"])["exp"] == int(
        (jane.world.clock.at + timedelta(minutes=1)).timestamp()
    )
    jane.world.clock.forward(minutes=1)
    lost = jane.refresh(still["refresh_token"]).json()
    assert len(opened(lost["access_token"])["roles"]) == 1


@pytest.mark.parametrize("scope", ["openid", "openid offline_access"])
def test_a_person_who_may_not_be_here(jane: Person, scope: str) -> None:
    token = jane.tokens(scope=scope)["refresh_token"]
    with tenant_scope(jane.tenant.id):
        users.deactivate(tenant=jane.tenant, user_id=jane.user.pk, by=SYSTEM, at=jane.world.clock.at)
    refused(jane.refresh(token))
    jane.world.clock.forward(seconds=5)
    with tenant_scope(jane.tenant.id):
        users.reactivate(tenant=jane.tenant, user_id=jane.user.pk, by=SYSTEM, at=jane.world.clock.at)
    refused(jane.refresh(token))


def test_a_deleted_person_has_nothing_left(jane: Person) -> None:
    """Nor does a code that was sent, or the next person of that name."""
    online, offline = jane.tokens(), jane.tokens(scope="openid offline_access")
    code, world = jane.code(), jane.world
    with tenant_scope(jane.tenant.id):
        deletion.delete(tenant=jane.tenant, user_id=jane.user.pk, by=SYSTEM, at=world.clock.at)
    for reply in (online, offline):
        assert world.introspect(METER, jane.tenant, reply["access_token"]).json() == {"active": False}
        refused(jane.refresh(reply["refresh_token"]))
    refused(jane.exchange(code))
    assert "/sign-in" in jane.authorize()["Location"]
    make_user(jane.tenant, "jane", at=world.clock.at)
    refused(jane.refresh(offline["refresh_token"]))


def test_a_suspended_tenant(jane: Person) -> None:
    token = jane.tokens(scope="openid offline_access")["refresh_token"]
    tenants.suspend(tenant=jane.tenant, reason="", by=SYSTEM, at=jane.world.clock.at)
    assert refused(jane.refresh(token))["reason"] == "tenant_suspended"


def test_signing_out_ends_what_rests_on_the_session_and_nothing_else(jane: Person) -> None:
    online, offline = jane.tokens(), jane.tokens(scope="openid offline_access")
    with tenant_scope(jane.tenant.id):
        session = UserSession.objects.select_related("user").get(user=jane.user)
        sessions.sign_out(session=session, by=SYSTEM, at=jane.world.clock.at)
    refused(jane.refresh(online["refresh_token"]))
    assert jane.refresh(offline["refresh_token"]).status_code == 200


def test_idle_limits(jane: Person) -> None:
    """The tenant's own, within the bounds of the settings; an offline one has no end but idling."""
    jane.world.clock.forward(seconds=1)
    Tenant.objects.filter(pk=jane.tenant.pk).update(refresh_idle_seconds=600, offline_idle_seconds=86_400)
    online, offline = jane.tokens()["refresh_token"], jane.tokens(scope="offline_access")["refresh_token"]
    for _ in range(3):
        jane.world.clock.forward(seconds=599)
        online = jane.refresh(online).json()["refresh_token"]
    jane.world.clock.forward(seconds=600)
    refused(jane.refresh(online))
    for _ in range(3):
        jane.world.clock.forward(seconds=80_000)
        offline = jane.refresh(offline).json()["refresh_token"]
    jane.world.clock.forward(seconds=86_400)
    refused(jane.refresh(offline))


def test_an_online_one_ends_with_the_sessions_own_end(jane: Person) -> None:
    token = jane.tokens()["refresh_token"]
    with tenant_scope(jane.tenant.id):
        end = UserSession.objects.get(user=jane.user).expires_at
    while jane.world.clock.at + timedelta(minutes=50) < end:
        jane.world.clock.forward(minutes=50)
        token = jane.refresh(token).json()["refresh_token"]
    jane.world.clock.at = end
    refused(jane.refresh(token))


def test_the_life_of_tokens_is_the_tenants_choice_and_never_longer(jane: Person) -> None:
    Tenant.objects.filter(pk=jane.tenant.pk).update(access_token_seconds=60)
    assert jane.tokens()["expires_in"] == 60
    Tenant.objects.filter(pk=jane.tenant.pk).update(access_token_seconds=100_000)
    assert jane.tokens()["expires_in"] == 300


@pytest.mark.parametrize("token", ["", "\0", "x" * 100_000, "é"])
def test_malformed(jane: Person, token: str) -> None:
    response = jane.refresh(token)
    assert response.status_code == 400
    assert response.json()["error"] == ("invalid_grant" if token else "invalid_request")


def test_its_family_is_locked_before_it_is_believed(jane: Person) -> None:
    """An end that commits while a refresh waits is seen by it."""
    value = jane.tokens()["refresh_token"]
    by, at = SYSTEM, jane.world.clock.at
    family = jane.family()
    with tenant_scope(jane.tenant.id):
        authorizations.end(authorization=family, because=Authorization.Ended.WITHDRAWN, by=by, at=at)
        client = family.client
        assert sign_ins.current(tenant=jane.tenant, client=client, value=value, by=by, at=at) is None
        assert RefreshToken.objects.filter(used_at=None).count() == 1
