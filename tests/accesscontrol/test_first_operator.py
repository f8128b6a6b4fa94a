"""A new installation has nobody; its first person is invited from the command line."""

import re
from typing import Any

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.utils import timezone

from accesscontrol.gate import permissions
from iam_portal.walls import tenant_scope
from tenants.actions import users
from tenants.models import Tenant
from tests.support.factories import PASSWORD, acting


def token_in(message: Any) -> str:
    found = re.search(r"token=(\S+)", message.body)
    assert found
    return found[1]


def test_he_is_invited_once_and_again_until_he_comes(
    db: None, django_capture_on_commit_callbacks: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    platform = Tenant.objects.get(is_platform=True)
    with django_capture_on_commit_callbacks(execute=True):
        call_command("invite_operator", email="olga@example.org", name="Olga")
    first = token_in(mail.outbox[-1])
    assert first not in capsys.readouterr().out
    with pytest.raises(CommandError, match="--again"):
        call_command("invite_operator", email="mallory@example.org")
    with django_capture_on_commit_callbacks(execute=True):
        call_command("invite_operator", email="olga.o@example.org", again=True)
    assert mail.outbox[-1].to == ["olga.o@example.org"]
    with tenant_scope(platform.id):
        user = users.accept(
            tenant=platform, token=token_in(mail.outbox[-1]), password=PASSWORD, at=timezone.now()
        )
    held = permissions(actor=acting(user), tenant_id=platform.id, at=timezone.now())
    assert ("urn:iam:portal", "Keys", "execute") in held
    with pytest.raises(CommandError, match="joined already"):
        call_command("invite_operator", email="mallory@example.org", again=True)
