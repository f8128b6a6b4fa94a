"""The mappings of identity providers in a document: by names, and each as at its own door."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accesscontrol.actions import assignments
from accesscontrol.actions.assignments import Wanted
from accesscontrol.configuration.comparing_mappings import LEAVING
from accesscontrol.configuration.state import read
from iam_portal.walls import tenant_scope
from tenants.actions import groups, mappers
from tenants.models import Group, HistoryEvent, IdentityMapper, MappedMembership, Membership
from tests.applications.story import person
from tests.support import factories
from tests.support.coming_from import make_mapper, make_provider
from tests.support.configuring import PORTAL, World, codes, steps

NIGHT = {"provider": "corp", "kind": "group", "claim": "groups", "value": "g-17", "group": "Night shift"}
NAME = {"provider": "corp", "kind": "display_name", "template": "{given_name} {family_name}"}
FIRST = {**NAME, "when": "first"}


def wanting(*items: Any) -> dict[str, Any]:
    return {"version": 1, "mappings": list(items)}


def rows(world: World) -> dict[Any, Any]:
    with tenant_scope(world.acme.tenant.id):
        found = IdentityMapper.objects.filter(tenant=world.acme.tenant)
        return {(row.kind, row.claim, row.value, row.template): row.id for row in found}


def test_one_that_sets_the_same_becomes_another(world: World) -> None:
    """It is the same one still: so whom it put into the group, it takes out again."""
    before = rows(world)
    with tenant_scope(world.acme.tenant.id):
        member = Membership.objects.filter(tenant=world.acme.tenant, group__name="Night shift").first()
        mine = {"tenant": world.acme.tenant, "mapper_id": before["group", "groups", "g-17", ""]}
        MappedMembership.objects.create(membership=member, **mine)
    given = {**NIGHT, "value": "g-18"}
    done = world.carry(world.acme, wanting(given, {**NIGHT, "value": "g-19"}, NAME))
    assert steps(done) == [
        "change mappings corp: {given_name} {family_name} → display_name",
        "change mappings corp: groups = g-17 → Night shift",
        "add mappings corp: groups = g-19 → Night shift",
    ]
    assert [step["permissions"] for step in done["steps"]] == [
        ["GroupMappers:modify"],
        ["GroupMappers:modify"],
        ["GroupMappers:add"],
    ]
    assert [step["pointer"] for step in done["steps"]] == ["/mappings/2", "/mappings/0", "/mappings/1"]
    changed = [step["diff"] for step in done["steps"][:2]]
    assert changed == [["- when: first"], ["~ value: g-17 → g-18", LEAVING]]
    after = rows(world)
    assert after["group", "groups", "g-18", ""] == before["group", "groups", "g-17", ""]
    assert {one["value"] for one in world.document(world.acme)["mappings"] if "value" in one} == {
        "g-18",
        "g-19",
    }
    with tenant_scope(world.acme.tenant.id):
        assert MappedMembership.objects.filter(mapper_id=after["group", "groups", "g-18", ""]).exists()


def test_into_another_group_it_is_another_one(world: World) -> None:
    before = rows(world)
    done = world.carry(world.acme, wanting(FIRST, {**NIGHT, "group": "PLANT"}))
    assert steps(done) == [
        "remove mappings corp: groups = g-17 → Night shift",
        "add mappings corp: groups = g-17 → Plant",
    ]
    assert done["steps"][0]["pointer"] == "/mappings"
    assert rows(world)["group", "groups", "g-17", ""] != before["group", "groups", "g-17", ""]
    assert done["impact"]["users"]["count"] == 0


def test_spelled_otherwise_it_is_the_same(world: World) -> None:
    """The group may be written as it likes, also where it gets another spelling itself."""
    document = world.document(world.acme)
    respelled = [
        {**one, "name": one["name"].upper(), "parent": one.get("parent")} for one in document["groups"]
    ]
    mapping = {**NIGHT, "group": "NIGHT shift", "when": "every"}
    done = world.carry(world.acme, {**wanting(FIRST, mapping), "groups": respelled})
    assert {step["section"] for step in done["steps"]} == {"groups"}
    assert world.document(world.acme)["mappings"][1]["group"] == "NIGHT SHIFT"


def test_its_group_comes_by_the_same_document(world: World) -> None:
    document = {**wanting({**NIGHT, "group": "new"}), "groups": [{"name": "New"}]}
    assert steps(world.carry(world.twin, document)) == [
        "add groups New",
        "add mappings corp: groups = g-17 → new",
    ]
    assert world.document(world.twin)["mappings"] == [{**NIGHT, "group": "New"}]


def test_a_group_that_goes_is_not_led_into(world: World) -> None:
    document = world.document(world.acme)
    going = {**document, "groups": [], "assignments": document["assignments"]}
    assert ("/mappings/1/group", "unknown_group") in codes(world.plan(world.acme, going))
    with tenant_scope(world.acme.tenant.id):
        night = Group.objects.get(tenant=world.acme.tenant, name="Night shift")
        asked = {"tenant": world.acme.tenant, "by": world.acme.actor, "at": timezone.now()}
        groups.delete(group_id=night.id, **asked)
        assert IdentityMapper.objects.filter(tenant=world.acme.tenant, group=night).count() == 0
        ended = HistoryEvent.objects.filter(tenant_id=world.acme.tenant.id, action="mapper.deleted")
        assert [row.before["group"] for row in ended] == [str(night.id)], "nothing goes in silence"
    kept = world.document(world.acme)
    assert kept["mappings"] == [FIRST]
    assert world.plan(world.acme, kept).json()["steps"] == []


def test_a_group_and_what_leads_into_it_go_by_one_document(world: World) -> None:
    document = world.document(world.acme)
    held = [one for one in document["assignments"] if "group" not in one["principal"]]
    done = steps(
        world.carry(world.acme, {**document, "groups": [], "assignments": held, "mappings": [FIRST]})
    )
    assert done[0] == "remove mappings corp: groups = g-17 → Night shift"
    assert "remove groups Night shift" in done
    assert world.document(world.acme)["mappings"] == [FIRST]


def test_two_that_are_alike_are_one_and_go_together(world: World) -> None:
    with tenant_scope(world.acme.tenant.id):
        [provider] = world.acme.tenant.identity_providers.all()
        twice = {"kind": "display_name", "when": "first", "template": NAME["template"]}
        make_mapper(provider, world.acme.user, at=timezone.now(), **twice)
    document = world.document(world.acme)
    assert document["mappings"] == [FIRST, NIGHT]
    assert world.plan(world.acme, document).json()["steps"] == []
    assert world.carry(world.acme, wanting(NIGHT))["summary"] == {"add": 0, "change": 0, "remove": 2}
    assert world.document(world.acme)["mappings"] == [NIGHT]


def test_where_it_is_full_one_makes_room_for_another(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mappers, "MOST", 2)
    world.carry(world.acme, wanting(NIGHT, {"provider": "corp", "kind": "username", "template": "{sub}"}))
    more = wanting(NIGHT, FIRST, {"provider": "corp", "kind": "username", "template": "{sub}"})
    assert codes(world.plan(world.acme, more)) == {("/mappings/1", "mapper_unsound")}


WRONG: dict[str, tuple[Any, str, str]] = {
    "unknown provider": ({**NAME, "provider": "theirs"}, "/mappings/0/provider", "unknown_provider"),
    "unknown group": ({**NIGHT, "group": "Nowhere"}, "/mappings/0/group", "unknown_group"),
    "no template": ({**NAME, "template": "Jane"}, "/mappings/0", "mapper_unsound"),
    "no claim": ({**NIGHT, "claim": ""}, "/mappings/0/claim", "needed"),
    "no value": ({**NIGHT, "value": ""}, "/mappings/0/value", "needed"),
    "no group": ({**NIGHT, "group": None}, "/mappings/0/group", "needed"),
    "empty": ({"provider": "corp", "kind": "email"}, "/mappings/0/template", "needed"),
    "both": ({**NIGHT, "template": "{sub}"}, "/mappings/0/template", "not_taken"),
    "a claim": ({**NAME, "claim": "groups"}, "/mappings/0/claim", "not_taken"),
    "a value": ({**NAME, "value": "g-17"}, "/mappings/0/value", "not_taken"),
    "a group": ({**NAME, "group": "Plant"}, "/mappings/0/group", "not_taken"),
    "a number": ({**NIGHT, "value": 17}, "/mappings/0/value", "invalid"),
    "long": ({**NIGHT, "value": "x" * 501}, "/mappings/0/value", "max_length"),
    "another kind": ({**NAME, "kind": "password"}, "/mappings/0/kind", "invalid_choice"),
    "another time": ({**NAME, "when": "never"}, "/mappings/0/when", "invalid_choice"),
    "more": ({**NAME, "secret": "x"}, "/mappings/0/secret", "unknown"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_cannot_be_has_its_place(world: World, wrong: str) -> None:
    """``theirs`` is a provider of the neighbour's alone."""
    item, pointer, code = WRONG[wrong]
    with tenant_scope(world.neighbour.tenant.id):
        make_provider(world.neighbour.tenant, "theirs", at=timezone.now())
    before = rows(world)
    reply = world.plan(world.acme, wanting(item))
    assert codes(reply) == {(pointer, code)}
    if reply.status_code == 200:
        assert world.apply(world.acme, wanting(item), reply.json()["revision"]).status_code == 409
    assert rows(world) == before


