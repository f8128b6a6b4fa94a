"""A person who is deleted: everything of his ends at once, nothing finds him, and the record stays whole."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from accesscontrol.actions import assignments
from accesscontrol.models import Assignment
from applications.actions import clients, contracts
from applications.models import ClientSecret, Contract, Event
from iam_portal.walls import tenant_scope
from tenants import history
from tenants.actions import chain, deletion, links, sessions
from tenants.models import HistoryEvent, HistoryPerson, Membership, Tenant, User, UserSession
from tests.applications.story import Party, party, share, signed_in
from tests.support import factories
from tests.support.administering import call, refused
from tests.support.knocking import give
from tests.support.once import made_once, savepoint

PLANNER = "acme.fleet-planner"


@pytest.fixture(scope="module")
def both(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Party]]:
    """In both, Joe manages access, is in the group Night and plans tours by it; at Acme he is signed in."""
    settings.STATIC_ROOT = str(tmp_path_factory.mktemp("static"))
    with made_once(django_db_blocker):
        made = {slug: party(slug) for slug in ("acme", "neighbour")}
        factories.make_partners(made["acme"].tenant, made["neighbour"].tenant, at=timezone.now())
        for each in made.values():
            joe = factories.make_user(each.tenant, "joe", at=timezone.now())
            give(each.tenant, "access-manager", user_id=joe.id)
            night = factories.make_group(each.tenant, "Night", members=(joe,), at=timezone.now())
            wanted = assignments.Wanted(
                role="planner", application_id=each.applications["planner"].id, group_id=night.id
            )
            at = timezone.now()
            assignments.assign(tenant=each.tenant, wanted=wanted, by=factories.acting(joe), at=at)
        yield made


@pytest.fixture
def acme(both: dict[str, Party], django_db_blocker: DjangoDbBlocker) -> Iterator[Party]:
    with savepoint(django_db_blocker):
        yield both["acme"].fork()


@pytest.fixture
def neighbour(acme: Party, both: dict[str, Party]) -> Party:
    return both["neighbour"].fork()


def user_of(party: Party, name: str) -> User:
    with tenant_scope(party.tenant.id):
        return party.tenant.users.get(username=name)


def delete(party: Party, user: User) -> Any:
    """As a console does: look, then send what was seen."""
    seen = call(party, "GET", f"users/{user.id}/impact?action=delete")
    assert seen.status_code == 200, seen.content
    return call(party, "DELETE", f"users/{user.id}", **{"If-Match": seen["ETag"]})


def keep_pseudonyms(party: Party) -> None:
    reply = call(party, "PATCH", "deleted-people", {"historyKeeps": "pseudonym"})
    assert (reply.status_code, reply.json()["historyKeeps"]) == (200, "pseudonym")


def names_beside_history(tenant: Tenant) -> set[str]:
    with tenant_scope(tenant.id):
        rows = HistoryPerson.objects.filter(tenant=tenant).values_list("actor_name", "subject_name")
        return {name for row in rows for name in row}


# --- before and after --------------------------------------------------------------------------------


def test_it_needs_the_impact_that_was_seen(acme: Party) -> None:
    joe = user_of(acme, "joe")
    path = f"users/{joe.id}"
    seen = call(acme, "GET", f"{path}/impact?action=delete").json()
    assert (seen["action"], seen["users"]["count"], seen["sessions"]["count"]) == ("delete", 1, 0)
    assert [row["name"] for row in seen["users"]["items"]] == ["Joe"]
    assert {urn.rpartition(":")[2] for urn in seen["users"]["items"][0]["roles"]} == {
        "access-manager",
        "planner",
    }
    assert seen["withoutPeople"] == {
        "count": 1,
        "items": [{"applicationId": PLANNER, "name": "Fleet Planner"}],
    }
    told = refused(call(acme, "DELETE", path), 428, "impact_required")
    assert told["impact"]["revision"] == seen["revision"]
    call(acme, "PATCH", path, {"displayName": "Joseph"})
    stale = call(acme, "DELETE", path, **{"If-Match": f'"{seen["revision"]}"'})
    refused(stale, 412, "impact_changed")
    refused(call(acme, "DELETE", path, **{"If-Match": '"r-2"'}), 428, "impact_required")
    refused(call(acme, "GET", f"{path}/impact?action=rename"), 400, "invalid")
    assert call(acme, "GET", path).json()["active"]


def test_nothing_finds_him_any_more_and_his_name_is_free(acme: Party) -> None:
    joe = user_of(acme, "joe")
    path = f"users/{joe.id}"
    assert delete(acme, joe).status_code == 204
    refused(call(acme, "GET", path), 404, "not_found")
    refused(call(acme, "DELETE", path), 404, "not_found")
    refused(call(acme, "GET", f"{path}/impact?action=delete"), 404, "not_found")
    for act in ("deactivate", "reactivate", "reset-password", "resend-invitation"):
        refused(call(acme, "POST", f"{path}/{act}"), 404, "not_found")
    refused(call(acme, "PATCH", path, {"displayName": "x"}), 404, "not_found")
    for query in ("", "?search=joe", "?active=false", "?search=deleted"):
        assert str(joe.id) not in call(acme, "GET", f"users{query}").content.decode()
    role = {"applicationId": PLANNER, "key": "planner"}
    again = {"principal": {"userId": str(joe.id)}, "role": role}
    refused(call(acme, "POST", "assignments", again), 404, "not_found")
    assert acme.get(f"users/{joe.id}").status_code == 404
    assert "Joe" not in acme.get("users").content.decode()
    new = {"username": "JOE", "email": "Joe@example.org", "displayName": "Joe"}
    made = call(acme, "POST", "users", new)
    assert made.status_code == 201
    assert made.json()["userId"] != str(joe.id)
    assert call(acme, "GET", f"users/{made.json()['userId']}/groups").json()["items"] == []


def test_all_that_he_holds_ends_at_once(acme: Party) -> None:
    joe = user_of(acme, "joe")
    browser = signed_in(joe, timezone.now())
    tomorrow = timezone.now() + timedelta(days=1)
    wanted = assignments.Wanted(role="reader", application_id=PLANNER, user_id=joe.id, starts_at=tomorrow)
    assignments.assign(tenant=acme.tenant, wanted=wanted, by=acme.actor, at=timezone.now())
    with tenant_scope(acme.tenant.id):
        link = links.issue(tenant=acme.tenant, user=joe, at=timezone.now())
    assert browser.get(acme.url("account")).status_code == 200
    assert delete(acme, joe).status_code == 204
    assert browser.get(acme.url("account")).status_code == 302
    at = timezone.now()
    with tenant_scope(acme.tenant.id):
        link.refresh_from_db()
        assert link.used_at is not None
        assert not Assignment.objects.not_over(at).filter(user=joe).exists()
        assert not Membership.objects.not_over(at).filter(user=joe).exists()
        assert not UserSession.objects.filter(user=joe, ended_at=None).exists()
        acts = HistoryEvent.objects.filter(tenant=acme.tenant, subject_id=str(joe.id)).order_by("id")
        told = list(acts.values_list("action", flat=True))[-4:]
        assert told == ["group.member_removed", "role.withdrawn", "role.withdrawn", "user.deleted"]
        assert (
            Event.objects.filter(type="iam.role.withdrawn.v1", data__principal__user=str(joe.id)).count() == 2
        )
    for name in ("joe", "joe@example.org", f"deleted-{joe.id}"):
        with pytest.raises(sessions.SignInRefused):
            sessions.sign_in(tenant=acme.tenant, username=name, password=factories.PASSWORD, at=at)


# --- who may -----------------------------------------------------------------------------------------


def test_nobody_deletes_himself_or_a_stronger_one(acme: Party) -> None:
    jane, joe = user_of(acme, "jane"), user_of(acme, "joe")
    refused(call(acme, "GET", f"users/{jane.id}/impact?action=delete"), 409, "own_account")
    refused(call(acme, "DELETE", f"users/{jane.id}"), 409, "own_account")
    weak = signed_in(joe, timezone.now())
    said = refused(call(acme, "DELETE", f"users/{jane.id}", by=weak), 403, "forbidden")
    assert said["reasons"][0]["code"] == "permission_not_held"
    with tenant_scope(acme.tenant.id):
        row = HistoryEvent.objects.filter(tenant=acme.tenant, action="grant.refused").get()
        assert (row.actor_id, row.subject_id) == (str(joe.id), str(jane.id))
    assert call(acme, "GET", f"users/{jane.id}").json()["active"]


def test_the_neighbours_joe_is_not_there(acme: Party, neighbour: Party) -> None:
    theirs = user_of(neighbour, "joe")
    refused(call(acme, "DELETE", f"users/{theirs.id}"), 404, "not_found")
    refused(call(acme, "GET", f"users/{theirs.id}/impact?action=delete"), 404, "not_found")
    assert delete(acme, user_of(acme, "joe")).status_code == 204
    assert call(neighbour, "GET", f"users/{theirs.id}").json()["active"]


# --- what history keeps ------------------------------------------------------------------------------


def leave_traces(acme: Party, neighbour: Party, joe: User) -> Contract:
    """His name in a contract, beside a secret, and in the record of both sides."""
    by, at = factories.acting(joe), timezone.now()
    planner = acme.applications["planner"]
    clients.add_secret(tenant=acme.tenant, client_id=planner.id, by=by, at=at)
    made = share(acme, neighbour, planner)
    contracts.end(tenant=acme.tenant, contract_id=made.id, by=by, at=timezone.now())
    return made


def test_history_keeps_the_name_unless_the_tenant_chose_otherwise(acme: Party, neighbour: Party) -> None:
    joe = user_of(acme, "joe")
    leave_traces(acme, neighbour, joe)
    assert delete(acme, joe).status_code == 204
    assert "Joe" in names_beside_history(acme.tenant)
    with tenant_scope(acme.tenant.id):
        left = User.everyone.get(pk=joe.pk)
        assert (left.display_name, left.email, left.last_login) == ("Joe", "", None)
        assert not left.has_usable_password()


def test_a_pseudonym_stands_wherever_the_name_was(acme: Party, neighbour: Party) -> None:
    joe = user_of(acme, "joe")
    keep_pseudonyms(acme)
    signed_in(joe, timezone.now())
    contract = leave_traces(acme, neighbour, joe)
    call(acme, "PATCH", f"users/{joe.id}", {"displayName": "Joseph", "email": "joseph@example.org"})
    for tenant in (acme.tenant, neighbour.tenant):
        assert "Joe" in names_beside_history(tenant)
        chain.lay(tenant_id=tenant.id)
    assert delete(acme, joe).status_code == 204
    pseudonym = f"Deleted user {joe.id.hex[:8]}"
    assert names_beside_history(acme.tenant).isdisjoint({"Joe", "Joseph"})
    assert pseudonym in names_beside_history(acme.tenant)
    with tenant_scope(acme.tenant.id):
        left = User.everyone.get(pk=joe.pk)
        assert (left.display_name, left.email, left.username) == (pseudonym, "", f"deleted-{joe.id}")
        assert set(UserSession.objects.filter(user=joe).values_list("source_address")) == {("",)}
        assert not Assignment.objects.filter(by_name__in=["Joe", "Joseph"]).exists()
        assert Assignment.objects.filter(by_name=pseudonym, group__name="Night").exists()
        addresses = HistoryPerson.objects.filter(actor_name=pseudonym).values_list("source_address")
        assert set(addresses) == {("",)}
        assert ClientSecret.objects.filter(created_by=pseudonym).count() == 1
        contract.refresh_from_db()
        assert contract.ended_by == pseudonym
    with tenant_scope(neighbour.tenant.id):  # which has a Joe of its own, whose name stays
        beside = HistoryPerson.objects.filter(tenant=neighbour.tenant)
        acts = HistoryEvent.objects.filter(tenant=neighbour.tenant, actor_id=str(joe.id)).values("id")
        assert set(beside.filter(event_id__in=acts).values_list("actor_name")) == {(pseudonym,)}
        assert beside.exclude(event_id__in=acts).filter(actor_name="Joe").exists()
    for tenant in (acme.tenant, neighbour.tenant):
        chain.lay(tenant_id=tenant.id)
        assert chain.verify(tenant_id=tenant.id) is None
    with tenant_scope(acme.tenant.id):
        row = HistoryEvent.objects.filter(tenant=acme.tenant, action="user.deleted").get()
        assert (row.subject_id, row.before) == (str(joe.id), {"active": True})
        assert row.after == {"active": False, "keeps": "pseudonym"}
        assert HistoryPerson.objects.get(pk=row.pk).salt  # as provable as any


def test_a_name_that_somebody_else_has_too_stays_where_it_cannot_be_told_whose(acme: Party) -> None:
    joe = user_of(acme, "joe")
    other = factories.make_user(acme.tenant, "joe2", at=timezone.now())
    call(acme, "PATCH", f"users/{other.id}", {"displayName": "Joe"})
    keep_pseudonyms(acme)
    clients.add_secret(tenant=acme.tenant, client_id=PLANNER, by=factories.acting(other), at=timezone.now())
    with tenant_scope(acme.tenant.id):
        ClientSecret.objects.filter(created_by="Joe2").update(created_by="Joe")
    assert delete(acme, joe).status_code == 204
    with tenant_scope(acme.tenant.id):
        assert ClientSecret.objects.filter(created_by="Joe").count() == 1
        assert Assignment.objects.filter(by_name=f"Deleted user {joe.id.hex[:8]}").count() == 1


def test_what_was_under_way_loses_the_name_a_little_later(acme: Party) -> None:
    joe, by = user_of(acme, "joe"), factories.acting(user_of(acme, "joe"))
    keep_pseudonyms(acme)
    assert delete(acme, joe).status_code == 204
    at = timezone.now()
    with tenant_scope(acme.tenant.id):
        history.record(action="x.y", tenants=[acme.tenant], by=by, at=at, subject=("user", joe.id, "Joe"))
    assert deletion.erase_late(at=at + deletion.LATE * 2) == 0
    assert "Joe" in names_beside_history(acme.tenant)
    assert deletion.erase_late(at=at) == 1
    assert "Joe" not in names_beside_history(acme.tenant)


def test_nobody_living_can_be_erased(acme: Party, neighbour: Party) -> None:
    """By whatever reaches the database as the web does: the wall's owner does it for deleted people only."""
    deleted = user_of(neighbour, "joe")
    assert delete(neighbour, deleted).status_code == 204
    for user_id in (user_of(acme, "joe").id, deleted.id, UUID(int=1)):
        with (
            tenant_scope(acme.tenant.id),
            pytest.raises(DatabaseError),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute("SELECT iam_erase_person(%s)", [user_id])
    with tenant_scope(acme.tenant.id), pytest.raises(DatabaseError), transaction.atomic():
        HistoryPerson.objects.filter(tenant=acme.tenant).update(actor_name="x")
