"""Mappings of identity providers in a workbook: a row for each, and each as at its own door."""

import html
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from accesscontrol.actions import assignments, tenant_roles
from accesscontrol.actions.assignments import Wanted
from accesscontrol.actions.tenant_roles import Definition
from accesscontrol.configuration.comparing_mappings import LEAVING
from iam_portal.walls import tenant_scope
from tenants.models import IdentityMapper, MappedMembership, Membership
from tests.applications.story import person
from tests.support.coming_from import make_mapper
from tests.support.configuring import World, codes, steps
from tests.support.factories import SYSTEM
from tests.support.forms import Forms
from tests.support.workbooks import Edit, apply, download, edited, plan, texts

HEAD = ["Provider", "Sets", "When", "Claim", "Value", "Group", "Template"]
NAME = ["corp", "display_name", "first", "", "", "", "{given_name} {family_name}"]
NIGHT = ["corp", "group", "every", "groups", "g-17", "Night shift", ""]
PAGE = "/t/acme/settings/workbook"


def moved(book: Any) -> None:
    """One becomes another, one goes, one comes with its group."""
    book["Groups"].append(["Early shift"])
    book["Mappings"].append(["corp", "Group", None, "groups", "g-18", "early shift"])
    book["Mappings"]["E3"] = "g-19"
    book["Mappings"].delete_rows(2)


def without(*names: str) -> Edit:
    def change(book: Any) -> None:
        for name in names:
            del book[name]

    return change


def another(world: World) -> None:
    """Somebody else makes a mapping."""
    with tenant_scope(world.acme.tenant.id):
        [provider] = world.acme.tenant.identity_providers.all()
        make_mapper(provider, world.acme.user, at=timezone.now(), kind="username", template="{sub}")


def test_a_row_is_a_mapping(world: World) -> None:
    assert texts(download(world, world.acme), "Mappings") == [HEAD, NAME, NIGHT]


def test_what_is_edited_is_shown_and_done(world: World) -> None:
    raw = edited(download(world, world.acme), moved)
    planned = plan(world, world.acme, raw).json()
    assert (planned["objections"], steps(planned)) == (
        [],
        [
            "add groups Early shift",
            "remove mappings corp: {given_name} {family_name} → display_name",
            "change mappings corp: groups = g-17 → Night shift",
            "add mappings corp: groups = g-18 → early shift",
        ],
    )
    assert planned["steps"][2]["diff"] == ["~ value: g-17 → g-19"]
    assert planned["impact"]["users"]["count"] == 0

    done = apply(world, world.acme, raw, planned["revision"])

    assert done.status_code == 200, done.content
    assert texts(download(world, world.acme), "Mappings") == [
        HEAD,
        ["corp", "group", "every", "groups", "g-18", "Early shift", ""],
        ["corp", "group", "every", "groups", "g-19", "Night shift", ""],
    ]


def test_what_others_changed_since_the_download_stays(world: World) -> None:
    raw = edited(download(world, world.acme), moved)
    revision = plan(world, world.acme, raw).json()["revision"]
    another(world)
    for refused in (plan(world, world.acme, raw), apply(world, world.acme, raw, revision)):
        assert (refused.status_code, refused.json()["code"]) == (412, "sheet_outdated")
        assert refused.json()["sections"] == ["mappings"]
    assert len(world.document(world.acme)["mappings"]) == 3


def test_without_its_sheet_they_stay(world: World) -> None:
    """Also in a workbook of before, which knew nothing of them."""

    def before(book: Any) -> None:
        del book["Mappings"]
        [row] = [row for row in book["Read me"].iter_rows() if row[0].value == "Revision: mappings"]
        book["Read me"].delete_rows(row[0].row)

    raw = download(world, world.acme)
    another(world)
    for edit in (without("Mappings"), before):
        planned = plan(world, world.acme, edited(raw, edit))
        assert (planned.status_code, planned.json()["steps"]) == (200, [])

    def grown(book: Any) -> None:
        before(book)
        book.create_sheet("Mappings").append(HEAD)

    refused = plan(world, world.acme, edited(raw, grown))
    assert (refused.status_code, refused.json()["sections"]) == (412, ["mappings"])


