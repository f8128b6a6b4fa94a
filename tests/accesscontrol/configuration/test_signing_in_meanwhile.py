"""Somebody comes from a provider while its mappings, or his groups, are changed: none is refused for it."""

import threading
import time
from datetime import datetime
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from iam_portal.errors import NotFound
from iam_portal.walls import tenant_scope
from tenants.actions import groups, identity_providers, mapper_rows, mappers, mapping, memberships
from tenants.models import (
    HistoryEvent,
    IdentityMapper,
    IdentityProvider,
    MappedMembership,
    Membership,
    User,
)
from tests.accesscontrol.configuration.test_at_once import apply, planned
from tests.applications.story import Party, party
from tests.support import factories
from tests.support.coming_from import make_mapper, make_provider
from tests.tenants.conftest import at_once

PAUSE = 0.5  # seconds in which the other runs into what the sign-in holds


@pytest.fixture
def acme(committed_db: None, tmp_path: Any, settings: Any) -> Party:
    settings.STATIC_ROOT = str(tmp_path)
    return party("acme")


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set when the sign-in has put somebody into a group; it stays there for a moment."""
    real, found = memberships.add, threading.Event()

    def slow(**given: Any) -> Any:
        made = real(**given)
        found.set()
        time.sleep(PAUSE)
        return made

    monkeypatch.setattr(mapping.memberships, "add", slow)
    return found


def comes(acme: Party, provider: IdentityProvider, user: User, *said: str, at: datetime | None = None) -> str:
    """As at a sign-in: all mappers in one transaction."""
    claims = {"groups": list(said)}
    with tenant_scope(acme.tenant.id), transaction.atomic():
        mapping.apply(provider=provider, user=user, claims=claims, first=False, at=at or timezone.now())
    return "in"


def in_groups(acme: Party) -> set[tuple[str, str]]:
    """Who is where now."""
    with tenant_scope(acme.tenant.id):
        now = Membership.objects.at(timezone.now()).filter(tenant=acme.tenant)
        return set(now.values_list("user__username", "group__name"))


def refusals(acme: Party) -> int:
    with tenant_scope(acme.tenant.id):
        return HistoryEvent.objects.filter(tenant_id=acme.tenant.id, action="mapper.refused").count()


def rule(acme: Party, provider: IdentityProvider, group: Any, value: str) -> IdentityMapper:
    made = {"kind": "group", "group": group, "claim": "groups", "value": value, "template": ""}
    return make_mapper(provider, acme.user, at=timezone.now(), **made)


def test_a_mapping_is_moved_by_a_document(acme: Party, inside: threading.Event) -> None:
    """The document takes the mapper away by which he is just put into its group."""
    at = timezone.now()
    with tenant_scope(acme.tenant.id):
        corp = make_provider(acme.tenant, at=at)
        make_provider(acme.tenant, "other", at=at, issuer="https://other.example")
        group = factories.make_group(acme.tenant, "Plant", at=at)
        kim = factories.make_user(acme.tenant, username="kim", at=at)
        rule(acme, corp, group, "g-1")
    one = {"kind": "group", "provider": "other", "claim": "groups", "value": "g-1", "group": "Plant"}
    document = {"version": 1, "mappings": [one]}
    revision = planned(acme, document)

    def moves() -> int:
        inside.wait(20)
        return int(apply(acme, document, revision).status_code)

    assert at_once(lambda: comes(acme, corp, kim, "g-1"), moves) == ["in", 200]


def taken_away(acme: Party, what: str, mapper: IdentityMapper) -> None:
    given: dict[str, Any] = {"tenant": acme.tenant, "by": factories.SYSTEM, "at": timezone.now()}
    with tenant_scope(acme.tenant.id):
        if what == "its provider":
            identity_providers.delete(key=mapper.provider.key, **given)
        else:
            mappers.delete(provider=mapper.provider, mapper_id=mapper.pk, **given)


@pytest.mark.parametrize("what", ["the mapper", "its provider"])
def test_what_puts_somebody_in_is_taken_away_when_he_is_in(
    acme: Party, inside: threading.Event, what: str
) -> None:
    """Who takes it away waits, and ends well; who is in stays there."""
    at = timezone.now()
    with tenant_scope(acme.tenant.id):
        corp = make_provider(acme.tenant, at=at)
        kim = factories.make_user(acme.tenant, "kim", at=at)
        mapper = rule(acme, corp, factories.make_group(acme.tenant, "Plant", at=at), "g-1")

    def takes_away() -> str:
        inside.wait(20)
        taken_away(acme, what, mapper)
        return "gone"

    assert at_once(lambda: comes(acme, corp, kim, "g-1"), takes_away) == ["in", "gone"]
    assert in_groups(acme) == {("kim", "Plant")}
    with tenant_scope(acme.tenant.id):
        assert not IdentityMapper.objects.filter(pk=mapper.pk).exists()
        assert not MappedMembership.objects.exists()


@pytest.mark.parametrize("what", ["the mapper", "its provider"])
def test_what_was_taken_away_a_moment_before_puts_nobody_in(
    acme: Party, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """The sign-in had read it, and goes on without it."""
    at = timezone.now()
    with tenant_scope(acme.tenant.id):
        corp = make_provider(acme.tenant, at=at)
        kim = factories.make_user(acme.tenant, "kim", at=at)
        mapper = rule(acme, corp, factories.make_group(acme.tenant, "Plant", at=at), "g-1")
    real = mapping.membership_changing.send

    def late(*args: Any, **given: Any) -> Any:
        found = real(*args, **given)
        at_once(lambda: taken_away(acme, what, mapper))
        return found

    monkeypatch.setattr(mapping.membership_changing, "send", late)
    assert comes(acme, corp, kim, "g-1") == "in"
    assert in_groups(acme) == set() and refusals(acme) == 1


def test_who_comes_in_here_and_goes_out_there_meets_an_administrator(
    acme: Party, inside: threading.Event
) -> None:
    """Who takes out holds the organization, and waits for the group; so does a sign-in that takes out."""
    at = timezone.now()
    with tenant_scope(acme.tenant.id):
        corp = make_provider(acme.tenant, at=at)
        kim, lee = (factories.make_user(acme.tenant, name, at=at) for name in ("kim", "lee"))
        first = factories.make_group(acme.tenant, "One", members=(lee,), at=at)
        second = factories.make_group(acme.tenant, "Two", members=(kim,), at=at)
        rule(acme, corp, first, "one")
        mapper = rule(acme, corp, second, "two")
        membership = Membership.objects.get(group=second, user=kim)
        MappedMembership.objects.create(tenant=acme.tenant, membership=membership, mapper=mapper)

    def takes_out() -> str:
        inside.wait(20)
        pair = {"group_id": first.id, "user_id": lee.id}
        with tenant_scope(acme.tenant.id):
            memberships.remove(tenant=acme.tenant, **pair, by=factories.SYSTEM, at=timezone.now())
        return "out"

    assert at_once(lambda: comes(acme, corp, kim, "one"), takes_out) == ["in", "out"]
    assert in_groups(acme) == {("kim", "One")}


def test_who_was_put_in_by_hand_holds_nobody_up(acme: Party) -> None:
    """Whom no mapper put in none takes out: such a sign-in waits for no lock of the organization."""
    at = timezone.now()
    with tenant_scope(acme.tenant.id):
        corp = make_provider(acme.tenant, at=at)
        kim = factories.make_user(acme.tenant, "kim", at=at)
        rule(acme, corp, factories.make_group(acme.tenant, "One", members=(kim,), at=at), "one")
    with CaptureQueriesContext(connection) as sent:
        assert comes(acme, corp, kim, "another") == "in"
    assert not [query["sql"] for query in sent if "UPDATE" in query["sql"]]


@pytest.fixture
def ending(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set when a group has taken its mappers along; its end is committed a moment later."""
    real, found = mapper_rows.end_with, threading.Event()

    def slow(*given: Any, **named: Any) -> None:
        real(*given, **named)
        found.set()
        time.sleep(PAUSE)

    monkeypatch.setattr(mapper_rows, "end_with", slow)
    return found


