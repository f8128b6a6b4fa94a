"""Where a resource stood and what it offered is asked about at any moment: the answer is the one of then."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from accesscontrol import acl
from applications.actions import applications, manifests, resources
from applications.actions.resource_rows import Place
from applications.actions.resources import Wanted
from applications.manifest import parse
from applications.models import Application, ResourcePlace
from iam_portal.decision import rfc3339
from iam_portal.errors import DomainError
from iam_portal.walls import cross_tenant, tenant_scope
from tenants.models import User, since
from tests.accesscontrol.oauth.asking import METER, Asker, asker, codes
from tests.accesscontrol.oauth.conftest import World
from tests.accesscontrol.oauth.signed_in import give, person
from tests.support.factories import SYSTEM, make_resource
from tests.support.kept_acl import read_acl

KIND = "urn:test"
STATIC = {"type": KIND, "privileges": ["read", "modify"]}


class Yard:
    """Globex keeps resources in the meter; Jane reads its machines, and whatever stands in them."""

    def __init__(self, world: World, desk: Asker, jane: User) -> None:
        self.world, self.desk, self.jane = world, desk, jane

    @property
    def at(self) -> datetime:
        """Now."""
        return self.world.clock.at

    def later(self) -> datetime:
        return self.world.clock.forward(minutes=1)

    def place(self, at: datetime | None = None) -> Place:
        meter = Application.objects.get(id=METER)
        return Place(application=meter, tenant=self.world.globex, by=SYSTEM, at=at or self.at)

    def put(
        self, key: str, *privileges: str, inside: str | None = "machines", at: datetime | None = None
    ) -> None:
        above = (KIND, inside) if inside else None
        wanted = Wanted(address=(KIND, key), name=key, privileges=privileges or ("read",), parent=above)
        with tenant_scope(self.world.globex.id):
            resources.put(self.place(at), wanted)

    def end(self, key: str, at: datetime | None = None) -> None:
        with tenant_scope(self.world.globex.id):
            resources.end(self.place(at), (KIND, key))

    def declare(self, *rows: dict[str, Any]) -> None:
        held = {"resourceType": KIND, "resourceId": "machines", "privileges": ["read"]}
        roles = [{"key": "viewer", "name": "viewer", "permissions": [held]}]
        manifest = parse({"resources": list(rows), "roles": roles})
        manifests.declare(
            application=Application.objects.get(id=METER), manifest=manifest, by=SYSTEM, at=self.at
        )

    def may(self, key: str, at: datetime, privilege: str = "read") -> bool:
        """Asked now, about that moment; the ACL of that moment says the same."""
        told = self.desk.decide({"userId": self.jane.id}, resourceId=key, privilege=privilege, at=rfc3339(at))
        with cross_tenant():
            found = acl.build(Application.objects.get(id=METER), at=at, owners=[self.world.globex.id])
        grants = [grant for e in found if e["resourceId"] == key for grant in e["grants"]]
        viewers = [grant["privileges"] for grant in grants if grant["role"].endswith(":viewer")]
        assert told["allowed"] == any(privilege in held for held in viewers), (key, at)
        return bool(told["allowed"])


@pytest.fixture
def yard(shared: World, settings: Any) -> Yard:
    settings.ROOT_URLCONF = "iam_portal.urls"
    jane = person(shared)
    give(shared, jane)
    return Yard(shared, asker(shared, shared.globex), jane)


INSTANT = timedelta(microseconds=1)


def test_what_moved_stood_elsewhere_before(yard: Yard) -> None:
    """In machines, out of it, and in again: at the very moment of each it is there already."""
    yard.put("press")
    out = yard.later()
    yard.put("press", inside=None)
    back = yard.later()
    yard.put("press")
    yard.later()
    asked = [out - INSTANT, out, back - INSTANT, back, yard.at, yard.at + timedelta(days=400)]
    assert [yard.may("press", at) for at in asked] == [True, False, False, True, True, True]


def test_what_is_offered_no_more_was_offered_before(yard: Yard) -> None:
    yard.put("press", "read", "modify")
    narrowed = yard.later()
    yard.put("press", "modify")
    widened = yard.later()
    yard.put("press", "read")
    asked = [narrowed - INSTANT, narrowed, widened - INSTANT, widened]
    assert [yard.may("press", at) for at in asked] == [True, False, False, True]


def test_what_contained_it_moved(yard: Yard) -> None:
    """Two levels up: the press stands where it stood, and its hall does not."""
    yard.put("hall")
    yard.put("press", inside="hall")
    out = yard.later()
    yard.put("hall", inside=None)
    yard.later()
    assert [yard.may("press", at) for at in (out - INSTANT, out, yard.at)] == [True, False, False]


def test_what_went_and_came_back_is_another_one(yard: Yard) -> None:
    yard.put("press")
    gone = yard.later()
    yard.end("press")
    back = yard.later()
    yard.put("press", inside=None)
    moved = yard.later()
    yard.put("press")
    asked = [gone - INSTANT, gone, back, moved - INSTANT, moved]
    assert [yard.may("press", at) for at in asked] == [True, False, False, False, True]
    told = yard.desk.decide({"userId": yard.jane.id}, resourceId="press", at=rfc3339(gone))
    assert codes(told["reasons"]) == ["resource_unknown"]


def test_static_ones_as_they_were_declared_then(yard: Yard) -> None:
    """Moved, taken away and declared again, by a manifest."""
    machines = {**STATIC, "id": "machines"}
    inside = {**STATIC, "id": "pumps", "parent": {"type": KIND, "id": "machines"}}
    moments = []
    for rows in ([machines, inside], [machines, {**STATIC, "id": "pumps"}], [machines], [machines, inside]):
        moments.append(yard.later())
        yard.declare(*rows)
    assert [yard.may("pumps", at) for at in moments] == [True, False, False, True]
    assert [yard.may("pumps", at - INSTANT) for at in moments] == [False, True, False, False]


def test_what_is_superseded_contained_it_then(yard: Yard) -> None:
    """The press stands in the heir now; of the past the former one is told as what contained it."""
    yard.put("press")
    given = yard.later()
    heir = {**STATIC, "id": "plant", "supersedes": {"type": KIND, "id": "machines"}}
    held = {"resourceType": KIND, "resourceId": "plant", "privileges": ["read"]}
    manifest = parse({"resources": [heir], "roles": [{"key": "viewer", "permissions": [held]}]})
    meter = Application.objects.get(id=METER)
    manifests.declare(application=meter, manifest=manifest, by=SYSTEM, at=given)
    yard.later()
    for at, name in ((given - INSTANT, "machines"), (given, "plant"), (yard.at, "plant")):
        assert yard.may("press", at)
        told = yard.desk.decide({"userId": yard.jane.id}, resourceId="press", at=rfc3339(at))
        assert told["reasons"][-1]["text"] == (
            f"The role viewer contains read on {name}, which contains press."
        )


def test_an_application_that_was_retired_had_them(yard: Yard) -> None:
    """Nothing is left standing, and the past is what it was."""
    yard.put("press")
    retired = yard.later()
    applications.retire(tenant=yard.world.acme, application_id=METER, by=SYSTEM, at=retired)
    yard.later()
    assert [yard.may("press", at) for at in (retired - INSTANT, retired)] == [True, False]
    with cross_tenant():
        standing = ResourcePlace.objects.not_over(retired).filter(resource__application_id=METER)
        assert not standing.exists()


class TestLate:
    """Who began earlier and comes later changes things from now on: what was told meanwhile stays true."""

    def test_the_past_is_not_written_anew(self, yard: Yard) -> None:
        yard.put("press")
        early, moved = yard.later(), yard.later()
        yard.put("press", inside=None)
        yard.put("press", "modify", at=early)
        asked = [early - INSTANT, early, moved - INSTANT, moved]
        assert [yard.may("press", at) for at in asked] == [True, True, True, False]

    def test_no_moment_gets_a_loop(self, yard: Yard) -> None:
        """The hall left the press a moment ago; put into it as of before, each would contain the other."""
        yard.put("press", inside=None)
        yard.put("hall", inside="press")
        early, moved = yard.later(), yard.later()
        yard.put("hall", inside=None)
        yard.put("press", inside="hall", at=early)
        with cross_tenant():
            [*_, (during, parent)] = (
                ResourcePlace.objects.filter(resource__key="press", resource__owner_tenant=yard.world.globex)
                .order_by("during")
                .values_list("during", "parent__key")
            )
        assert (during.lower, parent) == (moved, "hall")

    def test_the_database_refuses_one_in_the_past(self, yard: Yard) -> None:
        """Past every check of the code, also where it would be over by now."""
        with cross_tenant():
            start, end = yard.at, yard.later()
            hall = make_resource(METER, "hall", owner=yard.world.globex, during=since(start))
            press = make_resource(METER, "press", owner=yard.world.globex, parent=hall, during=since(start))
            press.places.close(end)
            hall.places.close(start)
            with pytest.raises(Exception, match="contain itself"):
                hall.places.create(
                    owner_tenant=yard.world.globex,
                    parent=press,
                    privileges=["read"],
                    during=since(end - INSTANT),
                )

    def test_what_ended_meanwhile_ended_then(self, yard: Yard) -> None:
        """It came to its turn last: the end stands, with the place that had begun after it."""
        yard.put("press")
        early, moved = yard.later(), yard.later()
        yard.put("press", inside=None)
        yard.end("press", at=early)
        assert [yard.may("press", at) for at in (early - INSTANT, early, moved)] == [True, False, False]
        with cross_tenant():
            assert not ResourcePlace.objects.not_over(early).filter(resource__key="press").exists()


def test_a_refused_move_leaves_the_place(yard: Yard) -> None:
    yard.put("hall")
    yard.put("press", inside="hall")
    yard.later()
    with cross_tenant():
        before = list(ResourcePlace.objects.order_by("id").values_list("id", "during", "parent_id"))
    for key, inside in (("hall", "press"), ("press", "nowhere")):
        with pytest.raises(DomainError):
            yard.put(key, inside=inside)
    with cross_tenant():
        after = list(ResourcePlace.objects.order_by("id").values_list("id", "during", "parent_id"))
    assert before == after


def test_a_move_moves_the_acl(yard: Yard) -> None:
    """A reader of deltas hears of the press alone, at the moment at which it moves and not before."""
    meter = Application.objects.get(id=METER)
    yard.put("press")
    yard.put("hall", inside=None)
    before = read_acl(meter, at=yard.later())["revision"]
    yard.put("press", inside="hall")
    after = read_acl(meter, since=before, at=yard.at)
    assert after["revision"] == before + 1
    assert [(entry["resourceId"], entry["grants"]) for entry in after["changed"]] == [("press", [])]
    assert not after["removed"]
