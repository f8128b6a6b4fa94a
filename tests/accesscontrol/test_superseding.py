"""Ids that a manifest gives up for new ones: everything goes on under the new ones, and nobody gains."""

import json
from collections.abc import Iterator
from copy import deepcopy
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from accesscontrol.actions import assignments, keys, tenant_roles, watch
from accesscontrol.actions.assignments import Wanted
from accesscontrol.actions.tenant_roles import Definition
from accesscontrol.models import Assignment, TenantRole
from applications.actions import contracts, drafts, manifests, superseding
from applications.actions.confirmations import Overtaken
from applications.actions.drafts import Offer
from applications.actions.superseding import CannotSupersede
from applications.manifest import parse
from applications.models import Contract, ContractTerm, Event, Resource
from iam_portal.errors import Invalid
from iam_portal.walls import cross_tenant, tenant_scope
from tenants.models import HistoryEvent, since
from tests.accesscontrol.test_confirmed_roles import METER, Story
from tests.support.comparing import named_by
from tests.support.factories import SYSTEM
from tests.support.happening import BORN, Clock
from tests.support.once import made_once, savepoint

OLD, NEW = {"type": "urn:test", "id": "machines"}, {"type": "urn:plant", "id": "robots"}
MACHINES = ("acme.meter", "urn:test", "machines", "read")


def document(
    resource: dict[str, str] = OLD, roles: dict[str, list[str]] | None = None, **supersedes: Any
) -> dict[str, Any]:
    """One resource and two roles; ``supersedes`` by the id of what it stands at."""
    held = roles or {"viewer": ["read"], "editor": ["read", "modify"]}
    address = {"resourceType": resource["type"], "resourceId": resource["id"]}
    known: dict[str, Any] = {
        "resources": [{**resource, "privileges": ["read", "modify"]}],
        "roles": [
            {"key": key, "permissions": [{**address, "privileges": privileges}]}
            for key, privileges in held.items()
        ],
    }
    for row in (*known["resources"], *known["roles"]):
        former = supersedes.get(row.get("id") or row["key"])
        if former:
            row["supersedes"] = former
    return known


NEXT = document(NEW, robots=OLD)
READER = document(roles={"reader": ["read"], "editor": ["read", "modify"]}, reader="viewer")
BOTH = document(NEW, {"reader": ["read"], "editor": ["read", "modify"]}, robots=OLD, reader="viewer")
WIDER = document(roles={"reader": ["read", "modify"], "editor": ["read", "modify"]}, reader="viewer")


class Line(Story):
    """And declares it at the doors."""

    def supersede(self, body: dict[str, Any], at: datetime | None = None) -> Any:
        application = self.u.applications[METER]
        return manifests.declare(application=application, manifest=parse(body), by=SYSTEM, at=at or Clock.at)

    def decided(self, slug: str, caller: str, resource: dict[str, str], **more: Any) -> dict[str, Any]:
        body = {
            "principal": {"applicationId": caller},
            "applicationId": METER,
            "resourceType": resource["type"],
            "resourceId": resource["id"],
            "privilege": "read",
            **more,
        }
        tenant = self.u.tenants[slug]
        bearer = self.token(self.services[slug], slug, "aud:iam-portal")
        path = f"/iam/access-management/v1/tenants/{tenant.id}/decisions"
        headers = {"Authorization": f"Bearer {bearer}"}
        reply = self.browser.post(path, json.dumps(body), content_type="application/json", headers=headers)
        assert reply.status_code == 200, reply.content
        return dict(reply.json())

    def history(self, slug: str, action: str) -> list[Any]:
        tenant = self.u.tenants[slug]
        with tenant_scope(tenant.id):
            return list(HistoryEvent.objects.filter(tenant=tenant, action=action).order_by("id"))


@pytest.fixture(scope="module")
def told(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Line]:
    with made_once(django_db_blocker):
        made = Line()
        for slug in ("beta", "gamma", "acme"):
            wanted = Wanted(
                role="user-reader",
                application_id="iam-portal",
                principal_application_id=made.services[slug],
            )
            assignments.assign(tenant=made.u.tenants[slug], wanted=wanted, by=SYSTEM, at=BORN)
        yield made


@pytest.fixture
def story(told: Line, monkeypatch: pytest.MonkeyPatch, django_db_blocker: DjangoDbBlocker) -> Iterator[Line]:
    monkeypatch.setattr(timezone, "now", lambda: Clock.at)
    with savepoint(django_db_blocker):
        keys.forget()
        yield told.fork()
        keys.forget()