@pytest.mark.parametrize("again", [NIGHT, {**NIGHT, "group": "night SHIFT"}, {**NIGHT, "when": "every"}])
def test_none_stands_there_twice(world: World, again: Any) -> None:
    assert codes(world.plan(world.acme, wanting(NIGHT, again))) == {("/mappings/1", "named_twice")}


def test_history_has_a_row_for_each_and_no_value(world: World) -> None:
    world.carry(world.acme, wanting({**NIGHT, "value": "jane.of.old"}))
    world.carry(world.acme, wanting({**NIGHT, "value": "jane.of.old", "group": "Plant"}))
    for action in ("mapper.created", "mapper.changed", "mapper.deleted"):
        row = world.history(world.acme, action)[-1]
        assert (row.actor_kind, row.actor_id) == ("user", str(world.acme.user.id))
    with tenant_scope(world.acme.tenant.id):
        found = HistoryEvent.objects.filter(tenant=world.acme.tenant).values_list("before", "after")
        assert "jane.of.old" not in str(list(found))


# --- who ---------------------------------------------------------------------------------------------------


def manager(world: World, *roles: str) -> Client:
    return person(world.acme, "manager", "access-configuration-manager", *roles)


def refused(world: World, document: Any, client: Client) -> set[tuple[str, str]]:
    """By the plan, and then by apply."""
    plan, before = world.plan(world.acme, document, client), rows(world)
    again = world.apply(world.acme, document, plan.json()["revision"], client)
    assert (again.status_code, again.json()["code"]) == (403, "forbidden")
    assert (rows(world), codes(again)) == (before, codes(plan))
    return codes(plan)


