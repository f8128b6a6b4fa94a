"""People and groups by REST, with a neighbour who has the same names."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.core import mail
from pytest_django import DjangoDbBlocker

from iam_portal.walls import tenant_scope
from tenants.models import Group, HistoryEvent, User
from tests.applications.story import Party, party, person
from tests.support import factories
from tests.support.knocking import give
from tests.support.once import made_once, savepoint

ADDRESS = "/iam/access-management/v1/tenants/{}/{}"
NEW = {"username": "kim", "email": "kim@example.org", "displayName": "Kim"}


@pytest.fixture(scope="module")
def both(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Party]]:
    settings.STATIC_ROOT = str(tmp_path_factory.mktemp("static"))
    with made_once(django_db_blocker):
        made = {slug: party(slug) for slug in ("acme", "neighbour")}
        for each in made.values():
            at = each.tenant.created_at
            joe = factories.make_user(each.tenant, "joe", at=at)
            top = factories.make_group(each.tenant, "Depots", at=at)
            factories.make_group(each.tenant, "Night", parent=top, members=(joe,), at=at)
        yield made


@pytest.fixture
def acme(both: dict[str, Party], django_db_blocker: DjangoDbBlocker) -> Iterator[Party]:
    with savepoint(django_db_blocker):
        yield both["acme"].fork()


@pytest.fixture
def neighbour(acme: Party, both: dict[str, Party]) -> Party:
    return both["neighbour"].fork()


def call(party: Party, method: str, path: str, body: Any = None, by: Any = None, **headers: str) -> Any:
    sent = "" if body is None else json.dumps(body)
    address, _, query = ADDRESS.format(party.tenant.id, path).partition("?")
    return (by or party.client).generic(
        method, address, sent, "application/json", headers=headers, QUERY_STRING=query
    )


def user_of(party: Party, name: str) -> User:
    with tenant_scope(party.tenant.id):
        return party.tenant.users.get(username=name)


def group_of(party: Party, name: str) -> Group:
    with tenant_scope(party.tenant.id):
        return Group.objects.get(tenant=party.tenant, name=name)


def told(party: Party) -> str:
    with tenant_scope(party.tenant.id):
        return str(HistoryEvent.objects.filter(tenant=party.tenant).latest("id").action)


def refused(reply: Any, status: int, code: str) -> Any:
    assert (reply.status_code, reply.json()["code"]) == (status, code), reply.content
    assert reply["Content-Type"] == "application/problem+json"
    return reply.json()


# --- users --------------------------------------------------------------------------------------------


def test_an_invitation_shows_its_link_in_the_mailbox_only(
    acme: Party, django_capture_on_commit_callbacks: Any
) -> None:
    del mail.outbox[:]
    with django_capture_on_commit_callbacks(execute=True):
        made = call(acme, "POST", "users", NEW)
    assert (made.status_code, made["ETag"], told(acme)) == (201, '"r-1"', "user.invited")
    user_id = made.json()["userId"]
    assert made.json() == {**NEW, "userId": user_id, "active": True, "invited": True, "revision": "r-1"}
    assert [message.to for message in mail.outbox] == [["kim@example.org"]]
    token = mail.outbox[0].body.partition("token=")[2].split()[0]
    assert token and token not in made.content.decode()
    assert call(acme, "GET", f"users/{user_id}").json() == made.json()
    with django_capture_on_commit_callbacks(execute=True):
        assert call(acme, "POST", f"users/{user_id}/resend-invitation").status_code == 204
    assert len(mail.outbox) == 2
    joe = user_of(acme, "joe").id
    refused(call(acme, "POST", f"users/{joe}/resend-invitation"), 409, "user_joined")
    assert call(acme, "POST", f"users/{joe}/reset-password").status_code == 204
    assert told(acme) == "user.link_sent"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"username": "JOE"}, "/username"),
        ({"username": "two words"}, "/username"),
        ({"email": "JOE@example.org"}, "/email"),
        ({"email": "nothing"}, "/email"),
        ({"displayName": "x" * 151}, "/displayName"),
        ({"displayName": "\x00"}, "/displayName"),
        ({"password": "x"}, "/password"),
        ({"username": ["a"]}, "/username"),
    ],
)
def test_each_objection_names_its_field(acme: Party, change: dict[str, Any], pointer: str) -> None:
    for method, path in (("POST", "users"), ("PATCH", f"users/{acme.user.id}")):
        body = {**NEW, **change} if method == "POST" else change
        said = refused(call(acme, method, path, body), 400, "invalid")
        assert [error["pointer"] for error in said["errors"]] == [pointer]


def test_the_list_is_of_this_tenant_searched_and_paged(acme: Party, neighbour: Party) -> None:
    assert call(acme, "POST", "users", NEW).status_code == 201
    found, following = [], "users?limit=2"
    while following:
        page = call(acme, "GET", following).json()
        found += [row["username"] for row in page["items"]]
        following = page["next"] and "users?" + page["next"].partition("?")[2]
    assert found == ["jane", "joe", "kim"]
    own = {row["userId"] for row in call(acme, "GET", "users").json()["items"]}
    assert own.isdisjoint(row["userId"] for row in call(neighbour, "GET", "users").json()["items"])

    def names(query: str) -> list[str]:
        return [row["username"] for row in call(acme, "GET", f"users?{query}").json()["items"]]

    assert names("search=KIM@ex") == ["kim"]
    assert (names("search=%25"), names("search=_"), names("search=%00joe")) == ([], [], ["joe"])
    joe = user_of(acme, "joe").id
    assert call(acme, "POST", f"users/{joe}/deactivate").status_code == 200
    assert (names("active=false"), names("active=true")) == (["joe"], ["jane", "kim"])
    for query in ("active=yes", "limit=0", "cursor=x"):
        refused(call(acme, "GET", f"users?{query}"), 400, "invalid")


@pytest.mark.parametrize(("path", "count"), [("users", 7), ("groups", 7), ("groups/{}/members", 8)])
def test_the_query_count_of_a_page_is_fixed(
    acme: Party, path: str, count: int, django_assert_num_queries: Any
) -> None:
    address = path.format(group_of(acme, "Night").id)
    with django_assert_num_queries(count):
        assert call(acme, "GET", address).status_code == 200


def test_a_change_on_an_old_revision_changes_nothing(acme: Party) -> None:
    path = f"users/{user_of(acme, 'joe').id}"
    changed = call(acme, "PATCH", path, {"displayName": "Joseph"}, **{"If-Match": '"r-1"'})
    assert (changed.json()["displayName"], changed["ETag"]) == ("Joseph", '"r-2"')
    acts = [("PATCH", path, {"displayName": "Jo"}), ("POST", f"{path}/deactivate", None)]
    for method, at, body in acts:
        said = call(acme, method, at, body, **{"If-Match": '"r-1"'})
        assert refused(said, 412, "revision_mismatch")["revision"] == "r-2"
    refused(call(acme, "PATCH", path, {}, **{"If-Match": "7"}), 400, "invalid")
    assert call(acme, "GET", path).json()["displayName"] == "Joseph"


def test_acts_on_a_person(acme: Party) -> None:
    path = f"users/{user_of(acme, 'joe').id}"
    gone = call(acme, "POST", f"{path}/deactivate", **{"If-Match": '"r-1"'})
    assert (gone.status_code, gone.json()["active"], gone["ETag"]) == (200, False, '"r-2"')
    refused(call(acme, "POST", f"{path}/deactivate"), 409, "user_inactive")
    refused(call(acme, "POST", f"{path}/reset-password"), 409, "user_inactive")
    back = call(acme, "POST", f"{path}/reactivate")
    assert (back.json()["active"], back["ETag"]) == (True, '"r-3"')
    refused(call(acme, "POST", f"{path}/reactivate"), 409, "user_active")
    refused(call(acme, "POST", f"{path}/reactivate", {"at": "now"}), 400, "invalid")
    refused(call(acme, "POST", f"users/{acme.user.id}/deactivate"), 409, "last_administrator")
    assert call(acme, "GET", f"users/{acme.user.id}").json()["active"]


def test_nobody_becomes_a_stronger_person(acme: Party) -> None:
    """Who may change users, and holds less than the administrator, gets no way to sign in as him."""
    weak = person(acme, "lee", "access-manager")
    path = f"users/{acme.user.id}"
    assert call(acme, "PATCH", path, {"displayName": "Janet"}, by=weak).status_code == 200
    refused(call(acme, "PATCH", path, {"email": "lee@evil.example"}, by=weak), 403, "forbidden")
    refused(call(acme, "POST", f"{path}/reset-password", by=weak), 403, "forbidden")
    assert call(acme, "GET", path).json()["email"] == "jane@example.org"
    joe = user_of(acme, "joe").id
    give(acme.tenant, "organization-manager", user_id=joe)
    call(acme, "POST", f"users/{joe}/deactivate")
    refused(call(acme, "POST", f"users/{joe}/reactivate", by=weak), 403, "forbidden")


# --- groups -------------------------------------------------------------------------------------------


def test_a_group_is_made_renamed_moved_and_ended(acme: Party) -> None:
    top, night = group_of(acme, "Depots").id, group_of(acme, "Night").id
    made = call(acme, "POST", "groups", {"name": "Day", "parentId": str(top)})
    path = f"groups/{made.json()['groupId']}"
    assert (made.status_code, made["ETag"], made.json()["parentId"]) == (201, '"r-1"', str(top))
    named = call(acme, "PATCH", path, {"description": "Early"}, **{"If-Match": '"r-1"'})
    assert (named.json()["name"], named.json()["description"]) == ("Day", "Early")
    moved = call(acme, "POST", f"{path}/move", {"parentId": str(night)}, **{"If-Match": '"r-2"'})
    assert (moved.json()["parentId"], moved["ETag"]) == (str(night), '"r-3"')
    said = refused(call(acme, "DELETE", f"groups/{night}"), 409, "group_has_subgroups")
    assert said["subgroups"] == ["Day"]
    assert call(acme, "POST", f"{path}/move", {"parentId": None}).json()["parentId"] is None
    refused(call(acme, "DELETE", path, **{"If-Match": '"r-1"'}), 412, "revision_mismatch")
    assert call(acme, "DELETE", path).status_code == 204
    refused(call(acme, "GET", path), 404, "not_found")
    assert told(acme) == "group.deleted"


def test_what_a_group_refuses(acme: Party) -> None:
    top, night = group_of(acme, "Depots").id, group_of(acme, "Night").id
    refused(call(acme, "POST", f"groups/{top}/move", {"parentId": str(night)}), 409, "group_loop")
    refused(call(acme, "POST", f"groups/{top}/move", {"parentId": str(top)}), 409, "group_loop")
    refused(call(acme, "POST", f"groups/{top}/move", {}), 400, "invalid")
    refused(call(acme, "POST", f"groups/{top}/move", {"parentId": str(uuid4())}), 404, "not_found")
    for method, path in (("POST", "groups"), ("PATCH", f"groups/{top}")):
        taken = refused(call(acme, method, path, {"name": "NIGHT"}), 400, "invalid")
        assert taken["errors"][0]["pointer"] == "/name"


def test_the_tree_as_a_list(acme: Party, neighbour: Party) -> None:
    top = group_of(acme, "Depots").id
    items = call(acme, "GET", "groups").json()["items"]
    assert [(row["name"], row["parentId"], row["members"]) for row in items] == [
        ("Depots", None, 0),
        ("Night", str(top), 1),
    ]

    def names(query: str) -> list[str]:
        return [row["name"] for row in call(acme, "GET", f"groups?{query}").json()["items"]]

    assert (names(f"parentId={top}"), names("parentId=none")) == (["Night"], ["Depots"])
    assert names(f"parentId={group_of(neighbour, 'Depots').id}") == []
    assert (names("search=nig"), names("limit=1")) == (["Night"], ["Depots"])
    assert names("at=2020-01-01T00:00:00Z") == []
    refused(call(acme, "GET", "groups?parentId=x"), 400, "invalid")


def test_members_come_and_go(acme: Party) -> None:
    night, joe = group_of(acme, "Night").id, user_of(acme, "joe").id
    path = f"groups/{night}/members"
    first = call(acme, "PUT", f"{path}/{acme.user.id}")
    assert (first.status_code, first.json()["username"], first.json()["until"]) == (201, "jane", None)
    again = call(acme, "PUT", f"{path}/{acme.user.id}")
    assert (again.status_code, again.json()) == (200, first.json())
    assert [row["username"] for row in call(acme, "GET", path).json()["items"]] == ["jane", "joe"]
    mine = call(acme, "GET", f"users/{joe}/groups").json()["items"]
    assert [(row["groupId"], row["name"]) for row in mine] == [(str(night), "Night")]
    assert call(acme, "DELETE", f"{path}/{joe}").status_code == 204
    refused(call(acme, "DELETE", f"{path}/{joe}"), 409, "not_a_member")
    assert call(acme, "GET", f"users/{joe}/groups").json() == {"items": [], "next": None}
    call(acme, "POST", f"users/{joe}/deactivate")
    refused(call(acme, "PUT", f"{path}/{joe}"), 409, "user_inactive")


def test_a_group_gives_nobody_more_than_the_actor_holds(acme: Party) -> None:
    night, top = group_of(acme, "Night").id, group_of(acme, "Depots").id
    give(acme.tenant, "organization-manager", group_id=top)
    weak = person(acme, "lee", "access-manager")
    lee = user_of(acme, "lee").id
    refused(call(acme, "PUT", f"groups/{night}/members/{lee}", by=weak), 403, "forbidden")
    own = call(acme, "POST", "groups", {"name": "Own"}, by=weak).json()["groupId"]
    assert call(acme, "PUT", f"groups/{own}/members/{lee}", by=weak).status_code == 201
    refused(call(acme, "POST", f"groups/{own}/move", {"parentId": str(top)}, by=weak), 403, "forbidden")
    refused(call(acme, "POST", "groups", {"name": "X", "parentId": str(top)}, by=weak), 403, "forbidden")
    refused(call(acme, "DELETE", f"groups/{night}", by=weak), 403, "forbidden")


# --- the neighbour ------------------------------------------------------------------------------------


def test_the_neighbours_people_and_groups_are_not_there(acme: Party, neighbour: Party) -> None:
    """Below one's own tenant, a foreign id answers as one of nothing does."""
    theirs = {"user": user_of(neighbour, "joe").id, "group": group_of(neighbour, "Night").id}
    own = {"user": user_of(acme, "joe").id, "group": group_of(acme, "Night").id}
    doors = [
        ("GET", "users/{user}", None),
        ("PATCH", "users/{user}", {"displayName": "x"}),
        ("GET", "users/{user}/groups", None),
        ("GET", "groups/{group}", None),
        ("PATCH", "groups/{group}", {"name": "x"}),
        ("POST", "groups/{group}/move", {"parentId": None}),
        ("DELETE", "groups/{group}", None),
        ("GET", "groups/{group}/members", None),
    ]
    acts = ("deactivate", "reactivate", "reset-password", "resend-invitation")
    doors += [("POST", "users/{user}/" + act, None) for act in acts]
    addresses = [(method, door, body, theirs) for method, door, body in doors]
    for method in ("PUT", "DELETE"):
        mixed = ({**own, "user": theirs["user"]}, {**own, "group": theirs["group"]})
        addresses += [(method, "groups/{group}/members/{user}", None, ids) for ids in mixed]
    unknown = {"user": uuid4(), "group": uuid4()}
    for method, door, body, ids in addresses:
        foreign = refused(call(acme, method, door.format(**ids), body), 404, "not_found")
        nothing = refused(call(acme, method, door.format(**unknown), body), 404, "not_found")
        assert {**foreign, "instance": ""} == {**nothing, "instance": ""}, door
    below = {"parentId": str(theirs["group"])}
    refused(call(acme, "POST", "groups", {"name": "x", **below}), 404, "not_found")
    refused(call(acme, "POST", f"groups/{own['group']}/move", below), 404, "not_found")
