"""Where one is signed in: this browser, the latest others, and how many more there are."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from iam_portal.walls import tenant_scope
from tenants.models import User, UserSession
from tenants.views.account import SHOWN
from tests.applications.story import Party, party, signed_in
from tests.support.factories import make_user
from tests.support.once import made_once, savepoint


@pytest.fixture(scope="module")
def office(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Party]:
    with made_once(django_db_blocker):
        yield party("acme")


@pytest.fixture
def acme(office: Party, django_db_blocker: DjangoDbBlocker) -> Iterator[Party]:
    with savepoint(django_db_blocker):
        yield office.fork()


def browsers(acme: Party, user: User, count: int, *, at: datetime) -> None:
    """Seen one minute after the other, the last one at the moment."""
    with tenant_scope(acme.tenant.id):
        UserSession.objects.bulk_create(
            UserSession(
                tenant=acme.tenant,
                user=user,
                digest=f"{user.username}-{number}-{at.timestamp()}",
                created_at=at - timedelta(hours=1),
                seen_at=at - timedelta(minutes=number),
                expires_at=at + timedelta(hours=1),
                source_address=f"192.0.2.{number}",
            )
            for number in range(count)
        )


def test_the_latest_are_listed_and_the_others_counted(acme: Party) -> None:
    at = timezone.now()
    browsers(acme, acme.user, SHOWN + 4, at=at)
    browsers(acme, make_user(acme.tenant, "kim", at=at), 7, at=at)
    page = acme.get("account")
    listed = page.context["sessions"]
    assert [row["own"] for row in listed] == [True] + [False] * (SHOWN - 1)
    assert [row["address"] for row in listed[1:]] == [f"192.0.2.{number}" for number in range(SHOWN - 1)]
    assert "and 5 more browsers" in page.content.decode()


def test_all_are_listed_while_they_are_few(acme: Party) -> None:
    at = timezone.now()
    browsers(acme, acme.user, SHOWN - 1, at=at)
    page = acme.get("account")
    assert len(page.context["sessions"]) == SHOWN
    assert page.context["more_sessions"] == ""


def test_one_more_is_one(acme: Party) -> None:
    browsers(acme, acme.user, SHOWN, at=timezone.now())
    assert "and 1 more browser<" in acme.get("account").content.decode()


def test_what_is_over_is_neither_listed_nor_counted(acme: Party) -> None:
    browsers(acme, acme.user, SHOWN + 4, at=timezone.now() - timedelta(hours=2))
    page = acme.get("account")
    assert [row["own"] for row in page.context["sessions"]] == [True]
    assert page.context["more_sessions"] == ""


def test_this_browser_is_listed_however_long_ago_it_was_seen(acme: Party) -> None:
    browsers(acme, acme.user, SHOWN + 4, at=timezone.now() + timedelta(minutes=50))
    assert acme.get("account").context["sessions"][0]["own"]


def test_those_that_are_not_listed_end_with_all_others(acme: Party) -> None:
    forgotten: Client = signed_in(acme.user, timezone.now())
    browsers(acme, acme.user, SHOWN + 4, at=timezone.now() + timedelta(minutes=50))
    assert acme.post("account/sessions/end-others").status_code == 302
    assert forgotten.get("/t/acme/account").status_code == 302
    page = acme.get("account")
    assert [row["own"] for row in page.context["sessions"]] == [True]
