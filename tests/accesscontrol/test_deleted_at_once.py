"""A deletion, and whatever gives something to the same person at the same moment: nothing is left over."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from accesscontrol.actions import assignments
from accesscontrol.actions.assignments import Wanted
from accesscontrol.models import Assignment
from applications.models.applications import PORTAL_ID
from iam_portal.errors import DomainError
from iam_portal.walls import tenant_scope
from tenants import emails
from tenants.actions import deletion, links, memberships, sessions, users
from tenants.models import Membership, User, UserActivity, UserLink, UserSession
from tests.support.factories import PASSWORD, SYSTEM, make_group, make_tenant, make_user
from tests.tenants.conftest import Racers

TURNS = 4


def test_nothing_is_given_to_who_is_deleted_meanwhile(
    committed_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused or done before: then the deletion has ended it."""
    born, mailed = datetime.now(UTC), list[str]()
    monkeypatch.setattr(emails, "send_link", lambda *, link, token: mailed.append(token))
    acme = make_tenant("acme", at=born)
    group = make_group(acme, "Night", at=born)

    def acts(joe: User) -> list[Callable[[], Any]]:
        with tenant_scope(acme.id):
            links.issue(tenant=acme, user=joe, at=datetime.now(UTC))
        wanted = Wanted(role="user", application_id=PORTAL_ID, user_id=joe.id)
        named: list[tuple[Callable[..., Any], dict[str, Any]]] = [
            (deletion.delete, {"user_id": joe.id, "by": SYSTEM}),
            (memberships.add, {"user_id": joe.id, "group_id": group.id, "by": SYSTEM}),
            (assignments.assign, {"wanted": wanted, "by": SYSTEM}),
            (users.accept, {"token": mailed[-1], "password": PASSWORD}),
            (sessions.sign_in, {"username": joe.username, "password": PASSWORD}),
            (users.change, {"user_id": joe.id, "by": SYSTEM, "display_name": "Other"}),
        ]
        return [_in_scope(action, tenant=acme, **given) for action, given in named]

    def _in_scope(action: Callable[..., Any], **given: Any) -> Callable[[], Any]:
        def run() -> Any:
            with tenant_scope(acme.id):
                return action(**given, at=datetime.now(UTC))

        return run

    with Racers(6) as racers:
        for number in range(TURNS):
            joe = make_user(acme, f"joe{number}", at=datetime.now(UTC))
            outcomes = racers.at_once(*acts(joe))
            refusals = [one for one in outcomes if isinstance(one, Exception)]
            assert [one for one in refusals if not isinstance(one, DomainError)] == []
            assert outcomes[0] is None  # deleted, whoever came first
            assert_gone(joe)


def assert_gone(joe: User) -> None:
    """Nothing of his is left that counts, now or later."""
    at = datetime.now(UTC)
    with tenant_scope(joe.tenant_id):
        assert not User.objects.filter(pk=joe.pk).exists()
        for model in (Membership, Assignment, UserActivity):
            assert not model.objects.not_over(at).filter(user=joe).exists(), model
        assert not UserSession.objects.filter(user=joe, ended_at=None).exists()
        assert not UserLink.objects.filter(user=joe, used_at=None).exists()
        left = User.everyone.get(pk=joe.pk)
        assert (left.email, left.has_usable_password()) == ("", False)
