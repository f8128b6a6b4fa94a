"""A mirror that applies deltas from any starting point is the snapshot; the example in the docs is one.

``HYPOTHESIS_PROFILE=slow`` searches longer; a failure prints the blob that repeats it.
"""

import importlib.util
import json
import random
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from django.utils import timezone
from hypothesis import settings as profile
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule, run_state_machine_as_test
from requests.adapters import BaseAdapter

from accesscontrol import acl, jobs
from accesscontrol.actions import mirrors, tenant_roles
from accesscontrol.actions.tenant_roles import Definition
from accesscontrol.models import TenantRole
from applications.actions import pauses, watch
from iam_portal.launchers.portal import ROOT
from iam_portal.walls import tenant_scope
from tests.accesscontrol.mirroring import Entries, Story, applied, indexed
from tests.support.amendment_acts import AmendmentActs
from tests.support.contract_acts import ContractActs
from tests.support.factories import SYSTEM
from tests.support.happening import (
    APPS,
    BORN,
    NAME,
    PROFILE,
    Clock,
    History,
    application_ids,
    tenant_names,
)
from tests.support.kept_acl import read_acl
from tests.support.other_acts import OtherActs
from tests.support.own_acts import OwnActs
from tests.support.role_acts import RoleActs
from tests.support.universe import Universe