def test_a_group_ends_that_he_would_come_into(acme: Party, ending: threading.Event) -> None:
    """His sign-in began before, and waits for the group: he comes in, and into no group that is gone.

    Nor does who makes a mapper into it meanwhile.
    """
    at = timezone.now()
    with tenant_scope(acme.tenant.id):
        corp = make_provider(acme.tenant, at=at)
        kim = factories.make_user(acme.tenant, "kim", at=at)
        group = factories.make_group(acme.tenant, "Night shift", at=at)
        rule(acme, corp, group, "night")
    begun = timezone.now()

    def ends() -> str:
        with tenant_scope(acme.tenant.id):
            groups.delete(tenant=acme.tenant, group_id=group.id, by=factories.SYSTEM, at=timezone.now())
        return "ended"

    def arrives() -> str:
        ending.wait(20)
        return comes(acme, corp, kim, "night", at=begun)

    def maps() -> str:
        ending.wait(20)
        chosen = {"kind": "group", "when": "every", "claim": "groups", "value": "late"}
        asked = {"tenant": acme.tenant, "provider": corp, "group_id": group.id, "chosen": chosen}
        with tenant_scope(acme.tenant.id), pytest.raises(NotFound):
            mappers.create(**asked, by=factories.SYSTEM, at=begun)
        return "refused"

    assert at_once(ends, arrives, maps) == ["ended", "in", "refused"]
    assert in_groups(acme) == set()
    assert refusals(acme) == 1
    with tenant_scope(acme.tenant.id):
        assert not IdentityMapper.objects.filter(tenant=acme.tenant).exists()
        assert not Membership.objects.filter(group=group).exists()
