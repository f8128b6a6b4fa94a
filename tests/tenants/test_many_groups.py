"""The tree of groups, where there are more than one can look through: the topmost, a search."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from iam_portal.walls import cross_tenant, tenant_scope
from tenants.models import Group, GroupPlacement
from tenants.views.groups import DRAWN
from tests.applications.story import Party, party
from tests.support.once import made_once, savepoint

MANY = 600


@pytest.fixture(scope="module")
def party_once(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Party]:
    settings.STATIC_ROOT = str(tmp_path_factory.mktemp("static"))
    with made_once(django_db_blocker):
        yield party("acme")


@pytest.fixture
def acme(party_once: Party, django_db_blocker: DjangoDbBlocker) -> Iterator[Party]:
    with savepoint(django_db_blocker):
        yield party_once.fork()


def plant(acme: Party, number: int, *, below: int) -> list[Group]:
    """So many groups, each with ``below`` others right below it; 0: all at the top."""
    during = (timezone.now(), None)
    with cross_tenant():
        made = Group.objects.bulk_create(
            Group(tenant=acme.tenant, name=f"Team {place:03}", during=during) for place in range(number)
        )
        GroupPlacement.objects.bulk_create(
            GroupPlacement(tenant=acme.tenant, group=group, parent=made[place // below], during=during)
            for place, group in enumerate(made[1:] if below else [])
        )
    return made


def rows(page: Any) -> list[dict[str, Any]]:
    assert page.status_code == 200
    assert len(page.content) < 100_000
    return list(page.context["rows"])


def text(page: Any) -> str:
    return " ".join(page.content.decode().split())


def test_a_tree_that_can_be_looked_through_is_drawn_whole(acme: Party) -> None:
    plant(acme, DRAWN, below=3)
    page = acme.get("groups")
    assert len(rows(page)) == DRAWN
    assert page.context["said"] == ""
    assert not [row for row in rows(page) if row["hidden"]]


def test_of_a_larger_one_the_topmost_are_drawn_and_it_says_so(acme: Party) -> None:
    plant(acme, MANY, below=3)
    page = acme.get("groups")
    drawn = rows(page)
    assert {row["name"] for row in drawn} == {f"Team {place:03}" for place in range(DRAWN)}
    assert f"{DRAWN} of 600 groups are drawn" in text(page)
    # Level by level: what is hidden stands below what is drawn, and every row says how many.
    hidden = sum(int(row["hidden"].split()[0]) for row in drawn if row["hidden"])
    assert hidden == 3 * DRAWN - (DRAWN - 1), "of three below each that is drawn, those that are not"
    assert "3 groups below" in text(page)
    assert text(page).count("<ul") == text(page).count("</ul>")


def test_a_thousand_at_the_top_are_not_all_drawn(acme: Party) -> None:
    plant(acme, MANY, below=0)
    page = acme.get("groups")
    assert [row["name"] for row in rows(page)] == [f"Team {place:03}" for place in range(DRAWN)]
    assert f"{DRAWN} of 600 groups are drawn" in text(page)


def test_the_search_finds_what_is_not_drawn_and_says_where_it_stands(acme: Party) -> None:
    made = plant(acme, MANY, below=3)
    (only,) = rows(acme.get("groups", q="team 599"))
    assert only["url"].endswith(str(made[599].pk)) and only["note"].split(" › ")[0] == "Team 000"
    many = acme.get("groups", q="TEAM")
    assert len(rows(many)) == 50
    assert "The first 50 of 600 groups that match" in text(many)
    nothing = acme.get("groups", q="<script>")
    assert rows(nothing) == []
    assert "No group matches" in text(nothing)
    assert "<script>&" not in text(nothing)
    assert acme.get("groups", q="a\0b").status_code == 200


def test_as_many_statements_for_many_as_for_few(acme: Party, django_assert_max_num_queries: Any) -> None:
    with tenant_scope(acme.tenant.id):
        plant(acme, MANY, below=3)
    for asked in ({}, {"q": "team"}):
        with django_assert_max_num_queries(14):
            acme.get("groups", **asked)


def test_among_many_the_place_of_a_group_is_named(acme: Party) -> None:
    made = plant(acme, MANY, below=3)
    page = acme.get("groups/create", parent=str(made[599].pk))
    assert len(page.content) < 30_000
    assert 'value="Team 599"' in text(page)
    unknown = acme.post("groups/create", name="Night", description="", parent="Team 60")
    assert "There is no group of this name here" in text(unknown)
    assert 'value="Team 60"' in text(unknown)
    acme.post("groups/create", name="Night", description="", parent="team 599")
    with tenant_scope(acme.tenant.id):
        night = Group.objects.get(tenant=acme.tenant, name="Night")
        assert night.placements.get().parent == made[599]
    move = acme.get(f"groups/{night.pk}/move")
    assert 'value="Team 599"' in text(move)
    moved = acme.post(f"groups/{night.pk}/move", parent="Team 001", revision=night.revision)
    assert moved.status_code == 302
    with tenant_scope(acme.tenant.id):
        assert GroupPlacement.objects.at(timezone.now()).get(group=night).parent == made[1]
    below = acme.post(f"groups/{made[1].pk}/move", parent="Team 004", revision=1)
    assert "There is no group of this name here" in text(below), "it stands below itself"