EXAMPLE = ROOT / "docs" / "examples" / "acl_mirror.py"
FEWER = PROFILE if NAME == "slow" else profile(PROFILE, max_examples=PROFILE.max_examples // 2)


class TenantsOwn(History):
    """Roles that tenants make for themselves."""

    @rule(
        name=tenant_names,
        application=application_ids,
        privileges=st.sets(st.sampled_from(["read", "modify"])),
    )
    def make_a_role(self, name: str, application: str, privileges: set[str]) -> None:
        wanted = [(application, "urn:test", "machines", privilege) for privilege in sorted(privileges)]
        made = Definition(key="night", name="Night", description="", permissions=wanted)
        tenant = self.u.tenants[name]
        self.tries(lambda: tenant_roles.define(tenant=tenant, definition=made, by=SYSTEM, at=self.at))

    @rule(name=tenant_names)
    def delete_a_role(self, name: str) -> None:
        tenant = self.u.tenants[name]
        with tenant_scope(tenant.id):
            there = TenantRole.objects.at(self.at).filter(tenant=tenant, key="night").exists()
        act = lambda: tenant_roles.delete(tenant=tenant, key="night", by=SYSTEM, at=self.at)  # noqa: E731
        self.tries(act, there)


class Mirroring(ContractActs, OtherActs, AmendmentActs, RoleActs, OwnActs, TenantsOwn):
    """After each act the job runs, and a mirror of some earlier moment is brought up to date."""

    def __init__(self) -> None:
        super().__init__()
        self.mirrors: dict[str, list[tuple[int, Entries]]] = {application: [] for application in APPS}
        for application in APPS:
            self.remember(application)

    def remember(self, application: str) -> tuple[int, Entries]:
        shot = read_acl(self.u.applications[application], at=self.at)
        now, kept = (shot["revision"], indexed(shot["resources"])), self.mirrors[application]
        if not kept or kept[-1][0] != shot["revision"]:
            kept.append(now)
        assert kept[-1] == now, "one revision, one content"
        return now

    @invariant()
    def the_job_misses_nothing(self) -> None:
        watch.tell(at=self.at)
        mirrors.watch(at=self.at)
        assert not mirrors.watch(at=self.at)
        for application in APPS:
            kept = json.loads(b"".join(acl.copied(application).pieces()))["resources"]
            assert kept == acl.build(self.u.applications[application], at=self.at), "what is kept is so"

    @invariant()
    def mirrors_agree(self) -> None:
        self.turn += 1
        dice = random.Random(self.turn)
        for application in APPS:
            number, entries = self.remember(application)
            revision, mirror = dice.choice(self.mirrors[application])
            found = read_acl(self.u.applications[application], at=self.at, since=revision)
            assert found["revision"] == number
            assert applied(mirror, found) == entries


@pytest.mark.slow
def test_from_any_starting_point(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: Clock.at)
    machine = type("Mirroring", (Mirroring,), {"universe": Universe.create(BORN)})
    run_state_machine_as_test(machine, settings=FEWER)


# --- the example ----------------------------------------------------------------------------------------


class Inside(BaseAdapter):
    """Answers ``requests`` by the test's browser."""

    def __init__(self, story: Story) -> None:
        super().__init__()
        self.story, self.asked = story, []

    def send(self, request: requests.PreparedRequest, *args: Any, **more: Any) -> requests.Response:
        parts = urlsplit(request.url or "")
        self.asked.append(f"{parts.path}?{parts.query}")
        found = self.story.browser.get(f"{parts.path}?{parts.query}", headers=dict(request.headers))
        reply = requests.Response()
        reply.status_code, reply._content, reply.url = found.status_code, found.content, request.url or ""
        return reply

    def close(self) -> None:
        pass


@pytest.fixture
def inside(acl_story: Story) -> Inside:
    return Inside(acl_story)


@pytest.fixture
def mirror(inside: Inside) -> Any:
    spec = importlib.util.spec_from_file_location("acl_mirror", EXAMPLE)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    session = requests.Session()
    session.mount("http://", inside)
    name = inside.story.meter.id
    session.auth = (name, inside.story.secrets[name])
    return module.Mirror(session, "http://testserver")


def roles_of(tenant_id: object, *keys: str) -> list[str]:
    return [f"urn:iam:application-role:{tenant_id}:acme.meter:{key}" for key in keys]


def as_mirrored(body: Mapping[str, Any]) -> dict[tuple[str, str, str], dict[str, set[str]]]:
    return {
        address: {grant["role"]: set(grant["privileges"]) for e in entries for grant in e["grants"]}
        for address, entries in indexed(body["resources"]).items()
    }


def test_the_example_is_short_and_needs_requests_only() -> None:
    text = EXAMPLE.read_text()
    assert len(text.splitlines()) <= 100
    own = {line.split()[1] for line in text.splitlines() if line.startswith(("import ", "from "))}
    assert own == {"os", "time", "collections.abc", "typing", "requests"}


def test_the_example_follows(inside: Inside, mirror: Any) -> None:
    story = inside.story
    beta = str(story.beta.id)
    question = (roles_of(beta, "viewer"), "read", beta, "urn:test", "machines")
    assert mirror.refresh()
    assert mirror.may(*question)
    assert not mirror.may(roles_of(beta, "editor"), "modify", *question[2:]), "not granted to Beta"
    assert not mirror.may(question[0], "read", str(story.acme.id), *question[3:]), "another tenant's data"
    assert not mirror.refresh()
    pauses.pause(tenant=story.acme, contract_id=story.contract.id, by=SYSTEM, at=story.at)
    assert mirror.refresh()
    assert not mirror.may(*question)
    assert mirror.entries == as_mirrored(story.snapshot())
    assert [asked for asked in inside.asked if asked.endswith("acl?")] == inside.asked[:1], "one snapshot"


def test_the_example_begins_anew_after_a_long_absence(inside: Inside, mirror: Any, settings: Any) -> None:
    story = inside.story
    story.declare("gates")
    mirror.refresh()
    story.declare()
    story.snapshot()
    story.at += settings.PORTAL_ACL_RETENTION * 2
    jobs.prune_acls()
    assert mirror.refresh()
    assert mirror.entries == as_mirrored(story.snapshot())


def test_a_failed_request_leaves_the_copy(
    inside: Inside, mirror: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror.refresh()
    before = mirror.revision, dict(mirror.entries)
    monkeypatch.setattr("accesscontrol.acl.standing", lambda *args, **kwargs: 1 / 0)
    with pytest.raises(requests.HTTPError):
        mirror.refresh()
    assert (mirror.revision, mirror.entries) == before
