"""What acts on people and groups take away is told before, by REST and on the pages, and is what happens."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from accesscontrol.actions import assignments
from iam_portal.walls import tenant_scope
from tenants.models import Group, HistoryEvent, User, UserActivity
from tests.applications.story import Party, party, person, signed_in
from tests.support import factories
from tests.support.administering import call, refused
from tests.support.coming_from import make_mapper, make_provider
from tests.support.once import made_once, savepoint

PLANNER = "acme.fleet-planner"


@pytest.fixture(scope="module")
def party_once(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Party]:
    """Depots, which may plan tours, with Night below; Joe and Ann are in Night, Ann also reads by herself."""
    settings.STATIC_ROOT = str(tmp_path_factory.mktemp("static"))
    with made_once(django_db_blocker):
        made = party("acme")
        at = timezone.now()
        joe, ann = (factories.make_user(made.tenant, name, at=at) for name in ("joe", "ann"))
        depots = factories.make_group(made.tenant, "Depots", at=at)
        factories.make_group(made.tenant, "Night", parent=depots, members=(joe, ann), at=at)
        for role, whom in (("planner", {"group_id": depots.id}), ("reader", {"user_id": ann.id})):
            wanted = assignments.Wanted(role=role, application_id=PLANNER, **whom)
            assignments.assign(tenant=made.tenant, wanted=wanted, by=factories.SYSTEM, at=timezone.now())
        yield made


@pytest.fixture
def acme(party_once: Party, django_db_blocker: DjangoDbBlocker) -> Iterator[Party]:
    with savepoint(django_db_blocker):
        yield party_once.fork()


def one(party: Party, model: type[User] | type[Group], **named: str) -> Any:
    with tenant_scope(party.tenant.id):
        return model.objects.get(tenant=party.tenant, **named)


def losses(found: dict[str, Any]) -> dict[str, list[str]]:
    return {
        row["name"]: sorted(urn.rpartition(":")[2] for urn in row["roles"]) for row in found["users"]["items"]
    }


def planners(party: Party) -> set[str]:
    """Who may plan tours now, as the access review has it."""
    items = call(party, "GET", f"access-review?applicationId={PLANNER}").json()["items"]
    return {row["name"] for row in items if row["role"] == "planner"}


def test_a_deactivation_tells_what_it_takes(acme: Party) -> None:
    ann = one(acme, User, username="ann")
    factories.sign_in(ann, at=timezone.now())
    path = f"users/{ann.id}"
    seen = call(acme, "GET", f"{path}/impact?action=deactivate")
    found = seen.json()
    assert losses(found) == {"Ann": ["planner", "reader"]}
    assert (found["sessions"]["count"], found["withoutPeople"]["count"]) == (1, 0)
    assert (found["pairs"], found["contracts"]["count"]) == ([], 0)
    joe = one(acme, User, username="joe")
    assert call(acme, "POST", f"users/{joe.id}/deactivate").status_code == 200
    now = call(acme, "POST", f"{path}/deactivate", **{"If-Match": seen["ETag"]})
    told = refused(now, 412, "impact_changed")["impact"]  # now Ann is the last who may
    assert told["withoutPeople"]["items"] == [{"applicationId": PLANNER, "name": "Fleet Planner"}]
    again = call(acme, "POST", f"{path}/deactivate", **{"If-Match": f'"{told["revision"]}"'})
    assert (again.status_code, again.json()["active"]) == (200, False)
    assert planners(acme) == set()


def test_of_a_deleted_person_the_past_is_still_told(acme: Party) -> None:
    ann, before = one(acme, User, username="ann"), timezone.now().isoformat().replace("+00:00", "Z")
    seen = call(acme, "GET", f"users/{ann.id}/impact?action=delete")
    assert call(acme, "DELETE", f"users/{ann.id}", **{"If-Match": seen["ETag"]}).status_code == 204
    then = call(acme, "GET", f"access-review?applicationId={PLANNER}&at={before}").json()["items"]
    assert {(row["name"], row["role"]) for row in then} == {
        ("Ann", "planner"),
        ("Ann", "reader"),
        ("Joe", "planner"),
    }
    assert planners(acme) == {"Joe"}


def test_a_group_that_ends_tells_who_loses_what(acme: Party) -> None:
    night = one(acme, Group, name="Night")
    path = f"groups/{night.id}"
    told = refused(call(acme, "DELETE", path), 428, "impact_required")["impact"]
    found = call(acme, "GET", f"{path}/impact?action=delete").json()
    assert found["revision"] == told["revision"]
    assert losses(found) == {"Ann": ["planner"], "Joe": ["planner"]}
    assert found["withoutPeople"]["count"] == 0  # Ann still reads
    refused(call(acme, "DELETE", path, **{"If-Match": '"r-1"'}), 428, "impact_required")
    assert call(acme, "DELETE", path, **{"If-Match": f'"{found["revision"]}"'}).status_code == 204
    assert planners(acme) == set()


def test_an_empty_group_ends_without_a_look(acme: Party) -> None:
    made = call(acme, "POST", "groups", {"name": "Day"}).json()["groupId"]
    assert call(acme, "DELETE", f"groups/{made}").status_code == 204


def test_a_group_that_ends_tells_of_the_mappers_into_it(acme: Party) -> None:
    """Nobody is in it yet, and its rules could not be told from history."""
    made = call(acme, "POST", "groups", {"name": "Day"}).json()["groupId"]
    with tenant_scope(acme.tenant.id):
        corp, rule = make_provider(acme.tenant, at=timezone.now()), {"kind": "group", "claim": "groups"}
        for value in ("g-1", "g-2"):
            rule |= {"group": Group.objects.get(id=made), "value": value, "template": ""}
            make_mapper(corp, acme.user, at=timezone.now(), **rule)
    page = acme.get(f"groups/{made}/delete").content.decode()
    assert "Mappers of a provider" in page
    path = f"groups/{made}"
    told = refused(call(acme, "DELETE", path), 428, "impact_required")["impact"]
    assert (told["mappers"], told["users"]["count"]) == ({"count": 2}, 0)
    with tenant_scope(acme.tenant.id):
        make_mapper(corp, acme.user, at=timezone.now(), **rule | {"value": "g-3"})
    late = call(acme, "DELETE", path, **{"If-Match": f'"{told["revision"]}"'})
    told = refused(late, 412, "impact_changed")["impact"]
    assert told["mappers"] == {"count": 3}
    assert call(acme, "DELETE", path, **{"If-Match": f'"{told["revision"]}"'}).status_code == 204
    with tenant_scope(acme.tenant.id):
        assert not corp.mappers.exists()


def test_a_move_tells_who_loses_what_by_the_place_it_goes_to(acme: Party) -> None:
    night, depots = one(acme, Group, name="Night"), one(acme, Group, name="Depots")
    path = f"groups/{night.id}"
    top = call(acme, "GET", f"{path}/impact?action=move&parentId=none")
    assert losses(top.json()) == {"Ann": ["planner"], "Joe": ["planner"]}
    stays = call(acme, "GET", f"{path}/impact?action=move&parentId={depots.id}").json()
    assert losses(stays) == {}
    refused(
        call(acme, "GET", f"groups/{depots.id}/impact?action=move&parentId={night.id}"), 409, "group_loop"
    )
    for query in ("", "?action=move", "?action=delete&parentId=none", "?action=move&parentId=x"):
        refused(call(acme, "GET", f"{path}/impact{query}"), 400, "invalid")
    elsewhere = call(acme, "POST", "groups", {"name": "Fleet"}).json()["groupId"]
    other = call(acme, "POST", f"{path}/move", {"parentId": elsewhere}, **{"If-Match": top["ETag"]})
    refused(other, 412, "impact_changed")  # shown was another place
    moved = call(acme, "POST", f"{path}/move", {"parentId": None}, **{"If-Match": top["ETag"]})
    assert moved.status_code == 200
    assert planners(acme) == set()


def test_a_look_changes_nothing_and_is_for_who_may_act(acme: Party) -> None:
    joe, night = one(acme, User, username="joe"), one(acme, Group, name="Night")
    doors = [f"users/{joe.id}/impact?action=delete", f"groups/{night.id}/impact?action=delete"]
    reader = person(acme, "lee", "user-reader")
    for door in doors:
        assert call(acme, "GET", door).status_code == 200
        refused(call(acme, "GET", door, by=reader), 403, "forbidden")
    assert planners(acme) == {"Ann", "Joe"}
    assert call(acme, "GET", f"users/{joe.id}").json()["revision"] == "r-1"


def test_who_may_not_read_roles_is_told_how_many(acme: Party) -> None:
    """By REST, in the refusal, and on the page."""
    own = {"applicationId": "iam-portal", "resourceType": "urn:iam:portal"}
    held = [{**own, "resourceId": "Users", "privileges": ["read", "modify"]}]
    made = call(acme, "POST", "roles", {"key": "desk", "name": "Front desk", "permissions": held})
    assert made.status_code == 201, made.content
    lee = factories.make_user(acme.tenant, "lee", at=timezone.now())
    wanted = assignments.Wanted(role="desk", user_id=lee.id)
    assignments.assign(tenant=acme.tenant, wanted=wanted, by=factories.SYSTEM, at=timezone.now())
    desk, ann = signed_in(lee, timezone.now()), one(acme, User, username="ann")
    joe = one(acme, User, username="joe")
    call(acme, "POST", f"users/{joe.id}/deactivate")
    door = f"users/{ann.id}/impact?action=deactivate"
    full, mine = call(acme, "GET", door).json(), call(acme, "GET", door, by=desk).json()
    for part in ("users", "withoutPeople"):
        assert (full[part]["count"], len(full[part]["items"])) == (1, 1)
        assert mine[part] == {"count": 1, "items": []}
    assert mine["revision"] == full["revision"]
    stale = call(acme, "POST", f"users/{ann.id}/deactivate", by=desk, **{"If-Match": f'"i-{"0" * 32}"'})
    assert refused(stale, 412, "impact_changed")["impact"] == mine | {"at": stale.json()["impact"]["at"]}
    page = desk.get(acme.url(f"users/{ann.id}/deactivate"))
    assert page.status_code == 200
    assert "planner" not in page.content.decode()
    assert "Fleet Planner" not in page.content.decode()


# --- on the pages -------------------------------------------------------------------------------------


def test_deactivating_on_the_page_shows_it(acme: Party) -> None:
    ann = one(acme, User, username="ann")
    page = acme.get(f"users/{ann.id}/deactivate")
    assert "Ann: planner, reader" in page.content.decode()
    confirm = page.context["confirm"]
    stale = acme.client.post(
        acme.url(f"users/{ann.id}/deactivate"), {"revision": 1, "impact": "i-" + "0" * 32}, follow=True
    )
    assert "has changed since it was shown" in stale.content.decode()
    assert acme.post(f"users/{ann.id}/deactivate", revision=1, impact=confirm["impact"]).status_code == 302
    with tenant_scope(acme.tenant.id):
        assert not UserActivity.objects.at(timezone.now()).filter(user=ann).exists()


def test_deleting_on_the_page_takes_the_name_and_what_was_shown(acme: Party) -> None:
    ann = one(acme, User, username="ann")
    path = f"users/{ann.id}/delete"
    assert f"{ann.id}/delete" in acme.get(f"users/{ann.id}").content.decode()
    page = acme.get(path)
    text = page.content.decode()
    assert "Delete the account of Ann?" in text
    assert "It cannot be undone" in text
    given = {"revision": 1, "impact": page.context["confirm"]["impact"]}
    wrong = acme.post(path, **given, typed="Anna")
    assert (wrong.status_code, wrong.context["form"].errors) == (200, {"typed": ["This is not the name."]})
    unseen = acme.client.post(acme.url(path), {"revision": 1, "typed": "ann"}, follow=True)
    assert "Look at the impact first" in unseen.content.decode()
    done = acme.post(path, **given, typed=" ann ")
    assert done.headers["Location"] == acme.url("users")
    assert "The account of Ann is deleted." in acme.get("users").content.decode()
    assert acme.get(f"users/{ann.id}").status_code == 404
    assert acme.post(path, **given, typed="ann").status_code == 404
    own = acme.get(f"users/{acme.user.id}/delete").content.decode()
    assert "Nobody deletes his own account" in own


def test_moving_on_the_page_asks_when_somebody_loses_something(acme: Party) -> None:
    night = one(acme, Group, name="Night")
    path = f"groups/{night.id}/move"
    asked = acme.post(path, parent="", revision=1)
    text = asked.content.decode()
    assert (asked.status_code, "Move Night?" in text, "Joe: planner" in text) == (200, True, True)
    form = asked.context["form"]
    sent = {name: form[name].value() for name in ("parent", "revision")}
    assert planners(acme) == {"Ann", "Joe"}
    done = acme.post(path, **sent, impact=asked.context["confirm"]["impact"])
    assert done.headers["Location"] == acme.url(f"groups/{night.id}")
    assert planners(acme) == set()


def test_deleting_a_group_on_the_page_shows_it(acme: Party) -> None:
    night = one(acme, Group, name="Night")
    page = acme.get(f"groups/{night.id}/delete")
    assert "Joe: planner" in page.content.decode()
    acme.post(f"groups/{night.id}/delete", revision=1)
    assert planners(acme) == {"Ann", "Joe"}  # nothing was shown
    acme.post(f"groups/{night.id}/delete", revision=1, impact=page.context["confirm"]["impact"])
    assert planners(acme) == set()


def test_the_settings_page_says_what_is_kept(acme: Party) -> None:
    page = acme.get("settings")
    assert "History keeps" in page.content.decode()
    revision = acme.get("settings/deleted-people").context["form"]["revision"].value()
    given = {"keeps": "pseudonym", "revision": revision}
    assert acme.post("settings/deleted-people", **given).status_code == 302
    assert "a pseudonym" in acme.get("settings").content.decode()
    stale = acme.post("settings/deleted-people", **{**given, "keeps": "name"})
    assert "changed meanwhile" in stale.content.decode()


def test_the_choice_is_recorded_and_guarded(acme: Party) -> None:
    first = call(acme, "GET", "deleted-people")
    assert first.json() == {"historyKeeps": "name", "revision": first["ETag"].strip('"')}
    reply = call(
        acme, "PATCH", "deleted-people", {"historyKeeps": "pseudonym"}, **{"If-Match": first["ETag"]}
    )
    assert reply.status_code == 200
    stale = call(acme, "PATCH", "deleted-people", {"historyKeeps": "name"}, **{"If-Match": first["ETag"]})
    refused(stale, 412, "revision_mismatch")
    for body in ({"historyKeeps": "all"}, {"historyKeeps": None}, {}, {"keeps": "name"}):
        refused(call(acme, "PATCH", "deleted-people", body), 400, "invalid")
    with tenant_scope(acme.tenant.id):
        row = HistoryEvent.objects.filter(tenant=acme.tenant, action="tenant.history_keeps_changed").get()
        assert (row.before, row.after["keeps"]) == ({"keeps": "name"}, "pseudonym")
    assert call(acme, "GET", "deleted-people").json()["historyKeeps"] == "pseudonym"
