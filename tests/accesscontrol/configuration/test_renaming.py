"""Ids that a manifest of a document gives up for new ones."""

import json
from copy import deepcopy
from typing import Any

import pytest
from django.utils import timezone

from accesscontrol.models import Assignment
from iam_portal.walls import tenant_scope
from tests.accesscontrol.configuration.test_bounds import asked, first
from tests.support.configuring import World, accept_all, codes, steps

pytestmark = pytest.mark.exhaustive(3)


def renaming(world: World, **more: Any) -> Any:
    """The role ``reader`` of the planner, which people, services and a partner hold, is ``looker`` now."""
    applications = deepcopy(world.document(world.acme)["applications"])
    for role in applications[0]["manifest"]["roles"]:
        if role["key"] == "reader":
            role |= {"key": "looker", **more}
    return {"version": 1, "applications": applications}


def holders(world: World, key: str) -> int:
    with tenant_scope(world.acme.tenant.id):
        rows = Assignment.objects.at(timezone.now()).filter(tenant=world.acme.tenant)
        return rows.filter(application_role__key=key).count()


def test_a_new_name_and_a_new_role_are_two_plans(world: World) -> None:
    named, anew = renaming(world, supersedes="reader"), renaming(world)
    plans = [world.plan(world.acme, document).json() for document in (named, anew)]
    assert [plan["objections"] for plan in plans] == [[], []]
    assert [plan["impact"]["users"]["count"] > 0 for plan in plans] == [False, True]
    assert [plan["impact"]["services"]["count"] > 0 for plan in plans] == [False, True]
    said = ['"supersedes": "reader"' in "".join(plan["steps"][0]["diff"]) for plan in plans]
    assert said == [True, False]
    for document, plan in ((anew, plans[0]), (named, plans[1])):
        refused = world.apply(world.acme, document, plan["revision"])
        assert (refused.status_code, refused.json()["code"]) == (412, "plan_changed")
    assert holders(world, "looker") == 0


def test_everybody_goes_on_and_the_document_can_be_applied_again(world: World) -> None:
    document, before = renaming(world, supersedes="reader"), holders(world, "reader")
    plan = world.plan(world.acme, document).json()
    done, statements = asked(lambda: world.apply(world.acme, document, plan["revision"]))
    assert done.status_code == 200, done.content
    assert holders(world, "looker") == before > 0
    # As at the manifest's own door: whoever holds an application waits for no organization any more.
    held = first(statements, "FOR SHARE", world.beta.tenant.id.hex)
    assert held < first(statements, "applications_application", "FOR NO KEY UPDATE")
    assert world.plan(world.acme, document).json()["steps"] == []
    assert "supersedes" not in str(world.document(world.acme))


def test_what_is_not_there_is_not_superseded(world: World) -> None:
    plan = world.plan(world.acme, renaming(world, supersedes="nobody"))
    assert {code for _, code in codes(plan)} == {"superseded_not_there"}


def test_what_rests_on_former_ids_is_compared_under_the_new_ones(world: World) -> None:
    """A whole document: nothing is given beside what goes on by itself, and nothing is taken in vain."""
    accept_all(world, world.acme)
    text = json.dumps(world.document(world.acme))
    for former, new in (
        ('"key": "reader"', '"key": "looker"'),
        ('"role": "reader"', '"role": "looker"'),
        ('"resourceId": "tours"', '"resourceId": "trips"'),
        ('"id": "tours"', '"id": "trips"'),
    ):
        text = text.replace(former, new)
    document = json.loads(text)
    [manifest, *_] = [one["manifest"] for one in document["applications"]]
    for role in manifest["roles"]:
        if role["key"] == "looker":
            role["supersedes"] = "reader"
    for one in manifest["resources"]:
        if one["id"] == "trips":
            one["supersedes"] = {"type": one["type"], "id": "tours"}
    plan = world.plan(world.acme, document).json()
    assert (plan["objections"], steps(plan)) == ([], ["change applications ~.fleet-planner manifest"])
    assert plan["impact"]["users"]["count"] == 0

    kim = {"principal": {"user": "kim"}, "role": {"applicationId": "~.fleet-planner", "key": "looker"}}
    document["assignments"] = [one for one in document["assignments"] if not kim.items() <= one.items()]
    done = world.carry(world.acme, document)

    assert [step["verb"] for step in done["steps"]] == ["change", "remove"]
    assert done["impact"]["users"]["count"] == 1
    now = world.document(world.acme)
    for section in ("assignments", "roles"):
        assert sorted(map(json.dumps, now[section])) == sorted(map(json.dumps, document[section]))
    assert world.plan(world.acme, document).json()["steps"] == []