@pytest.mark.parametrize("body", [NEXT, READER, BOTH], ids=["resource", "role", "both"])
def test_everybody_goes_on_under_the_new_ids(story: Line, body: dict[str, Any]) -> None:
    """By ownership, provision and access; the very same token, and one that is fetched afterwards."""
    resource, key = (NEW if body is not READER else OLD), ("viewer" if body is NEXT else "reader")
    tokens = {
        "beta": story.token("beta.reader", "beta", f"aud:{METER} openid"),
        "gamma": story.token("gamma.planner", "beta", f"aud:{METER} openid"),
    }
    before = story.acl()["revision"]
    story.later()
    diff = story.supersede(body)
    assert diff.superseded
    story.later()
    for slug, caller in (("beta", "beta.reader"), ("gamma", "gamma.planner")):
        for token in (tokens[slug], story.token(caller, "beta", f"aud:{METER} openid")):
            [urn] = story.roles(token)
            assert named_by(urn)[2:] == (key, None), "as confirmed as it was"
            assert story.allows(urn) == {"read"}
    entries = story.acl()
    assert entries["revision"] > before
    assert {(entry["resourceType"], entry["resourceId"]) for entry in entries["resources"]} == {
        (resource["type"], resource["id"])
    }
    owner = {"owningTenantId": str(story.u.tenants["beta"].id)}
    assert story.decided("beta", "beta.reader", resource)["allowed"]
    assert story.decided("gamma", "gamma.planner", resource, **owner)["allowed"]
    past = (Clock.at - timedelta(minutes=5)).isoformat()
    assert story.decided("beta", "beta.reader", OLD, at=past)["allowed"], "the past reads as it was"
    if resource is NEW:
        assert not story.decided("beta", "beta.reader", OLD)["allowed"]
        assert not story.decided("beta", "beta.reader", NEW, at=past)["allowed"]
    assert story.changes().json()["roles"] == [], "nothing waits for the provider's word"


def test_sent_again_it_changes_nothing(story: Line) -> None:
    story.supersede(BOTH)
    story.later()
    with cross_tenant():
        before = (HistoryEvent.objects.count(), Event.objects.count(), Assignment.objects.count())
    assert not story.supersede(BOTH)
    assert not story.supersede(document(NEW, {"reader": ["read"], "editor": ["read", "modify"]}))
    with cross_tenant():
        assert before == (HistoryEvent.objects.count(), Event.objects.count(), Assignment.objects.count())


def test_a_wider_heir_is_a_role_that_was_widened(story: Line) -> None:
    """The owner's consumers have it at once; through access it waits for its provider's word."""
    story.later()
    story.supersede(WIDER)
    story.later()
    [own] = story.roles(story.token("beta.reader", "beta", f"aud:{METER} openid"))
    [marked] = story.roles(story.token("gamma.planner", "beta", f"aud:{METER} openid"))
    assert named_by(own)[2:] == ("reader", None)
    assert story.allows(own) == {"read", "modify"}
    assert named_by(marked)[2:] == ("reader", story.contract_id)
    assert story.allows(marked) == {"read"}
    [waits] = story.changes().json()["roles"]
    assert [one["privilege"] for one in waits["gained"]] == ["modify"]
    assert story.told("beta", "contract.role_widened")
    assert story.confirm(story.changes().json()["revision"]).status_code == 200
    assert story.roles(story.token("gamma.planner", "beta", f"aud:{METER} openid")) == [own]


def test_what_was_not_confirmed_is_not_confirmed_by_a_new_name(story: Line) -> None:
    """Widened first, renamed then, role and resource: what waits still waits."""
    wide = {"viewer": ["read", "modify"], "editor": ["read", "modify"]}
    story.later()
    story.supersede(document(OLD, wide))
    story.later()
    renamed = {"reader": ["read", "modify"], "editor": ["read", "modify"]}
    story.supersede(document(NEW, renamed, robots=OLD, reader="viewer"))
    story.later()
    [marked] = story.roles(story.token("gamma.planner", "beta", f"aud:{METER} openid"))
    assert named_by(marked)[2:] == ("reader", story.contract_id)
    assert story.allows(marked) == {"read"}
    [waits] = story.changes().json()["roles"]
    assert [(one["resourceId"], one["privilege"]) for one in waits["gained"]] == [("robots", "modify")]
    story.supersede(
        document({**OLD, "id": "third"}, {"seer": ["read", "modify"], "editor": []}, third=NEW, seer="reader")
    )
    story.later()
    [marked] = story.roles(story.token("gamma.planner", "beta", f"aud:{METER} openid"))
    assert (named_by(marked)[2], story.allows(marked)) == ("seer", {"read"}), "nor by a third"