def test_alone_it_is_enough(world: World) -> None:
    raw = edited(download(world, world.acme), without("Roles", "Permissions", "Groups", "Members"))
    assert plan(world, world.acme, raw).json()["steps"] == []
    alone = edited(raw, lambda book: book["Mappings"].delete_rows(2, 2))
    assert plan(world, world.acme, alone).json()["summary"] == {"add": 0, "change": 0, "remove": 2}


WRONG: dict[str, tuple[str, str, str, str]] = {
    "unknown provider": ("A3", "theirs", "/Mappings!A3", "unknown_provider"),
    "unknown group": ("F3", "Nowhere", "/Mappings!F3", "unknown_group"),
    "another kind": ("B3", "password", "/Mappings!B3", "invalid_choice"),
    "another time": ("C3", "never", "/Mappings!C3", "invalid_choice"),
    "no value": ("E3", "", "/Mappings!E3", "needed"),
    "both": ("G3", "{sub}", "/Mappings!G3", "not_taken"),
    "no claim in it": ("G2", "Jane", "/Mappings!A2", "mapper_unsound"),
    "long": ("D3", "x" * 201, "/Mappings!D3", "max_length"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_names_its_cell(world: World, wrong: str) -> None:
    cell, text, pointer, code = WRONG[wrong]
    raw = edited(download(world, world.acme), lambda book: book["Mappings"].__setitem__(cell, text or None))
    assert codes(plan(world, world.acme, raw)) == {(pointer, code)}
    file = SimpleUploadedFile("acme.xlsx", raw)
    page = world.acme.client.post(PAGE, {"file": file, "go": "look"}).content.decode()
    assert f"{pointer[1:]}: " in page
    assert "Apply the workbook" not in page


def test_it_is_said_in_the_readers_language(world: World) -> None:
    raw = edited(download(world, world.acme), lambda book: book["Mappings"].__setitem__("A3", "theirs"))
    sent = {"file": SimpleUploadedFile("acme.xlsx", raw), "go": "look"}
    page = world.acme.client.post(PAGE, sent, headers={"accept-language": "de"}).content.decode()
    assert "Mappings!A3: Es gibt keinen Identitätsanbieter theirs." in page
    assert "Mappings!A3: There is no identity provider theirs." in str(plan(world, world.acme, raw).json())


def test_twice_is_said_of_the_second(world: World) -> None:
    raw = edited(
        download(world, world.acme), lambda book: book["Mappings"].append([*NIGHT[:5], "NIGHT shift"])
    )
    assert codes(plan(world, world.acme, raw)) == {("/Mappings!A4", "named_twice")}


# --- who ---------------------------------------------------------------------------------------------------


def test_who_reads_none_gets_none_and_changes_none(world: World) -> None:
    looker = world.people["acme"]["looker"]
    raw = download(world, world.acme, looker)
    assert "g-17" not in str([texts(raw, name) for name in ("Read me", "Groups", "Members")])
    with pytest.raises(KeyError):
        texts(raw, "Mappings")
    whole = edited(download(world, world.acme), without("Roles", "Permissions", "Groups", "Members"))
    for sent in (whole, edited(whole, lambda book: book["Mappings"].delete_rows(2, 2))):
        hidden = plan(world, world.acme, sent, looker).json()
        assert (hidden["steps"], {one["code"] for one in hidden["objections"]}) == ([], {"forbidden"})


def test_who_reads_them_and_no_more_changes_none(world: World) -> None:
    reader, acme, at = (
        person(world.acme, "sam", "access-configuration-manager"),
        world.acme.tenant,
        timezone.now(),
    )
    held = [("iam-portal", "urn:iam:portal", "GroupMappers", "read")]
    with tenant_scope(acme.id):
        definition = Definition(key="seer", name="Seer", description="", permissions=held)
        tenant_roles.define(tenant=acme, definition=definition, by=SYSTEM, at=at)
        wanted = Wanted(role="seer", user_id=acme.users.get(username="sam").id)
        assignments.assign(tenant=acme, wanted=wanted, by=SYSTEM, at=at)
    raw = edited(download(world, world.acme, reader), lambda book: book["Mappings"].delete_rows(2, 2))
    planned = plan(world, world.acme, raw, reader).json()
    assert [(step["verb"], step["permissions"]) for step in planned["steps"]] == [
        ("remove", ["GroupMappers:delete"])
    ] * 2
    assert {one["code"] for one in planned["objections"]} == {"forbidden"}
    assert apply(world, world.acme, raw, planned["revision"], reader).status_code == 403
    assert len(world.document(world.acme)["mappings"]) == 2


def test_names_are_set_by_who_may_change_names(world: World) -> None:
    reader = person(world.acme, "manager", "access-configuration-manager", "group-mapper-manager")
    raw = edited(download(world, world.acme, reader), lambda book: book["Mappings"].delete_rows(2))
    assert texts(raw, "Mappings") == [HEAD, NIGHT]
    naming = edited(
        raw, lambda book: book["Mappings"].append(["corp", "username", None, None, None, None, "{sub}"])
    )
    planned = plan(world, world.acme, naming, reader).json()
    [refused] = planned["objections"]
    assert (refused["pointer"], refused["code"]) == ("/Mappings!A3", "forbidden")
    done = apply(world, world.acme, naming, planned["revision"], reader)
    assert (done.status_code, codes(done)) == (403, {("/Mappings!A3", "forbidden")})
    assert len(world.document(world.acme)["mappings"]) == 2


def test_another_organizations_rows_are_not_taken(world: World) -> None:
    """Both have a provider and a group of these names."""
    raw = edited(download(world, world.neighbour), lambda book: book["Mappings"].delete_rows(2, 2))
    assert plan(world, world.acme, raw).json()["code"] == "sheet_of_another"
    assert plan(world, world.neighbour, raw, world.acme.client).status_code == 401


# --- the page ----------------------------------------------------------------------------------------------


def test_a_person_looks_and_applies(world: World) -> None:
    got = world.acme.client.get(f"{PAGE}/download").content
    file = SimpleUploadedFile("acme.xlsx", edited(got, moved))
    looked = world.acme.client.post(PAGE, {"file": file, "go": "look"})
    shown = looked.content.decode()
    assert all(text in shown for text in ("groups = g-18 → early shift", "~ value: g-17 → g-19"))
    assert "Nobody loses anything by it." in shown
    assert "next sign-in" not in shown
    form = Forms(shown).with_fields("workbook", "impact")

    done = world.acme.client.post(PAGE, {**form, "go": "apply"})

    assert done.status_code == 302, done.content
    assert {one["value"] for one in world.document(world.acme)["mappings"]} == {"g-18", "g-19"}
    assert world.acme.client.post(PAGE, {**form, "go": "apply"}).status_code == 412


def test_who_would_leave_at_the_next_sign_in_is_told_of(world: World) -> None:
    """The impact counts what is lost at once: alone it would say that nobody loses anything."""
    with tenant_scope(world.acme.tenant.id):
        membership = Membership.objects.filter(tenant=world.acme.tenant, group__name="Night shift").first()
        mapper = IdentityMapper.objects.get(tenant=world.acme.tenant, kind="group")
        MappedMembership.objects.create(tenant=world.acme.tenant, membership=membership, mapper=mapper)
    got = world.acme.client.get(f"{PAGE}/download").content
    file = SimpleUploadedFile("acme.xlsx", edited(got, moved))
    shown = world.acme.client.post(PAGE, {"file": file, "go": "look"}).content.decode()
    assert "Nobody loses anything by it." not in shown
    assert "leaves it at the next sign-in." in shown
    assert LEAVING in html.unescape(shown)
