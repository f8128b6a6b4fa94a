"""People kept by a directory: made, read, changed, put out, as its requests have it."""

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from iam_portal.walls import tenant_scope
from tenants.http import cookie_name
from tenants.models import User
from tests.accesscontrol.scim.conftest import USER, Directory, token_of
from tests.support import factories


def test_somebody_new_has_no_password_and_is_told_as_he_was_sent(acme: Directory) -> None:
    body = {
        "schemas": [USER],
        "externalId": "00u1",
        "userName": "kim@example.org",
        "name": {"givenName": "Kim", "familyName": "Roe"},
        "emails": [{"value": "kim.home@example.org"}, {"value": "Kim@example.org", "primary": True}],
        "title": "Planner",
        "password": "correct horse battery",
    }
    reply = acme.send("POST", "Users", body)
    made = reply.json()
    assert (reply.status_code, reply["Content-Type"]) == (201, "application/scim+json")
    assert reply["Location"] == made["meta"]["location"]
    assert reply["ETag"] == made["meta"]["version"]
    told = {name: made[name] for name in ("userName", "displayName", "externalId", "active")}
    assert told == {
        "userName": "kim@example.org",
        "displayName": "Kim Roe",
        "externalId": "00u1",
        "active": True,
    }
    assert [each["value"] for each in made["emails"]] == ["Kim@example.org"]
    assert "password" not in made and "title" not in made
    assert not acme.user(made["id"]).has_usable_password()
    assert acme.get(f"Users/{made['id']}").json() == made
    assert acme.history()[-2:] == [("user.created", "scim"), ("user.external_id_changed", "scim")]


def test_the_token_says_whether_people_are_invited(
    acme: Directory, django_capture_on_commit_callbacks
) -> None:
    inviting = Directory(acme.party, token_of(acme.tenant, acme.party.actor, welcome="invitation"))
    for directory, mails in ((acme, 0), (inviting, 1)):
        del mail.outbox[:]
        with django_capture_on_commit_callbacks(execute=True):
            directory.make(f"kim{mails}")
        assert len(mail.outbox) == mails
    del mail.outbox[:]
    with django_capture_on_commit_callbacks(execute=True):
        later = inviting.make("later", active=False)
    assert (later["active"], mail.outbox) == (False, [])
    with django_capture_on_commit_callbacks(execute=True):
        inviting.patch(f"Users/{later['id']}", {"op": "replace", "value": {"active": True}})
    assert [each.to for each in mail.outbox] == [["later@example.org"]]


def test_names_and_mailboxes_are_somebodys_alone(acme: Directory) -> None:
    acme.make("kim", externalId="1")
    for body in (
        {"userName": "KIM@example.org"},
        {"userName": "other", "emails": [{"value": "kim@EXAMPLE.org"}]},
        {"userName": "other@example.org", "externalId": "1"},
    ):
        reply = acme.send("POST", "Users", body)
        assert (reply.status_code, reply.json()["scimType"]) == (409, "uniqueness"), body
    assert acme.found("Users", 'userName sw "other"') == []


WRONG: list[Any] = [
    {},
    [],
    {"userName": ""},
    {"userName": 7},
    {"userName": "two words", "emails": "x@example.org"},
    {"userName": "nobody"},
    {"userName": "a\x00@example.org"},
    {"userName": "x" * 256 + "@example.org"},
    {"userName": "kim@example.org", "active": "perhaps"},
    {"userName": "kim@example.org", "emails": [{"value": 1}]},
    {"userName": "kim@example.org", "emails": [["x"]]},
    {"userName": "kim@example.org", "emails": [{"value": "no address"}]},
    {"userName": "kim@example.org", "displayName": "K\u202eim"},
    {"userName": "kim@example.org", "emails": [{"value": "x@example.org"}] * 21},
]