def test_a_narrower_heir_takes_what_it_lacks(story: Line) -> None:
    story.later()
    story.supersede(document(roles={"reader": [], "editor": ["read"]}, reader="viewer"))
    story.later()
    token = story.token("beta.reader", "beta", f"aud:{METER} openid")
    assert [story.allows(urn) for urn in story.roles(token)] == [set()]
    answer = story.decided("beta", "beta.reader", OLD)
    assert not answer["allowed"]


def test_roles_of_tenants_hold_the_heir(story: Line) -> None:
    beta = story.u.tenants["beta"]
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
    story.later()
    only_reading = deepcopy(NEXT)
    only_reading["resources"][0]["privileges"] = ["read"]
    for role in only_reading["roles"]:
        role["permissions"][0]["privileges"] = ["read"]
    story.supersede(only_reading)
    story.later()
    [made] = [
        urn
        for urn in story.roles(story.token("beta.reader", "beta", f"aud:{METER} openid"))
        if "tenant-role" in urn
    ]
    assert story.allows(made) == {"read"}
    [row] = story.history("beta", "role.followed")
    assert row.after == {"key": "night", "permissions": [["acme.meter", "urn:plant", "robots", "read"]]}
    assert story.told("beta", "role.changed")[-2]["action"] == "role.followed"
    with tenant_scope(beta.id):
        assert TenantRole.objects.get(key="night").revision == before + 1
    for other in ("acme", "gamma", "delta"):
        assert not story.history(other, "role.followed")


def test_children_that_tenants_made_lie_below_the_heir(story: Line) -> None:
    beta = story.u.tenants["beta"]
    with cross_tenant():
        parent = Resource.objects.get(application=METER, key="machines", during__contains=Clock.at)
        Resource.objects.create(
            application_id=METER,
            owner_tenant=beta,
            type="urn:test",
            key="press-7",
            name="Press 7",
            privileges=["read"],
            parent=parent,
            during=since(Clock.at),
        )
    press = {"type": "urn:test", "id": "press-7"}
    assert story.decided("beta", "beta.reader", press)["allowed"]
    story.later()
    story.supersede(NEXT)
    story.later()
    assert story.decided("beta", "beta.reader", press)["allowed"]


def test_assignments_go_on_with_their_spans(story: Line) -> None:
    """Running ones end and begin anew, by whoever gave them; planned ones are only named anew."""
    beta, team = story.u.tenants["beta"], story.u.groups["beta/team"]
    start, end = Clock.at, Clock.at + timedelta(days=2)
    given = {"tenant": beta, "by": SYSTEM, "at": start}
    with tenant_scope(beta.id):
        running = assignments.assign(
            wanted=Wanted(role="viewer", application_id=METER, group_id=team.id, ends_at=end), **given
        )
        planned = assignments.assign(
            wanted=Wanted(role="viewer", application_id=METER, group_id=team.id, starts_at=end), **given
        )
    story.later()
    now = Clock.at
    story.supersede(READER)
    with tenant_scope(beta.id):
        old = Assignment.objects.get(id=running.id)
        later = Assignment.objects.select_related("application_role").get(id=planned.id)
        fresh = Assignment.objects.get(group_id=team.id, during__startswith=now)
        assert (old.application_role.key, old.during) == ("viewer", since(start, now))
        assert (later.application_role.key, later.during) == ("reader", since(end))
        assert (fresh.application_role.key, fresh.during) == ("reader", since(now, end))
        assert (fresh.by_name, fresh.created_at) == (old.by_name, old.created_at)
    [row] = story.history("beta", "role.superseded")
    assert (row.before, row.after) == ({"role": "viewer"}, {"role": "reader", "assignments": 3})
    watch.run(at=now + timedelta(seconds=1))
    ended = [one["assignmentId"] for one in story.told("beta", "role.withdrawn")]
    begun = [one["assignmentId"] for one in story.told("beta", "role.assigned")]
    assert str(running.id) in ended
    assert str(fresh.id) in begun
    assert story.told("beta", "role.assigned")[-1]["role"] == "reader"


