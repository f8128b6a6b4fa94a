"""Invitations and resets: a link to the person's own mailbox that works once."""

from datetime import timedelta

import pytest
from django.core import mail

from iam_portal.walls import tenant_scope
from tenants import passwords, policies
from tenants.actions import links, sessions, users
from tenants.models import HistoryEvent, User, UserLink
from tests.support.factories import NOW, PASSWORD, SYSTEM, make_tenant, make_user, sign_in
from tests.tenants.conftest import at_once, history_of

LATER = NOW + timedelta(hours=1)
ACT = {"by": SYSTEM, "at": NOW}
JANE = {"username": "jane", "email": "jane@example.org", "display_name": "Jane Roe"}


def test_the_invitation_goes_to_the_mailbox_and_nowhere_else(in_acme, outbox):
    user, [token] = outbox(users.invite, tenant=in_acme, **JANE, **ACT)
    assert mail.outbox[0].to == ["jane@example.org"]
    assert f"/t/acme/set-password?token={token}" in mail.outbox[0].body
    assert not user.has_usable_password()
    assert token not in str(list(UserLink.objects.values()) + list(HistoryEvent.objects.values()))
    assert policies.is_active(user=user, at=NOW)


def test_nothing_is_mailed_before_the_commit(in_acme):
    users.invite(tenant=in_acme, **JANE, **ACT)
    assert mail.outbox == []


def test_a_mail_that_fails_leaves_the_user_and_no_link_in_the_log(in_acme, outbox, monkeypatch, caplog):
    def fail(subject, body, *args):
        raise OSError(body)

    monkeypatch.setattr("tenants.emails.send_mail", fail)
    user, _ = outbox(users.invite, tenant=in_acme, **JANE, **ACT)
    assert User.objects.filter(pk=user.pk).exists()
    assert "mail_failed" in caplog.text
    assert "token=" not in caplog.text


def test_a_link_sets_the_password_once(in_acme, outbox):
    user, [token] = outbox(users.invite, tenant=in_acme, **JANE, **ACT)
    users.accept(tenant=in_acme, token=token, password=PASSWORD, at=NOW, source_address="192.0.2.7")
    assert sign_in(user)
    with pytest.raises(links.LinkUnknown):
        users.accept(tenant=in_acme, token=token, password="another password", at=NOW)
    assert history_of(in_acme)[-2:] == ["user.password_set", "session.started"]


def test_a_weak_password_is_refused_with_every_reason_and_the_link_stays_good(in_acme, outbox):
    _, [token] = outbox(users.invite, tenant=in_acme, **JANE, **ACT)
    with pytest.raises(passwords.WeakPassword) as refused:
        users.accept(tenant=in_acme, token=token, password="password", at=NOW)
    assert {error["code"] for error in refused.value.errors} == {
        "password_too_short",
        "password_too_common",
    }
    users.accept(tenant=in_acme, token=token, password=PASSWORD, at=NOW)


def test_unknown_expired_voided_foreign_and_inactive_links_read_alike(in_acme, neighbour, outbox):
    user, [token] = outbox(users.invite, tenant=in_acme, **JANE, **ACT)
    end = UserLink.objects.get().expires_at

    def refusal(tenant, value, at):
        with pytest.raises(links.LinkUnknown) as refused:
            users.accept(tenant=tenant, token=value, password=PASSWORD, at=at)
        return refused.value.detail

    answers = {
        refusal(in_acme, "nothing\0", NOW),
        refusal(in_acme, token, end),
        refusal(neighbour, token, NOW),
    }
    _, [second] = outbox(users.reset, tenant=in_acme, user_id=user.id, **ACT)
    answers.add(refusal(in_acme, token, NOW))
    users.deactivate(tenant=in_acme, user_id=user.id, **ACT)
    answers.add(refusal(in_acme, second, NOW))
    assert len(answers) == 1


def test_a_reset_keeps_the_old_password_until_its_link_is_used(in_acme, outbox):
    user = make_user(in_acme)
    cookie = sign_in(user)
    _, [token] = outbox(users.reset, tenant=in_acme, user_id=user.id, **ACT)
    assert sign_in(user)
    users.accept(tenant=in_acme, token=token, password="a new long password", at=LATER)
    assert sessions.resolve(tenant=in_acme, token=cookie, at=LATER) is None, "whoever was in is out"
    with pytest.raises(sessions.SignInRefused):
        sign_in(user, at=LATER)
    assert sign_in(user, password="a new long password", at=LATER)


def test_of_two_who_use_a_link_at_once_one_sets_the_password(committed_db, monkeypatch):
    acme, tokens = make_tenant("acme"), []
    monkeypatch.setattr("tenants.emails.send_link", lambda *, link, token: tokens.append(token))
    with tenant_scope(acme.id):
        users.invite(tenant=acme, **JANE, **ACT)
    results = at_once(
        *(
            lambda word=word: users.accept(tenant=acme, token=tokens[0], password=word * 4, at=NOW)
            for word in ("first ", "second ")
        )
    )
    assert sorted(type(result).__name__ for result in results) == ["LinkUnknown", "User"]
