"""Ids that a manifest gives up for new ones: everything goes on under the new ones, and nobody gains."""

from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest

from accesscontrol.actions import assignments, tenant_roles, watch
from accesscontrol.actions.assignments import Wanted
from accesscontrol.actions.tenant_roles import Definition
from accesscontrol.api.roles import RoleAPI
from accesscontrol.models import Assignment, TenantRole
from applications.actions import manifests, superseding
from applications.actions.confirmations import Overtaken
from applications.actions.superseding import CannotSupersede
from applications.manifest import parse
from applications.models import Event, Resource
from iam_portal.walls import cross_tenant, tenant_scope
from tenants.models import HistoryEvent, since
from tests.accesscontrol.superseding import BOTH, MACHINES, NEW, NEXT, OLD, READER, WIDER, Line, document
from tests.accesscontrol.test_confirmed_roles import METER
from tests.support.comparing import named_by
from tests.support.factories import SYSTEM, make_resource
from tests.support.happening import Clock


@pytest.mark.parametrize("body", [NEXT, READER, BOTH], ids=["resource", "role", "both"])
def test_everybody_goes_on_under_the_new_ids(line: Line, body: dict[str, Any]) -> None:
    """By ownership, provision and access; the very same token, and one that is fetched afterwards."""
    resource, key = (NEW if body is not READER else OLD), ("viewer" if body is NEXT else "reader")
    tokens = {
        "beta": line.token("beta.reader", "beta", f"aud:{METER} openid"),
        "gamma": line.token("gamma.planner", "beta", f"aud:{METER} openid"),
    }
    before = line.acl()["revision"]
    line.later()
    diff = line.supersede(body)
    assert diff.superseded
    line.later()
    for slug, caller in (("beta", "beta.reader"), ("gamma", "gamma.planner")):
        for token in (tokens[slug], line.token(caller, "beta", f"aud:{METER} openid")):
            [urn] = line.roles(token)
            assert named_by(urn)[2:] == (key, None), "as confirmed as it was"
            assert line.allows(urn) == {"read"}
    entries = line.acl()
    assert entries["revision"] > before
    assert {(entry["resourceType"], entry["resourceId"]) for entry in line.static()} == {
        (resource["type"], resource["id"])
    }
    owner = {"owningTenantId": str(line.u.tenants["beta"].id)}
    assert line.decided("beta", "beta.reader", resource)["allowed"]
    assert line.decided("gamma", "gamma.planner", resource, **owner)["allowed"]
    past = (Clock.at - timedelta(minutes=5)).isoformat()
    assert line.decided("beta", "beta.reader", OLD, at=past)["allowed"], "the past reads as it was"
    if resource is NEW:
        assert not line.decided("beta", "beta.reader", OLD)["allowed"]
        assert not line.decided("beta", "beta.reader", NEW, at=past)["allowed"]
    assert line.changes().json()["roles"] == [], "nothing waits for the provider's word"


def test_sent_again_it_changes_nothing(line: Line) -> None:
    line.supersede(BOTH)
    line.later()
    with cross_tenant():
        before = (HistoryEvent.objects.count(), Event.objects.count(), Assignment.objects.count())
    assert not line.supersede(BOTH)
    assert not line.supersede(document(NEW, {"reader": ["read"], "editor": ["read", "modify"]}))
    with cross_tenant():
        assert before == (HistoryEvent.objects.count(), Event.objects.count(), Assignment.objects.count())


def test_a_wider_heir_is_a_role_that_was_widened(line: Line) -> None:
    """The owner's consumers have it at once; through access it waits for its provider's word."""
    line.later()
    line.supersede(WIDER)
    line.later()
    [own] = line.roles(line.token("beta.reader", "beta", f"aud:{METER} openid"))
    [marked] = line.roles(line.token("gamma.planner", "beta", f"aud:{METER} openid"))
    assert named_by(own)[2:] == ("reader", None)
    assert line.allows(own) == {"read", "modify"}
    assert named_by(marked)[2:] == ("reader", line.contract_id)
    assert line.allows(marked) == {"read"}
    [waits] = line.changes().json()["roles"]
    assert [one["privilege"] for one in waits["gained"]] == ["modify"]
    assert line.told("beta", "contract.role_widened")
    assert line.confirm(line.changes().json()["revision"]).status_code == 200
    assert line.roles(line.token("gamma.planner", "beta", f"aud:{METER} openid")) == [own]


