"""Every constraint of our tables is violated once, past all checks of the code: the database refuses."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, models, transaction

from accesscontrol.models import SigningKey
from applications.models import Application
from iam_portal.walls import cross_tenant
from tenants.models import HistoryLink, JobState, Partnership, User, since
from tests.support.factories import NOW
from tests.support.violations import World

ALWAYS = since(NOW)
Violation = Callable[[World], Any]


def again(row: str) -> Violation:
    """The same row once more, under another primary key."""

    def violate(world: World) -> None:
        copy = getattr(world, row)
        copy.pk = type(copy)._meta.pk.get_default() if copy._meta.pk.has_default() else None
        copy._state.adding = True
        copy.save(force_insert=True)

    return violate


def another(row: str, **values: Any) -> Violation:
    """The same row once more, but for these."""

    def violate(world: World) -> None:
        for name, value in values.items():
            setattr(getattr(world, row), name, value(world) if callable(value) else value)
        again(row)(world)

    return violate


def changed(row: str, **values: Any) -> Violation:
    """A stored row that gets values no action would give it."""

    def violate(world: World) -> None:
        found = getattr(world, row)
        type(found)._default_manager.filter(pk=found.pk).update(
            **{name: value(world) if callable(value) else value for name, value in values.items()}
        )

    return violate


VIOLATIONS: dict[str, Violation] = {
    "tenant_one_platform": changed("tenant", is_platform=True),
    "tenant_slug_grammar": changed("tenant", slug="No Slug"),
    "tenant_has_name": changed("tenant", name=""),
    "branding_colour_grammar": changed("branding", colour="red"),
    "branding_logo_whole": changed("branding", logo_kind="png"),
    "tenant_password_length": changed("tenant", password_length=11),
    "userlink_address_of_its_purpose": changed("link", email="x@example.org"),
    "tenantsuspension_no_overlap": again("tenant_suspension"),
    "user_username_once": changed("user", username="OTHER"),
    "user_email_once": changed("user", email="OTHER@example.org"),
    "user_username_grammar": changed("user", username="two words"),
    "useractivity_no_overlap": again("activity"),
    "group_name_once": changed("group", name="TEAM"),
    "groupplacement_no_overlap": again("placement"),
    "groupplacement_not_itself": changed("placement", parent=models.F("group")),
    "membership_no_overlap": again("membership"),
    "externalid_of_one": changed("external_id", user=None),
    "externalid_user_once": lambda w: (
        w.external_id and type(w.external_id).objects.create(tenant=w.tenant, user=w.other_user, value="1")
    ),
    "externalid_group_once": lambda w: [
        type(w.external_id).objects.create(tenant=w.tenant, group=group, value="g")
        for group in (w.group, w.placement.group)
    ],
    "idempotentreply_once": again("reply"),
    "idempotentreply_of_success": changed("reply", status=409),
    "historylink_position_once": lambda w: (
        w.history_link and HistoryLink.objects.create(tenant=w.tenant, position=1, event_id=2, digest="")
    ),
    "historyanchor_position_once": again("history_anchor"),
    "historyanchor_of_rows": lambda w: type(w.history_anchor).objects.create(
        tenant=w.tenant, month=NOW.date(), made_at=NOW, count=0, spans=[], position=2
    ),
    "partnership_two_tenants": changed("partnership", invitee=models.F("inviter")),
    "partnership_has_invitee": changed("partnership", invitee=None),
    "partnership_one_per_pair": lambda w: (
        w.partnership
        and Partnership.objects.create(
            inviter=w.other,
            invitee=w.tenant,
            state="redeemed",
            token_digest="d",
            invited_at=NOW,
            expires_at=NOW,
        )
    ),
    "autoaccept_once": again("auto_accept"),
    "application_id_grammar": lambda w: Application.objects.create(
        id="acme.x-frontend", owner=w.tenant, name="x", display_name="x", during=ALWAYS
    ),
    "application_name_once": lambda w: (
        w.application
        and Application.objects.create(
            id="acme.x", owner=w.tenant, name="METER", display_name="x", during=ALWAYS
        )
    ),
    "application_display_name_once": lambda w: (
        w.application
        and Application.objects.create(
            id="acme.x", owner=w.tenant, name="x", display_name="METER", during=ALWAYS
        )
    ),
    "applicationsuspension_no_overlap": again("application_suspension"),
    "serviceaccount_once": again("service_account"),
    "signaloffer_once": again("signal_offer"),
    "resource_once": again("resource"),
    "resource_type_urn": changed("resource", type="machines"),
    "resourceplace_no_overlap": again("place"),
    "resourceplace_not_itself": changed("place", parent=models.F("resource")),
    "applicationrole_once": again("role"),
    "applicationrole_key_grammar": changed("role", key="No Key"),
    "rolepermission_no_overlap": again("permission"),
    "requiredrole_no_overlap": again("required"),
    "contract_two_tenants": changed("contract", consumer=models.F("provider")),
    "contract_ends_after_start": changed("contract", starts_at=NOW, ends_at=NOW.replace(year=NOW.year - 1)),
    "contract_accepted_has_dates": changed("contract", starts_at=None),
    "contract_onward_only_provision": changed("contract", type="access", onward_access=True),
    "contractterm_no_overlap": again("term"),
    "contractpause_no_overlap": again("pause"),
    "contractgrant_no_overlap": again("grant"),
    "amendment_answered": changed("amendment", state="accepted"),
    "amendment_narrowing_never_waits": changed("amendment", widens=False),
    "amendment_end_only_when_moved": changed("amendment", ends_at=NOW),
    "amendment_one_open": again("amendment"),
    "amendmentrole_once": again("amendment_role"),
    "contracttold_once": again("told"),
    "contractreminder_once": again("reminder"),
    "contractusage_once": again("usage"),  # also where no contract is named
    "webhook_has_types": changed("webhook", types=[]),
    "webhook_pause_has_reason": changed("webhook", state="paused"),
    "availability_contract_of_relation": changed("availability", relation="owned"),
    "announced_once": again("announced"),
    "client_id_of_application": changed("client", client_id="acme.other"),
    "client_grant_allowed": changed("client", authorization_grant_type="password"),
    "client_no_toolkit_secret": changed("client", client_secret="s"),
    "client_public_has_no_secret": changed("public", token_endpoint_auth_method="client_secret_basic"),
    "client_public_has_pkce": changed("public", pkce_required=False),
    "clientkey_no_overlap": again("client_key"),
    "clientcertificate_one_kind": changed("certificate", subject_dn="CN=job"),
    "trustedissuer_no_overlap": again("trusted_issuer"),
    "trustedissuer_one_source": changed("trusted_issuer", jwks_uri="https://issuer.example/keys"),
    "usedassertion_once": again("used_assertion"),
    "authorization_end_has_cause": changed("authorization", ended_at=NOW),
    "revokedtoken_once": again("revoked_token"),
    "signingkey_retired_after_active": changed("signing_key", retired_at=NOW.replace(year=1999)),
    "signingkey_withdrawn_is_retired": changed("signing_key", retired_at=None, withdrawn_at=NOW),
    "signingkey_one_signer": lambda w: (
        w.signing_key and SigningKey.objects.create(kid="other", **w.signing_key_columns)
    ),
    "aclentry_once": again("acl_entry"),
    "tenantrole_once": again("tenant_role"),
    "tenantrole_key_grammar": changed("tenant_role", key="No Key"),
    "tenantrolepermission_no_overlap": again("tenant_permission"),
    "assignment_one_principal": changed("assignment", group=lambda w: w.group),
    "assignment_one_role": changed("assignment", tenant_role=lambda w: w.tenant_role),
    "assignment_contract_application_role": changed(
        "assignment",
        application_role=None,
        tenant_role=lambda w: w.tenant_role,
        contract=lambda w: w.contract,
    ),
    "assignment_no_overlap": again("assignment"),
    # Columns that are unique by themselves.
    "jobstate_failure_has_moment": lambda w: JobState.objects.create(
        task="x", started_at=NOW, finished_at=NOW, milliseconds=1, failures=1
    ),
    "tenants.Tenant.slug": changed("tenant", slug="beta"),
    "tenants.UserLink.digest": again("link"),
    "passkey_once": again("passkey"),
    "tenants.RecoveryCode.digest": again("recovery_code"),
    "tenants.SignInStep.digest": again("sign_in_step"),
    "identityprovider_key_once": another("identity_provider", is_default=False),
    "identityprovider_one_default": another("identity_provider", key="other"),
    "identityprovider_key_grammar": changed("identity_provider", key="No Key"),
    "identitylink_subject_once": another("identity_link", user=lambda w: User.objects.get(username="other")),
    "identitylink_person_once": another("identity_link", subject="other"),
    "identitymapper_whole": changed("identity_mapper", claim="groups"),
    "tenants.ProviderArrival.digest": another("provider_arrival", step=None),
    "tenants.ProviderArrival.step": another("provider_arrival", digest="other"),
    "tenants.UserSession.digest": again("session"),
    "tenants.KeptInput.digest": again("kept_input"),
    "tenants.ScimToken.digest": again("scim_token"),
    "tenants.ExternalId.user": lambda w: (
        w.external_id and type(w.external_id).objects.create(tenant=w.tenant, user=w.user, value="2")
    ),
    "tenants.ExternalId.group": lambda w: [
        type(w.external_id).objects.create(tenant=w.tenant, group=w.group, value=value) for value in "gh"
    ],
    "tenants.HistoryLink.event_id": lambda w: (
        w.history_link and HistoryLink.objects.create(tenant=w.tenant, position=2, event_id=1, digest="")
    ),
    "tenants.Partnership.token_digest": lambda w: Partnership.objects.create(
        inviter=w.tenant, token_digest=w.partnership.token_digest, invited_at=NOW, expires_at=NOW
    ),
    "applications.Client.client_id": again("client"),
    "applications.Event.position": again("event"),
}


def declared() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Every constraint of our models: its key in the table above, its table, its columns (unique fields)."""
    for app in ("tenants", "applications", "accesscontrol"):
        for model in apps.get_app_config(app).get_models():
            for constraint in model._meta.constraints:
                yield constraint.name, model._meta.db_table, ()
            for field in model._meta.fields:
                if field.unique and not field.primary_key:
                    yield f"{model._meta.label}.{field.name}", model._meta.db_table, (field.column,)


def test_every_constraint_has_a_row_that_violates_it() -> None:
    assert sorted(key for key, _, _ in declared()) == sorted(VIOLATIONS)


def test_every_constraint_says_what_is_wrong() -> None:
    silent = [
        constraint.name
        for app in ("tenants", "applications", "accesscontrol")
        for model in apps.get_app_config(app).get_models()
        for constraint in model._meta.constraints
        if constraint.violation_error_message == constraint.default_violation_error_message
    ]
    assert silent == []


@pytest.mark.parametrize("key", VIOLATIONS)
def test_the_database_refuses(db: None, key: str) -> None:
    table, columns = next((table, columns) for name, table, columns in declared() if name == key)
    with cross_tenant():
        world = World()
        with pytest.raises(IntegrityError) as caught, transaction.atomic():
            VIOLATIONS[key](world)
    refused = caught.value.__cause__.diag.constraint_name
    if columns:
        assert (refused, columns) in [(name, found) for name, found in unique_columns(table)]
    else:
        assert refused == key


def unique_columns(table: str) -> list[tuple[str, tuple[str, ...]]]:
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, table)
    return [(name, tuple(row["columns"])) for name, row in found.items() if row["unique"]]