def test_nobody_makes_one_for_more_than_he_holds(world: World) -> None:
    """Nor changes one: from then on it would act in his name, and seem to be his."""
    client, acme = manager(world, "group-mapper-manager"), world.acme.tenant
    with tenant_scope(acme.id):
        strong = groups.create(tenant=acme, name="Strong", by=factories.SYSTEM, at=timezone.now())
        wanted = Wanted(role="organization-manager", application_id=PORTAL, group_id=strong.id)
        given = {"tenant": acme, "by": factories.SYSTEM, "at": timezone.now()}
        assignments.assign(wanted=wanted, **given)
    kept = world.document(world.acme, client)["mappings"]
    made = {**NIGHT, "group": "Strong"}
    assert refused(world, wanting(*kept, made), client) == {("/mappings/2", "forbidden")}
    world.carry(world.acme, wanting(*kept, made))
    changed = wanting(*kept, {**made, "value": "mine"})
    assert refused(world, changed, client) == {("/mappings/2", "forbidden")}
    tried = world.history(world.acme, "grant.refused")
    assert len(tried) == 4
    assert any(text.startswith("Organizations:") for text in tried[0].after["missing"])


def test_names_are_set_by_who_may_change_names(world: World) -> None:
    client = manager(world, "group-mapper-manager")
    item = {"provider": "corp", "kind": "username", "template": "{sub}"}
    assert refused(world, wanting(FIRST, NIGHT, item), client) == {("/mappings/2", "forbidden")}


def test_who_reads_them_at_their_doors_reads_them_here(world: World) -> None:
    looker = world.people["acme"]["looker"]
    assert "mappings" not in world.document(world.acme, looker)
    assert "g-17" not in world.export(world.acme, looker).content.decode()
    client = manager(world, "group-mapper-manager")
    assert world.document(world.acme, client)["mappings"] == [FIRST, NIGHT]
    [hidden] = world.plan(world.acme, wanting(), looker).json()["objections"]
    needed = "This section needs the permission IdentityProviders:read or GroupMappers:read."
    assert (hidden["pointer"], hidden["detail"]) == ("/mappings", needed)


def test_they_are_read_by_as_many_statements_whatever_there_is(world: World) -> None:
    def statements() -> int:
        asked = {"tenant": world.acme.tenant, "sections": ["mappings"], "types": [], "at": timezone.now()}
        with tenant_scope(world.acme.tenant.id), CaptureQueriesContext(connection) as found:
            read(**asked)
        return len(found)

    few = statements()
    world.carry(world.acme, wanting(FIRST, *({**NIGHT, "value": f"g-{number}"} for number in range(6))))
    assert statements() == few


def test_a_group_that_goes_tells_that_its_mappings_go(world: World) -> None:
    """Also where the document says nothing of mappings."""
    done = world.carry(world.acme, {"version": 1, "groups": [{"name": "Fleet"}]})
    going = dict(zip(steps(done), (step["diff"] for step in done["steps"]), strict=True))
    told = {step: [line for line in lines if line.startswith("!")] for step, lines in going.items()}
    assert {step: lines for step, lines in told.items() if lines} == {
        "remove groups Night shift": ["! mappings of identity providers that lead into it end with it: 1"]
    }
    assert ("group", "groups", "g-17", "") not in rows(world)