@pytest.mark.parametrize("body", WRONG)
def test_what_nobody_can_be_is_refused_in_words_of_scim(acme: Directory, body: Any) -> None:
    reply = acme.send("POST", "Users", body)
    assert (reply.status_code, reply["Content-Type"]) == (400, "application/scim+json")
    told = reply.json()
    assert told["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert (told["status"], told["scimType"] in ("invalidValue", "invalidSyntax")) == ("400", True)


def test_a_replacement_leaves_what_it_does_not_say_of_mailbox_and_activity(acme: Directory) -> None:
    made = acme.make("kim", externalId="1", emails=[{"value": "k@example.org"}])
    reply = acme.send("PUT", f"Users/{made['id']}", {"userName": "kim2@example.org", "displayName": "Kim"})
    told = reply.json()
    assert (reply.status_code, told["userName"], told["displayName"]) == (200, "kim2@example.org", "Kim")
    assert (told["active"], told["emails"][0]["value"], "externalId" in told) == (
        True,
        "k@example.org",
        False,
    )


# As two widely used directories send them.
SENT = [
    ([{"op": "Replace", "path": "displayName", "value": "Kim R."}], "displayName", "Kim R."),
    ([{"op": "replace", "value": {"displayName": "K", "id": "x", "schemas": []}}], "displayName", "K"),
    ([{"op": "add", "path": "externalId", "value": "9"}], "externalId", "9"),
    ([{"op": "replace", "path": f"{USER}:userName", "value": "kay"}], "userName", "kay"),
    ([{"op": "replace", "path": "name.formatted", "value": "Kay"}], "displayName", "Kay"),
    ([{"op": "Replace", "path": "active", "value": "False"}], "active", False),
    ([{"op": "replace", "value": {"active": False}}], "active", False),
]
MAILS = [
    {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "new@example.org"},
    {"op": "add", "path": "emails[primary eq true].value", "value": "new@example.org"},
    {"op": "replace", "path": "emails", "value": [{"value": "new@example.org", "primary": True}]},
    {"op": "replace", "value": {'emails[type eq "work"].value': "new@example.org"}},
    {"op": "add", "value": {"emails": [{"value": "new@example.org", "primary": True}]}},
    {"op": "add", "path": "emails.value", "value": "new@example.org"},
]


@pytest.mark.parametrize(("operations", "name", "value"), SENT)
def test_a_patch_is_taken_as_directories_send_it(
    acme: Directory, operations: list[dict[str, Any]], name: str, value: object
) -> None:
    made = acme.make("kim")
    reply = acme.patch(f"Users/{made['id']}", *operations)
    assert (reply.status_code, reply.json()[name]) == (200, value), reply.content


def test_a_mailbox_that_was_proved_is_told_of_the_next(
    acme: Directory, django_capture_on_commit_callbacks
) -> None:
    ids = [acme.make(name)["id"] for name in ("ann", "bob")]
    with tenant_scope(acme.tenant.id):
        User.everyone.filter(pk=ids[0]).update(email_proven_at=timezone.now())
    del mail.outbox[:]
    with django_capture_on_commit_callbacks(execute=True):
        for number, each in enumerate(ids):
            sent = {"op": "replace", "path": "emails.value", "value": f"new{number}@example.org"}
            assert acme.patch(f"Users/{each}", sent).status_code == 200
    assert [each.to for each in mail.outbox] == [["ann@example.org"]], "the other may be a stranger's"


@pytest.mark.parametrize("operation", MAILS)
def test_the_mailbox_is_changed_in_any_of_these_ways(acme: Directory, operation: dict[str, Any]) -> None:
    made = acme.make("kim")
    reply = acme.patch(f"Users/{made['id']}", operation)
    assert [each["value"] for each in reply.json()["emails"]] == ["new@example.org"], reply.content


def test_attributes_that_others_keep_are_passed_over(acme: Directory) -> None:
    made = acme.make("kim")
    enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department"
    reply = acme.patch(
        f"Users/{made['id']}",
        {"op": "add", "path": "title", "value": "Planner"},
        {"op": "add", "path": enterprise, "value": "Depots"},
        {"op": "replace", "path": 'addresses[type eq "work"].locality', "value": "Hull"},
        {"op": "replace", "value": {"name.familyName": "Roe", "nickName": "K"}},
    )
    assert (reply.status_code, reply.json()) == (200, made)


BAD: list[tuple[Any, str]] = [
    ({"op": "remove", "path": "userName"}, "mutability"),
    ({"op": "remove", "path": "emails"}, "mutability"),
    ({"op": "remove", "path": "displayName"}, "mutability"),
    ({"op": "remove", "path": "active"}, "mutability"),
    ({"op": "replace", "path": "id", "value": "x"}, "mutability"),
    ({"op": "replace", "path": "groups", "value": []}, "mutability"),
    ({"op": "replace", "path": "shoeSize", "value": 9}, "invalidPath"),
    ({"op": "replace", "path": "userName.first", "value": "x"}, "invalidPath"),
    ({"op": "replace", "path": "emails[type", "value": "x"}, "invalidFilter"),
    ({"op": "replace", "path": 'emails[type eq "work"]x', "value": "x"}, "invalidPath"),
    ({"op": "replace", "path": 'emails[type eq "home"].value', "value": "x@example.org"}, "noTarget"),
    ({"op": "replace", "path": 'emails[type eq "work"]', "value": []}, "invalidValue"),
    ({"op": "replace", "path": ["active"], "value": True}, "invalidPath"),
    ({"op": "replace", "path": "active", "value": {"value": True}}, "invalidValue"),
    ({"op": "remove"}, "noTarget"),
    ({"op": "move", "path": "active"}, "invalidSyntax"),
    ({"op": "add", "path": "active"}, "invalidValue"),
    ({"op": "add", "value": "x"}, "invalidSyntax"),
    ("x", "invalidSyntax"),
    ({"op": "add", "path": "emails", "value": [{"value": "x@example.org"}] * 21}, "tooMany"),
    ({"op": "add", "path": "emails[" * 13 + "]" * 13, "value": "x"}, "invalidFilter"),
    # Keys of one value are operations, too: each adds a mailbox, and compares it with all before it.
    (
        {"op": "add", "value": {f'emails[type eq "{n}"].value': f"{n}@example.org" for n in range(21)}},
        "tooMany",
    ),
    ({"op": "add", "value": {f'emails[type eq "{n}"].value': "x" for n in range(20_000)}}, "tooMany"),
]


@pytest.mark.parametrize(("operation", "kind"), BAD)
def test_a_patch_that_means_nothing_changes_nothing(acme: Directory, operation: Any, kind: str) -> None:
    made = acme.make("kim")
    first = {"op": "replace", "path": "displayName", "value": "Changed"}
    reply = acme.patch(f"Users/{made['id']}", first, operation)
    assert (reply.status_code, reply.json().get("scimType")) == (400, kind), reply.content
    assert acme.get(f"Users/{made['id']}").json() == made


def test_who_is_put_out_is_signed_out_at_once(acme: Directory) -> None:
    made = acme.get('Users?filter=userName eq "joe"').json()["Resources"][0]
    session = factories.sign_in(acme.user(made["id"]), at=timezone.now())
    browser = Client()
    browser.cookies[cookie_name(acme.tenant.id)] = session
    assert browser.get(f"/t/{acme.tenant.slug}/account").status_code == 200
    assert acme.patch(f"Users/{made['id']}", {"op": "replace", "value": {"active": False}}).status_code == 200
    assert browser.get(f"/t/{acme.tenant.slug}/account").status_code == 302
    assert ("user.deactivated", "scim") in acme.history()
    back = acme.patch(f"Users/{made['id']}", {"op": "replace", "value": {"active": True}})
    assert back.json()["active"] is True


def test_who_was_deleted_is_nowhere_and_his_names_are_free(acme: Directory) -> None:
    made = acme.make("kim", externalId="1")
    acme.make_group("Night", made["id"])
    assert acme.send("DELETE", f"Users/{made['id']}").status_code == 204
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        body = {"userName": "x", "Operations": [{"op": "replace", "value": {"active": True}}]}
        reply = acme.send(method, f"Users/{made['id']}", None if method in ("GET", "DELETE") else body)
        assert (reply.status_code, reply.json()["status"]) == (404, "404"), method
    assert acme.found("Users", f'id eq "{made["id"]}"') == []
    assert "members" not in acme.get('Groups?filter=displayName eq "Night"').json()["Resources"][0]
    assert acme.make("kim", externalId="1")["id"] != made["id"]
    assert ("user.deleted", "scim") in acme.history()


def test_versions_keep_two_directories_apart(acme: Directory) -> None:
    made = acme.make("kim")
    path, version = f"Users/{made['id']}", made["meta"]["version"]
    assert acme.get(path, **{"If-None-Match": version}).status_code == 304
    first = acme.patch(path, {"op": "replace", "value": {"active": False}}, **{"If-Match": version})
    assert first.status_code == 200
    for method, body in (("PUT", {"userName": "kay"}), ("DELETE", None)):
        reply = acme.send(method, path, body, **{"If-Match": version})
        assert (reply.status_code, reply["Content-Type"]) == (412, "application/scim+json")
    assert acme.send("DELETE", path, **{"If-Match": "no tag"}).status_code == 400
    tags = f'"x", {first["ETag"]}'
    assert acme.send("DELETE", path, **{"If-Match": tags}).status_code == 204


def test_parts_are_chosen(acme: Directory) -> None:
    made = acme.make("kim")
    path = f"Users/{made['id']}"
    only = acme.get(f"{path}?attributes=userName,emails.value").json()
    assert set(only) == {"schemas", "id", "userName", "emails"}
    assert only["emails"] == [{"value": "kim@example.org"}]
    without = acme.get(f"{path}?excludedAttributes=emails,meta.version").json()
    assert "emails" not in without and set(without["meta"]) == {"resourceType", "created", "location"}
    for wrong in ("attributes=a b", "attributes=id&excludedAttributes=id", "attributes=" + "a," * 60):
        assert acme.get(f"{path}?{wrong}").status_code == 400


def test_a_person_is_read_in_as_many_queries_as_many_are(acme: Directory, django_assert_num_queries) -> None:
    acme.get("Users")  # its use is noted once a minute
    with django_assert_num_queries(LISTED):
        assert len(acme.get("Users").json()["Resources"]) == 2
    for number in range(5):
        acme.make_group(f"Team {number}", acme.make(f"kim{number}")["id"])
    with django_assert_num_queries(LISTED):
        assert len(acme.get("Users?sortBy=userName&sortOrder=descending").json()["Resources"]) == 7


LISTED = 11


def test_its_use_is_noted(acme: Directory) -> None:
    acme.get("Users")
    with tenant_scope(acme.tenant.id):
        [row] = acme.tenant.scim_tokens.all()
        assert row.last_used_at is not None and timezone.now() - row.last_used_at < timedelta(minutes=1)
        assert acme.token not in f"{row.digest} {row.hint} {row.note}"
