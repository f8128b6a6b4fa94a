"""The latest sign-ins on one's own page say how the person proved himself."""

from collections.abc import Iterator

import pytest
from django.db import transaction
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from iam_portal.walls import tenant_scope
from tenants.actions import entering
from tenants.actions.entering import Origin
from tests.applications.story import Party, party
from tests.support.once import made_once, savepoint


@pytest.fixture(scope="module")
def office(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Party]:
    with made_once(django_db_blocker):
        yield party("acme")


@pytest.fixture
def acme(office: Party, django_db_blocker: DjangoDbBlocker) -> Iterator[Party]:
    with savepoint(django_db_blocker):
        yield office.fork()


@pytest.mark.parametrize(
    ("methods", "said"),
    [
        (["pwd"], "Signed in with a password"),
        (["pwd", "otp", "mfa"], "Signed in with password and code"),
        (["swk", "mfa"], "Signed in with a passkey"),
        (["hwk", "mfa"], "Signed in with a passkey"),
    ],
)
def test_recent_sign_ins_say_how(acme: Party, methods: list[str], said: str) -> None:
    with tenant_scope(acme.tenant.id), transaction.atomic():
        entering.enter(user=acme.user, former=None, methods=methods, origin=Origin(), at=timezone.now())
    assert acme.get("account").context["sign_ins"][0]["said"] == said