def test_contracts_carry_the_heir_whatever_their_state(story: Line) -> None:
    acme, delta = story.u.tenants["acme"], story.u.tenants["delta"]
    offer = Offer(type="provision", roles=[(METER, "viewer")])
    given = {"provider": acme, "consumer_id": delta.id, "by": SYSTEM, "at": Clock.at}
    draft, proposed, planned = (drafts.draft(offer=offer, **given) for _ in range(3))
    for row in (proposed, planned):
        contracts.propose(tenant=acme, contract_id=row.id, by=SYSTEM, at=Clock.at)
    contracts.accept(tenant=delta, contract_id=planned.id, by=SYSTEM, at=Clock.at)
    ContractTerm.objects.filter(contract=planned).update(during=since(Clock.at + timedelta(days=1)))
    story.later()
    story.supersede(READER)
    for row, told in ((draft, 0), (proposed, 1), (planned, 1)):
        [term] = ContractTerm.objects.filter(contract=row).select_related("role")
        assert (term.role.key, term.removed_at) == ("reader", None)
        events = [
            one for one in story.told("delta", "contract.role_superseded") if one["contractId"] == str(row.id)
        ]
        assert len(events) == told
    shown = {row["role"]: row["endsAt"] is None for row in story.one()["roles"]}
    assert shown == {"reader": True, "viewer": False}, "the former one has left"
    said = story.told("gamma", "contract.role_superseded")[-1]
    assert said["superseded"] == [{"applicationId": METER, "from": "viewer", "to": "reader"}]
    assert said["roles"] == ["acme.meter/reader"]
    story.later()
    contracts.accept(tenant=delta, contract_id=proposed.id, by=SYSTEM, at=Clock.at)
    assert Contract.objects.get(id=proposed.id).state == "accepted"


def test_a_declaration_from_before_a_word_is_refused(story: Line) -> None:
    """It was sent slowly: meanwhile the provider confirmed the role, whose heir would count as seen."""
    sent = Clock.at
    story.later()
    story.widen()
    story.later()
    assert story.confirm(story.changes().json()["revision"]).status_code == 200
    with pytest.raises(Overtaken):
        story.supersede(WIDER, at=sent)


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        (document(NEW, robots={**OLD, "id": "nothing"}), "/resources/0/supersedes", "superseded_not_there"),
        (
            document(roles={"reader": ["read"]}, reader="nothing"),
            "/roles/0/supersedes",
            "superseded_not_there",
        ),
        (document(roles={"editor": ["read"]}, editor="viewer"), "/roles/0/supersedes", "both_live"),
    ],
)
def test_what_cannot_be_superseded_is_said(
    story: Line, body: dict[str, Any], pointer: str, code: str
) -> None:
    story.later()
    with pytest.raises(CannotSupersede) as refused:
        story.supersede(body)
    assert [(error["pointer"], error["code"]) for error in refused.value.errors] == [(pointer, code)]


def test_only_own_ids_are_superseded(story: Line) -> None:
    """The reader declares that its role takes the place of the meter's, and of the portal's."""
    story.later()
    for former in ("editor", "access-manager"):
        body = document(roles={"watcher": ["read"]}, watcher=former)
        story.u.declare("beta.reader", ("viewer",), Clock.at)
        with pytest.raises(CannotSupersede):
            manifests.declare(
                application=story.u.applications["beta.reader"], manifest=parse(body), by=SYSTEM, at=Clock.at
            )
    foreign = document(NEW, robots={"type": "urn:portal", "id": "Roles"})
    with pytest.raises(CannotSupersede):
        story.supersede(foreign)


@pytest.mark.parametrize(
    "body",
    [
        document(roles={"viewer": ["read"]}, viewer="viewer"),
        document(roles={"a": [], "b": []}, a="b", b="a"),
        document(roles={"a": [], "b": [], "c": []}, b="a", c="b"),
        document(roles={"a": [], "b": []}, a="viewer", b="viewer"),
        document(robots=OLD) | {"resources": [{**OLD, "privileges": ["read"], "supersedes": OLD}]},
    ],
    ids=["itself", "circle", "chain", "twice", "resource itself"],
)
def test_a_document_that_goes_round_contradicts_itself(body: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refused:
        parse(body)
    assert any(error["pointer"].endswith("/supersedes") for error in refused.value.errors)


def test_there_and_back_again(story: Line) -> None:
    """A former id is free again, and everything comes back to it."""
    story.later()
    story.supersede(BOTH)
    story.later()
    story.supersede(document(OLD, None, machines=NEW, viewer="reader"))
    story.later()
    [urn] = story.roles(story.token("gamma.planner", "beta", f"aud:{METER} openid"))
    assert (named_by(urn)[2:], story.allows(urn)) == (("viewer", None), {"read"})
    heirs = superseding.heirs_of(
        story.u.applications[METER], parse(document(OLD, None, machines=NEW, viewer="reader")), at=Clock.at
    )
    assert not heirs