def test_what_was_not_confirmed_is_not_confirmed_by_a_new_name(line: Line) -> None:
    """Widened first, renamed then, role and resource: what waits still waits."""
    wide = {"viewer": ["read", "modify"], "editor": ["read", "modify"]}
    line.later()
    line.supersede(document(OLD, wide))
    line.later()
    renamed = {"reader": ["read", "modify"], "editor": ["read", "modify"]}
    line.supersede(document(NEW, renamed, robots=OLD, reader="viewer"))
    line.later()
    [marked] = line.roles(line.token("gamma.planner", "beta", f"aud:{METER} openid"))
    assert named_by(marked)[2:] == ("reader", line.contract_id)
    assert line.allows(marked) == {"read"}
    [waits] = line.changes().json()["roles"]
    assert [(one["resourceId"], one["privilege"]) for one in waits["gained"]] == [("robots", "modify")]
    line.supersede(
        document({**OLD, "id": "third"}, {"seer": ["read", "modify"], "editor": []}, third=NEW, seer="reader")
    )
    line.later()
    [marked] = line.roles(line.token("gamma.planner", "beta", f"aud:{METER} openid"))
    assert (named_by(marked)[2], line.allows(marked)) == ("seer", {"read"}), "nor by a third"


def test_a_narrower_heir_takes_what_it_lacks(line: Line) -> None:
    line.later()
    line.supersede(document(roles={"reader": [], "editor": ["read"]}, reader="viewer"))
    line.later()
    token = line.token("beta.reader", "beta", f"aud:{METER} openid")
    assert [line.allows(urn) for urn in line.roles(token)] == [set()]
    assert not line.decided("beta", "beta.reader", OLD)["allowed"]


def test_only_own_ids_are_superseded(line: Line) -> None:
    """The reader declares that its role takes the place of the meter's, and of the portal's."""
    line.later()
    for former in ("editor", "access-manager"):
        body = document(roles={"watcher": ["read"]}, watcher=former)
        line.u.declare("beta.reader", ("viewer",), Clock.at)
        with pytest.raises(CannotSupersede):
            manifests.declare(
                application=line.u.applications["beta.reader"], manifest=parse(body), by=SYSTEM, at=Clock.at
            )
    foreign = document(NEW, robots={"type": "urn:portal", "id": "Roles"})
    with pytest.raises(CannotSupersede):
        line.supersede(foreign)


def test_there_and_back_again(line: Line) -> None:
    """A former id is free again, and everything comes back to it."""
    line.later()
    line.supersede(BOTH)
    line.later()
    line.supersede(document(OLD, None, machines=NEW, viewer="reader"))
    line.later()
    [urn] = line.roles(line.token("gamma.planner", "beta", f"aud:{METER} openid"))
    assert (named_by(urn)[2:], line.allows(urn)) == (("viewer", None), {"read"})
    heirs = superseding.heirs_of(
        line.u.applications[METER], parse(document(OLD, None, machines=NEW, viewer="reader")), at=Clock.at
    )
    assert not heirs


def test_roles_of_tenants_hold_the_heir(line: Line) -> None:
    beta = line.u.tenants["beta"]
    permissions = [MACHINES, (*MACHINES[:3], "modify")]
    definition = Definition(key="night", name="Night", description="", permissions=permissions)
    tenant_roles.define(tenant=beta, definition=definition, by=SYSTEM, at=Clock.at)
    with tenant_scope(beta.id):
        assignments.assign(
            tenant=beta,
            wanted=Wanted(role="night", principal_application_id="beta.reader"),
            by=SYSTEM,
            at=Clock.at,
        )
        before = TenantRole.objects.get(key="night").revision
    line.later()
    only_reading = deepcopy(NEXT)
    only_reading["resources"][0]["privileges"] = ["read"]
    for role in only_reading["roles"]:
        role["permissions"][0]["privileges"] = ["read"]
    line.supersede(only_reading)
    line.later()
    [made] = [
        urn
        for urn in line.roles(line.token("beta.reader", "beta", f"aud:{METER} openid"))
        if "tenant-role" in urn
    ]
    assert line.allows(made) == {"read"}
    [row] = line.history("beta", "role.followed")
    assert row.after == {"key": "night", "permissions": [["acme.meter", "urn:plant", "robots", "read"]]}
    assert line.told("beta", "role.changed")[-2]["action"] == "role.followed"
    with tenant_scope(beta.id):
        assert TenantRole.objects.get(key="night").revision == before + 1
    for other in ("acme", "gamma", "delta"):
        assert not line.history(other, "role.followed")


