"""The copy that a person may ask for: all that is kept about him, nothing of others, no secret."""

import json
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command

from iam_portal.walls import cross_tenant, tenant_scope
from tenants.actions import deletion
from tenants.models import HistoryEvent, Tenant, User, UserSession
from tests.support.authenticating import with_app
from tests.support.factories import SYSTEM, make_group, make_tenant
from tests.support.knocking import person

# What refers to a person: where the copy tells it, or why it does not.
TOLD = {
    "tenants.UserActivity": "active",
    "tenants.Membership": "groups",
    "tenants.AuthenticatorApp": "factors",
    "tenants.Passkey": "factors",
    "tenants.RecoveryCode": "recoveryCodes",
    "tenants.UserLink": "links",
    "tenants.IdentityLink": "identities",
    "tenants.ExternalId": "externalIds",
    "tenants.UserSession": "sessions",
    "accesscontrol.Assignment": "assignments",
    "accesscontrol.Authorization": "signIns",
}
UNTOLD = {
    "tenants.ScimToken": "a credential of the organization's, made by him; history tells it",
    "accesscontrol.AuthorizationCode": "a minute of a sign-in, which is told",
    "tenants.KeptInput": "a form of an hour, sealed for himself",
    "tenants.ProofFailure": "refused codes of a day; history tells them",
    "tenants.SignInStep": "five minutes of a sign-in",
    "applications.Client": "a column of the toolkit, always empty",
}


def copy_of(tenant: Tenant, user: str, by: str = "Dora Data") -> dict[str, Any]:
    output = StringIO()
    call_command("export_person", organization=tenant.slug, user=user, by=by, stdout=output)
    told: dict[str, Any] = json.loads(output.getvalue())
    return told


@pytest.fixture
def houses(db: None) -> tuple[Tenant, User, User, str]:
    """The same names in two organizations."""
    acme, neighbour = make_tenant("acme"), make_tenant("neighbour")
    jane, session = person(acme, "jane", "user-reader")
    other, _ = person(neighbour, "jane", "access-manager")
    for tenant, user, name in ((acme, jane, "Dispatch"), (neighbour, other, "Secret plans")):
        make_group(tenant, name, members=(user,), at=datetime.now(UTC))
        with_app(user, at=datetime.now(UTC))
    return acme, jane, other, session


def test_everything_about_one_person(houses: tuple[Tenant, User, User, str]) -> None:
    acme, jane, _, _ = houses
    told = copy_of(acme, "JANE")
    assert (told["userId"], told["email"], told["organization"]) == (str(jane.id), "jane@example.org", "Acme")
    assert [group["name"] for group in told["groups"]] == ["Dispatch"]
    assert [role["role"] for role in told["assignments"]] == ["user-reader"]
    assert [factor["kind"] for factor in told["factors"]] == ["app"]
    assert len(told["sessions"]) == 1
    assert told["recoveryCodes"] == 10
    assert {"user.created", "group.member_added", "role.assigned"} <= {
        row["action"] for row in told["history"]
    }


def test_nothing_of_others_and_no_secret(houses: tuple[Tenant, User, User, str]) -> None:
    acme, jane, other, session = houses
    told = json.dumps(copy_of(acme, str(jane.id)))
    assert "Secret plans" not in told
    assert str(other.id) not in told
    with tenant_scope(acme.id):
        kept = {
            jane.password,
            session,
            *UserSession.objects.values_list("digest", flat=True),
            *jane.apps.values_list("secret_sealed", flat=True),
            *jane.recovery_codes.values_list("digest", flat=True),
        }
    assert [secret for secret in kept if secret in told] == []
    for unknown in (str(other.id), "nobody", str(acme.id)):
        with pytest.raises(CommandError, match="nobody of this name"):
            copy_of(acme, unknown)


def test_who_took_it_is_recorded_in_his_organization_only(houses: tuple[Tenant, User, User, str]) -> None:
    acme, jane, _, _ = houses
    copy_of(acme, "jane")
    with cross_tenant():
        row = HistoryEvent.objects.get(action="user.exported")
    assert (row.tenant_id, row.subject_id) == (acme.id, str(jane.id))
    assert (row.before, list(row.after)) == (None, ["historyRows"])
    told = copy_of(acme, "jane", by="the next one")
    assert told["history"][-1]["by"] == "Dora Data"


def test_of_a_deleted_person_what_is_left(houses: tuple[Tenant, User, User, str]) -> None:
    acme, jane, _, _ = houses
    deletion.delete(tenant=acme, user_id=jane.id, by=SYSTEM, at=datetime.now(UTC))
    told = copy_of(acme, str(jane.id))
    assert told["deletedAt"]
    assert "jane@example.org" not in json.dumps(told)
    assert (told["factors"], told["sessions"][0]["endedAt"] is None) == ([], False)


def test_no_table_about_people_is_forgotten() -> None:
    found = {
        model._meta.label
        for model in apps.get_models()
        if model._meta.app_label in ("tenants", "applications", "accesscontrol")
        for field in model._meta.fields
        if field.related_model is User
    }
    assert found == {*TOLD, *UNTOLD}
