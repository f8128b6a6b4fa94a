"""Two operators at once, and an operator beside the person whom he invited."""

import re
from datetime import UTC, datetime
from typing import Any

from django.core import mail
from django.core.exceptions import ValidationError

from iam_portal.walls import tenant_scope
from tenants.actions import founding, links, tenants, users
from tenants.models import Tenant, TenantSuspension, User
from tests.support.factories import PASSWORD, SYSTEM
from tests.tenants.conftest import at_once

PERSON = {"display_name": "Gus Green", "email": "gus@example.org", "username": "gus"}


def now() -> datetime:
    return datetime.now(UTC)


def found(slug: str) -> Tenant:
    return founding.found(name=slug.capitalize(), slug=slug, **PERSON, by=SYSTEM, at=now())


def kinds(results: list[Any]) -> list[type]:
    return sorted((type(one) for one in results), key=lambda kind: kind.__name__)


def test_of_two_who_want_a_short_name_one_is_told_that_it_is_taken(committed_db: None) -> None:
    results = at_once(lambda: found("gamma"), lambda: found("gamma"))
    assert kinds(results) == [Tenant, ValidationError]
    assert Tenant.objects.filter(slug="gamma").count() == 1


def test_of_two_suspensions_one_counts(committed_db: None) -> None:
    gamma = found("gamma")

    def suspend() -> TenantSuspension:
        return tenants.suspend(tenant=gamma, reason="", by=SYSTEM, at=now())

    assert kinds(at_once(suspend, suspend)) == [tenants.AlreadySuspended, TenantSuspension]


def test_who_comes_in_is_not_sent_elsewhere_at_the_same_moment(committed_db: None) -> None:
    """Either he is in and the operator is refused, or his link is void: never is his account another's."""
    for number in range(4):
        gamma = found(f"gamma-{number}")
        token = re.search(r"token=(\S+)", mail.outbox[-1].body)
        assert token is not None

        def accept(gamma: Tenant = gamma, value: str = token[1]) -> User:
            return users.accept(tenant=gamma, token=value, password=PASSWORD, at=now())

        def again(gamma: Tenant = gamma) -> None:
            founding.invite_again(tenant=gamma, email="olga@example.org", by=SYSTEM, at=now())

        came, sent = at_once(accept, again)
        with tenant_scope(gamma.id):
            user = User.objects.get(tenant=gamma)
        if isinstance(came, User):
            assert isinstance(sent, founding.OrganizationJoined)
            assert (user.email, user.has_usable_password()) == ("gus@example.org", True)
        else:
            assert (type(came), sent) == (links.LinkUnknown, None)
            assert (user.email, user.has_usable_password()) == ("olga@example.org", False)