def test_children_that_tenants_made_lie_below_the_heir(line: Line) -> None:
    beta = line.u.tenants["beta"]
    with cross_tenant():
        parent = Resource.objects.get(application=METER, key="machines", during__contains=Clock.at)
        make_resource(METER, "press-7", owner=beta, parent=parent, during=since(Clock.at))
    press = {"type": "urn:test", "id": "press-7"}
    assert line.decided("beta", "beta.reader", press)["allowed"]
    line.later()
    line.supersede(NEXT)
    line.later()
    assert line.decided("beta", "beta.reader", press)["allowed"]


def test_a_role_tells_an_heir_and_its_own_of_the_same_id_as_one(line: Line) -> None:
    """The tenant's own robots were there before the machines came to be called so."""
    beta, start = line.u.tenants["beta"], Clock.at
    with cross_tenant():
        given = {"owner_tenant": beta, "during": since(start)}
        own = Resource.objects.create(
            application_id=METER, type=NEW["type"], key=NEW["id"], name="R", **given
        )
        own.places.create(privileges=["read"], **given)
    held = [MACHINES, (*MACHINES[:3], "modify"), (METER, NEW["type"], NEW["id"], "read")]
    definition = Definition(key="day", name="Day", description="", permissions=held)
    role = tenant_roles.define(tenant=beta, definition=definition, by=SYSTEM, at=start)
    line.later()
    line.supersede(NEXT)
    line.later()
    doors = RoleAPI()
    doors.at = Clock.at
    with tenant_scope(beta.id):
        [told] = doors.shapes([role])
    address = {"applicationId": METER, "resourceType": NEW["type"], "resourceId": NEW["id"]}
    assert told["permissions"] == [{**address, "privileges": ["read", "modify"]}]


def test_assignments_go_on_with_their_spans(line: Line) -> None:
    """Running ones end and begin anew, by whoever gave them; planned ones are only named anew."""
    beta, team = line.u.tenants["beta"], line.u.groups["beta/team"]
    start, end = Clock.at, Clock.at + timedelta(days=2)
    given = {"tenant": beta, "by": SYSTEM, "at": start}
    with tenant_scope(beta.id):
        running = assignments.assign(
            wanted=Wanted(role="viewer", application_id=METER, group_id=team.id, ends_at=end), **given
        )
        planned = assignments.assign(
            wanted=Wanted(role="viewer", application_id=METER, group_id=team.id, starts_at=end), **given
        )
    line.later()
    now = Clock.at
    line.supersede(READER)
    with tenant_scope(beta.id):
        old = Assignment.objects.get(id=running.id)
        later = Assignment.objects.select_related("application_role").get(id=planned.id)
        fresh = Assignment.objects.get(group_id=team.id, during__startswith=now)
        assert (old.application_role.key, old.during) == ("viewer", since(start, now))
        assert (later.application_role.key, later.during) == ("reader", since(end))
        assert (fresh.application_role.key, fresh.during) == ("reader", since(now, end))
        assert (fresh.by_name, fresh.created_at) == (old.by_name, old.created_at)
    [row] = line.history("beta", "role.superseded")
    assert (row.before, row.after) == ({"role": "viewer"}, {"role": "reader", "assignments": 3})
    watch.run(at=now + timedelta(seconds=1))
    ended = [one["assignmentId"] for one in line.told("beta", "role.withdrawn")]
    begun = [one["assignmentId"] for one in line.told("beta", "role.assigned")]
    assert str(running.id) in ended
    assert str(fresh.id) in begun
    assert line.told("beta", "role.assigned")[-1]["role"] == "reader"


def test_a_declaration_from_before_a_word_is_refused(line: Line) -> None:
    """It was sent slowly: meanwhile the provider confirmed the role, whose heir would count as seen."""
    sent = Clock.at
    line.later()
    line.widen()
    line.later()
    assert line.confirm(line.changes().json()["revision"]).status_code == 200
    with pytest.raises(Overtaken):
        line.supersede(WIDER, at=sent)
