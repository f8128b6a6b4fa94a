"""Names of deleted people: kept, or a pseudonym in their place, wherever they were copied."""

from dataclasses import replace
from uuid import UUID

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from accesscontrol.actions import succession
from accesscontrol.models import Assignment
from applications.actions import clients, contracts
from applications.models import Amendment, ApplicationRole, ClientSecret, Contract
from iam_portal.walls import tenant_scope
from tenants import history
from tenants.actions import chain, deletion, sessions, verification
from tenants.models import (
    HistoryEvent,
    HistoryPerson,
    IdempotentReply,
    Partnership,
    User,
    UserSession,
)
from tests.accesscontrol.leaving import (  # noqa: F401  (fixtures)
    PLANNER,
    acme_again,
    both_once,
    delete,
    keep_pseudonyms,
    names_beside_history,
    neighbour_again,
    user_of,
)
from tests.applications.story import Party, share, signed_in
from tests.support import factories
from tests.support.administering import call


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
        assert verification.verify(tenant_id=tenant.id) is None
    with tenant_scope(acme.tenant.id):
        row = HistoryEvent.objects.filter(tenant=acme.tenant, action="user.deleted").get()
        assert (row.subject_id, row.before) == (str(joe.id), {"active": True})
        assert row.after == {"active": False, "keeps": "pseudonym"}
        assert HistoryPerson.objects.get(pk=row.pk).salt  # as provable as any


def test_the_address_of_who_tried_to_be_him_goes_too(acme: Party) -> None:
    """It may have been himself."""
    joe = user_of(acme, "joe")
    keep_pseudonyms(acme)
    with pytest.raises(sessions.SignInRefused):
        factories.sign_in(joe, password="wrong", at=timezone.now())
    assert delete(acme, joe).status_code == 204
    with tenant_scope(acme.tenant.id):
        tried = HistoryEvent.objects.filter(action="session.refused", subject_id=str(joe.id)).values("id")
        beside = HistoryPerson.objects.filter(event_id__in=tried)
        told = list(beside.values_list("subject_name", "source_address"))
    assert told == [(f"Deleted user {joe.id.hex[:8]}", "")]


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
    assert "Joe" in names_beside_history(acme.tenant)
    assert deletion.erase_late(at=at) == 1
    assert "Joe" not in names_beside_history(acme.tenant)
    with tenant_scope(acme.tenant.id):
        history.record(action="x.y", tenants=[acme.tenant], by=by, at=at, subject=("user", joe.id, "Joe"))
    days_later = at + deletion.LATE * 200  # no worker was there
    assert deletion.erase_late(at=days_later) == 1
    assert "Joe" not in names_beside_history(acme.tenant)
    assert deletion.erase_late(at=days_later) == 0


def test_an_address_does_not_hide_behind_a_name_like_the_pseudonym(acme: Party) -> None:
    joe = user_of(acme, "joe")
    keep_pseudonyms(acme)
    name = f"Deleted user {joe.id.hex[:8]}"
    call(acme, "PATCH", f"users/{joe.id}", {"displayName": name})
    by, at = replace(factories.acting(joe), name=name, source_address="192.0.2.7"), timezone.now()
    with tenant_scope(acme.tenant.id):
        history.record(action="x.y", tenants=[acme.tenant], by=by, at=at, subject=("user", joe.id, name))
        rows = HistoryPerson.objects.filter(tenant=acme.tenant, source_address="192.0.2.7")
        assert rows.exists()
    assert delete(acme, joe).status_code == 204
    with tenant_scope(acme.tenant.id):
        assert not rows.all().exists()


def test_what_a_new_key_of_a_role_carried_on_loses_his_name(acme: Party) -> None:
    joe = user_of(acme, "joe")
    keep_pseudonyms(acme)
    planner, at = acme.applications["planner"], timezone.now()
    roles = ApplicationRole.objects.at(at).filter(application=planner)
    with transaction.atomic():
        pair = (roles.get(key="planner"), roles.get(key="reader"))
        succession.follow_roles(application=planner, pairs=[pair], by=acme.actor, at=at)
    with tenant_scope(acme.tenant.id):
        assert Assignment.objects.filter(application_role=pair[1], by_name="Joe").exists()
    assert delete(acme, joe).status_code == 204
    with tenant_scope(acme.tenant.id):
        assert not Assignment.objects.filter(by_name="Joe").exists()


def test_invitations_and_amendments_of_his_side_lose_his_name(acme: Party, neighbour: Party) -> None:
    """The other side's Joe keeps his."""
    joe, state = user_of(acme, "joe"), Amendment.State
    keep_pseudonyms(acme)
    made = share(acme, neighbour, acme.applications["planner"])

    def amended(by: Party, answer: str, *, widens: bool) -> Amendment:
        return Amendment.objects.create(
            contract=made,
            proposed_by_tenant=by.tenant,
            state=answer,
            widens=widens,
            proposed_by="Joe",
            answered_by="Joe",
            proposed_at=timezone.now(),
            answered_at=timezone.now(),
        )

    gone = {  # whether he is, of who proposed and of who answered
        amended(acme, state.DECLINED, widens=True): (True, False),
        amended(neighbour, state.DECLINED, widens=True): (False, True),
        amended(acme, state.WITHDRAWN, widens=True): (True, True),
        amended(neighbour, state.WITHDRAWN, widens=True): (False, False),
        amended(acme, state.ACCEPTED, widens=False): (True, True),
        amended(neighbour, state.ACCEPTED, widens=False): (False, False),
    }
    partners = Partnership.objects.filter(inviter=acme.tenant)
    assert partners.update(invited_by="Joe")
    assert delete(acme, joe).status_code == 204
    for row, expected in gone.items():
        row.refresh_from_db()
        assert (row.proposed_by != "Joe", row.answered_by != "Joe") == expected
    assert not partners.filter(invited_by="Joe").exists()


def test_kept_replies_do_not_name_him_either(acme: Party) -> None:
    joe = user_of(acme, "joe")
    made = call(acme, "POST", "groups", {"name": "Friends of Joe"}, **{"Idempotency-Key": "one"})
    assert made.status_code == 201
    with tenant_scope(acme.tenant.id):
        rows = IdempotentReply.objects.filter(tenant=acme.tenant, reply__contains="Joe")
        assert rows.exists()
    assert delete(acme, joe).status_code == 204
    with tenant_scope(acme.tenant.id):
        assert not rows.all().exists()


def test_nobody_living_can_be_erased(acme: Party, neighbour: Party) -> None:
    """By whatever reaches the database as the web does: the wall's owner does it for deleted people only."""
    deleted, kept = user_of(neighbour, "joe"), factories.make_user(acme.tenant, "kept", at=timezone.now())
    assert delete(neighbour, deleted).status_code == 204
    assert delete(acme, kept).status_code == 204  # where names are kept
    for user_id in (user_of(acme, "joe").id, deleted.id, kept.id, UUID(int=1)):
        with (
            tenant_scope(acme.tenant.id),
            pytest.raises(DatabaseError),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute("SELECT iam_erase_person(%s)", [user_id])
    with tenant_scope(acme.tenant.id), pytest.raises(DatabaseError), transaction.atomic():
        HistoryPerson.objects.filter(tenant=acme.tenant).update(actor_name="x")
