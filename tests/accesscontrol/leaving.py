"""Two organizations, each with a Joe who leaves a name behind, and how he is deleted."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from accesscontrol.actions import assignments
from iam_portal.walls import tenant_scope
from tenants.models import (
    HistoryPerson,
    Tenant,
    User,
)
from tests.applications.story import Party, party
from tests.support import factories
from tests.support.administering import call
from tests.support.knocking import give
from tests.support.once import made_once, savepoint

PLANNER = "acme.fleet-planner"


@pytest.fixture(name="both", scope="module")
def both_once(
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


@pytest.fixture(name="acme")
def acme_again(both: dict[str, Party], django_db_blocker: DjangoDbBlocker) -> Iterator[Party]:
    with savepoint(django_db_blocker):
        yield both["acme"].fork()


@pytest.fixture(name="neighbour")
def neighbour_again(acme: Party, both: dict[str, Party]) -> Party:
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
