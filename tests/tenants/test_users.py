"""People: invited through their own mailbox, never found without their tenant."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from iam_portal.errors import Forbidden, NotFound
from iam_portal.walls import tenant_scope
from tenants import policies, signals
from tenants.actions import links, sessions, users
from tenants.models import HistoryEvent, User, UserActivity, UserLink, UserSession
from tests.support.factories import NOW, PASSWORD, SYSTEM, acting, listening, make_tenant, make_user, sign_in
from tests.tenants.conftest import at_once

LATER = NOW + timedelta(hours=1)
ACT = {"by": SYSTEM, "at": NOW}
JANE = {"username": "jane", "email": "jane@example.org", "display_name": "Jane Roe"}


def test_the_same_person_in_two_organizations_is_two_users(acme, neighbour):
    here, there = make_user(acme), make_user(neighbour)
    assert here.id != there.id
    with tenant_scope(acme.id):
        assert list(User.objects.all()) == [here]


@pytest.mark.parametrize(
    "changed",
    [
        {"username": "JANE", "email": "other@example.org"},
        {"username": "other", "email": "Jane@Example.org"},
        {"username": "-x", "email": "other@example.org"},
        {"username": "a b", "email": "other@example.org"},
        {"username": "other", "email": "no address"},
        {"username": "other", "email": "other@example.org", "display_name": " "},
    ],
)
def test_names_are_unique_in_the_tenant_and_well_formed(in_acme, changed):
    make_user(in_acme)
    with pytest.raises(ValidationError):
        users.invite(tenant=in_acme, **{**JANE, **changed}, **ACT)
    assert User.objects.count() == 1
    assert not UserLink.objects.exists()


@pytest.mark.parametrize(
    ("constraint", "values"),
    [
        ("user_username_once", {"username": "JANE", "email": "x@example.org"}),
        ("user_email_once", {"username": "x", "email": "JANE@example.org"}),
        ("user_username_grammar", {"username": "a b", "email": "x@example.org"}),
    ],
)
def test_the_database_refuses_what_the_actions_refuse(in_acme, constraint, values):
    make_user(in_acme)
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        User.objects.create(tenant=in_acme, display_name="X", created_at=NOW, **values)


def test_activity_spans_of_a_user_cannot_overlap(in_acme):
    user = make_user(in_acme)
    with pytest.raises(IntegrityError, match="useractivity_no_overlap"), transaction.atomic():
        UserActivity.objects.create(tenant=in_acme, user=user, during=(LATER, None))


def test_another_mailbox_is_asked_about_and_voids_the_links_to_the_former_one(in_acme, outbox):
    user, [token] = outbox(users.invite, tenant=in_acme, **JANE, **ACT)
    with listening(signals.principal_becoming) as asked:
        users.change(tenant=in_acme, user_id=user.id, email="jane@new.example.org", **ACT)
    assert [(told["user"].id, told["actor"]) for told in asked] == [(user.id, SYSTEM)]
    with pytest.raises(links.LinkUnknown):
        users.accept(tenant=in_acme, token=token, password=PASSWORD, at=NOW)


def test_another_name_is_not_asked_about(in_acme):
    user = make_user(in_acme)
    with listening(signals.principal_becoming) as asked:
        changed = users.change(tenant=in_acme, user_id=user.id, display_name="Jane R.", **ACT)
    assert asked == []
    assert changed.revision == user.revision + 1


def test_history_names_the_changed_fields_and_not_their_values(in_acme):
    user = make_user(in_acme)
    users.change(tenant=in_acme, user_id=user.id, email="secret@example.org", **ACT)
    event = HistoryEvent.objects.latest("id")
    assert (event.before, event.after["fields"]) == ({"revision": "r-1"}, ["email"])
    assert "secret" not in str(HistoryEvent.objects.filter(pk=event.pk).values())


@pytest.mark.parametrize("act", ["reset", "change"])
def test_who_may_not_become_the_user_cannot_reset_or_redirect_him(in_acme, outbox, act):
    user = make_user(in_acme)
    boss = acting(make_user(in_acme, "boss"))

    def refuse(**carried):
        raise Forbidden("no")

    more = {"email": "boss@example.net"} if act == "change" else {}
    with listening(signals.principal_becoming, refuse), pytest.raises(Forbidden):
        getattr(users, act)(tenant=in_acme, user_id=user.id, by=boss, at=NOW, **more)
    assert not UserLink.objects.exists()
    assert User.objects.get(pk=user.pk).email == "jane@example.org"


def test_deactivating_ends_sessions_and_links_and_tells_the_apps_above(in_acme, outbox):
    user = make_user(in_acme)
    cookie = sign_in(user)
    outbox(users.reset, tenant=in_acme, user_id=user.id, **ACT)
    with listening(signals.user_deactivated) as heard:
        users.deactivate(tenant=in_acme, user_id=user.id, by=SYSTEM, at=LATER)
    assert [told["user"].id for told in heard] == [user.id]
    assert sessions.resolve(tenant=in_acme, token=cookie, at=LATER) is None
    with pytest.raises(sessions.SignInRefused):
        sign_in(user, at=LATER)
    assert not UserLink.objects.filter(used_at=None).exists()
    assert not policies.is_active(user=user, at=LATER)
    assert policies.is_active(user=user, at=NOW), "the past stays as it was"
    with pytest.raises(users.UserInactive):
        users.deactivate(tenant=in_acme, user_id=user.id, by=SYSTEM, at=LATER)


def test_reactivating_lets_him_in_again(in_acme):
    user = make_user(in_acme)
    with pytest.raises(users.UserActive):
        users.reactivate(tenant=in_acme, user_id=user.id, **ACT)
    users.deactivate(tenant=in_acme, user_id=user.id, **ACT)
    users.reactivate(tenant=in_acme, user_id=user.id, by=SYSTEM, at=LATER)
    assert sign_in(user, at=LATER)
    assert UserSession.objects.filter(user=user, ended_at=None).count() == 1


def test_a_foreign_user_is_not_found(acme, neighbour):
    stranger = make_user(neighbour)
    with tenant_scope(acme.id):
        for act in (users.change, users.deactivate, users.reactivate, users.reset):
            with pytest.raises(NotFound):
                act(tenant=acme, user_id=stranger.id, **ACT)


def test_an_act_on_an_old_revision_is_refused(in_acme):
    user = make_user(in_acme)
    users.change(tenant=in_acme, user_id=user.id, display_name="First", revision=1, **ACT)
    with pytest.raises(policies.Stale) as refused:
        users.change(tenant=in_acme, user_id=user.id, display_name="Second", revision=1, **ACT)
    assert refused.value.data == {"revision": "r-2"}


@pytest.mark.parametrize("clash", ["username", "email"])
def test_of_those_who_take_a_name_at_once_one_gets_it(committed_db, clash):
    acme = make_tenant("acme")
    other = make_user(acme, "other")

    def act(action, number, **named):
        mine = {"username": f"user{number}", "email": f"user{number}@example.org", clash: JANE[clash]}
        with tenant_scope(acme.id):
            return action(tenant=acme, **mine, **named, **ACT)

    results = at_once(
        lambda: act(users.invite, 1, display_name="One"),
        lambda: act(users.invite, 2, display_name="Two"),
        lambda: act(users.create_with_password, 3, display_name="Three", password=PASSWORD),
        lambda: act(users.change, 4, user_id=other.id),
    )
    assert sorted(type(result).__name__ for result in results) == ["User"] + ["ValidationError"] * 3


def test_a_return_is_asked_about_before_he_is_back(in_acme):
    user = make_user(in_acme)
    users.deactivate(tenant=in_acme, user_id=user.id, **ACT)
    active = []

    def refuse(**carried):
        active.append(policies.is_active(user=carried["user"], at=LATER))
        raise Forbidden("no")

    with listening(signals.principal_becoming, refuse), pytest.raises(Forbidden):
        users.reactivate(tenant=in_acme, user_id=user.id, by=SYSTEM, at=LATER)
    assert active == [False]
    assert not policies.is_active(user=user, at=LATER)
