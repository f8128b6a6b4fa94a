"""Nobody's mailbox is filled by the portal: links by mail are counted, of a person and of an organization."""

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from pytest_django.fixtures import Settings

from iam_portal import limits
from iam_portal.walls import tenant_scope
from tenants.actions import links, users
from tenants.models import UserLink
from tests.support.factories import NOW, SYSTEM

ACT: dict[str, Any] = {"by": SYSTEM, "at": NOW}


def invited(tenant: Any, name: str, at: Any = NOW) -> Any:
    address = f"{name}@example.org"
    return users.invite(tenant=tenant, username=name, email=address, display_name=name, by=SYSTEM, at=at)


def test_one_person_gets_few_and_the_wait_is_true(in_acme, outbox):
    user = invited(in_acme, "jane")
    for minute in range(1, links.TO_ONE):
        users.reset(tenant=in_acme, user_id=user.id, by=SYSTEM, at=NOW + timedelta(minutes=minute))
    at = NOW + timedelta(minutes=30)
    before = UserLink.objects.filter(used_at=None).get()
    with pytest.raises(links.TooManyLinks) as refused:
        users.reset(tenant=in_acme, user_id=user.id, by=SYSTEM, at=at)
    assert refused.value.data == {"retryAfter": 1800}
    assert UserLink.objects.filter(used_at=None).get() == before  # the last one still works
    with pytest.raises(links.TooManyLinks):
        users.invite_again(tenant=in_acme, user_id=user.id, by=SYSTEM, at=at)
    assert invited(in_acme, "joe", at)  # somebody else is another mailbox
    _, sent = outbox(users.reset, tenant=in_acme, user_id=user.id, by=SYSTEM, at=at + timedelta(seconds=1800))
    assert len(sent) == 1


def test_an_organization_sends_so_many_and_no_other_notices(acme, neighbour, settings: Settings):
    settings.PORTAL_LINKS_PER_HOUR = 3
    limits.forget()
    with tenant_scope(acme.id):
        for number in range(3):
            invited(acme, f"user{number}")
        with pytest.raises(links.TooManyLinks) as refused:
            invited(acme, "more")
        assert refused.value.data == {"retryAfter": 3600}
        assert not acme.users.filter(username="more").exists()
    with tenant_scope(neighbour.id):
        assert invited(neighbour, "user0")
    assert mail.outbox == []  # nothing was committed, nothing was sent


def test_proofs_of_addresses_are_counted_by_themselves(in_acme):
    user = invited(in_acme, "jane")
    for number in range(links.TO_ONE):
        UserLink.objects.create(
            tenant=in_acme,
            user=user,
            purpose=UserLink.Purpose.EMAIL,
            email="other@example.org",
            digest=f"{number}",
            created_at=NOW,
            expires_at=NOW,
        )
    users.reset(tenant=in_acme, user_id=user.id, **ACT)
