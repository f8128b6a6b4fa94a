"""Of more resources than one page looks through, only the first applications are drawn."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.utils import timezone

from applications import trees
from applications.models import ApplicationRole
from applications.models.applications import PORTAL_ID
from applications.trees import forest
from iam_portal.walls import cross_tenant, tenant_scope
from tests.accesscontrol.role_story import PLANNER, Story, text_of
from tests.support import factories


def drawn(story: Story, *applications: str, **more: Any) -> trees.Forest:
    tenant_id = story.acme.tenant.pk
    with tenant_scope(tenant_id):
        return forest(applications, tenant_id=tenant_id, at=timezone.now(), **more)


@pytest.mark.parametrize(("spare", "left_out"), [(0, ()), (-1, (PORTAL_ID,))])
def test_the_last_application_that_fits_is_drawn(
    story: Story, monkeypatch: pytest.MonkeyPatch, spare: int, left_out: tuple[str, ...]
) -> None:
    whole = len(drawn(story, PLANNER, PORTAL_ID).nodes)
    monkeypatch.setattr(trees, "MOST", whole + spare)
    found = drawn(story, PLANNER, PORTAL_ID)
    assert found.left_out == left_out
    assert {node.application_id for node in found.nodes.values()} == {PLANNER, PORTAL_ID} - set(left_out)


def test_the_first_is_drawn_however_large(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trees, "MOST", 1)
    assert drawn(story, PLANNER, PORTAL_ID).left_out == (PORTAL_ID,)
    assert len(drawn(story, PLANNER, PORTAL_ID).nodes) > 1
    assert "Too many resources to show at once" in text_of(story.acme.get("create-role"))


def test_neither_a_neighbours_nor_what_is_gone_counts(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trees, "MOST", len(drawn(story, PLANNER, PORTAL_ID).nodes))
    at = timezone.now()
    living, over = DateTimeTZRange(at, None), DateTimeTZRange(at - timedelta(days=2), at - timedelta(days=1))
    with cross_tenant():
        factories.make_resource(PLANNER, "b", during=living, owner=story.beta.tenant)
        factories.make_resource(PLANNER, "gone", during=over)
    assert drawn(story, PLANNER, PORTAL_ID).left_out == ()
    with cross_tenant():
        factories.make_resource(PLANNER, "a", during=living, owner=story.acme.tenant)
    assert drawn(story, PLANNER, PORTAL_ID).left_out == (PORTAL_ID,)


def test_what_roles_hold_is_read_of_the_applications_that_are_drawn(story: Story) -> None:
    roles = dict(ApplicationRole.objects.values_list("id", "application_id"))
    both = drawn(story, PLANNER, PORTAL_ID, roles=roles).nodes
    assert both[story.resource("yard-0")].usable == {"read", "delete"}
    alone = drawn(story, PLANNER, roles=roles).nodes
    assert alone and all(both[pk] == node for pk, node in alone.items())
    reader = {pk: own for pk, own in roles.items() if ApplicationRole.objects.get(pk=pk).key == "reader"}
    assert drawn(story, PLANNER, roles=reader).nodes[story.resource("yard-0")].usable == frozenset()
