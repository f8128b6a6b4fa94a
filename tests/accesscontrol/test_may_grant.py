"""Nobody hands out what he does not hold, by whatever way: each is tried, refused, and recorded."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from accesscontrol.actions import assignments
from accesscontrol.gate import permissions
from iam_portal.errors import Forbidden
from iam_portal.gate import Actor
from iam_portal.walls import tenant_scope
from tenants import history
from tenants.actions import users
from tenants.models import (
    HistoryEvent,
    Tenant,
    User,
)
from tests.support.factories import SYSTEM, acting
from tests.support.granting import FOREIGN, STRONG, WAYS, Office, away, state
from tests.support.knocking import give


def refused(tenant: Tenant) -> list[HistoryEvent]:
    return list(HistoryEvent.objects.filter(tenant=tenant, action="grant.refused").order_by("id"))


def assert_refused(office: Office, act: Callable[[Actor], Any], user: User, code: str) -> None:
    with tenant_scope(office.tenant.id):
        before = state()
        with pytest.raises(Forbidden) as caught:
            act(acting(user))
        assert state() == before
        assert caught.value.reasons[0].code == code
        history.record_refusal(caught.value)  # as every door does
        history.record_refusal(caught.value)  # and once is enough
        (row,) = refused(office.tenant)
        assert (row.actor_kind, row.actor_id) == ("user", str(user.id))
        assert code in row.after["reasons"]
        assert bool(row.after["missing"]) == (code == "permission_not_held")


@pytest.mark.parametrize("way", WAYS)
def test_a_way_to_more_rights_is_closed(office: Office, way: str) -> None:
    assert_refused(office, WAYS[way](office), office.clerk, "permission_not_held")


@pytest.mark.parametrize("way", FOREIGN)
def test_roles_of_applications_are_the_access_managers(office: Office, way: str) -> None:
    assert_refused(office, FOREIGN[way](office), office.module_manager, "not_access_manager")
    FOREIGN[way](office)(acting(office.clerk))


@pytest.mark.parametrize("way", WAYS)
def test_who_holds_it_may(office: Office, way: str) -> None:
    """The same acts by one who holds the role: nothing but the missing permission was in the way."""
    give(office.tenant, STRONG[0], user_id=office.deputy.id)  # so that the chief is not the last one
    with tenant_scope(office.tenant.id):
        before = state()
        WAYS[way](office)(acting(office.chief))
        assert state() != before
        assert refused(office.tenant) == []


def test_nobody_gives_himself_back_what_he_held(office: Office) -> None:
    """By a request that was under way when he was sent away."""
    assert_refused(office, away(office, office.deputy), office.deputy, "permission_not_held")


def test_what_one_loses_one_cannot_hand_out(office: Office) -> None:
    """A role that ended yesterday, and one that begins tomorrow, are none."""
    act = office.give(STRONG[0], user_id=office.clerk.id)
    office.act(assignments.withdraw, assignment_id=office.held.id)(SYSTEM)
    assert_refused(office, act, office.chief, "permission_not_held")
    wanted = {"user_id": office.chief.id, "starts_at": office.at + timedelta(days=1)}
    office.give(STRONG[0], **wanted)(SYSTEM)
    with pytest.raises(Forbidden):
        act(acting(office.chief))


def test_an_invitation_lets_nobody_in_with_rights(office: Office) -> None:
    """Who is invited holds nothing; what is given to him afterwards is asked for."""
    invited = office.act(users.invite, username="new", email="new@example.org", display_name="New")(
        acting(office.clerk)
    )
    with tenant_scope(office.tenant.id):
        held = permissions(actor=acting(invited), tenant_id=office.tenant.id, at=office.at)
        assert {resource for _, resource, _ in held} <= {"OwnAccount"}
    office.act(users.reset, user_id=invited.id)(acting(office.clerk))
    give(office.tenant, STRONG[0], user_id=invited.id)
    with pytest.raises(Forbidden):
        office.act(users.reset, user_id=invited.id)(acting(office.clerk))
