"""The second wall: what a forgotten filter would show, and whom the database lets write."""

import contextlib

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction

from iam_portal.walls import cross_tenant, tenant_scope
from tenants.actions import anchors, chain, steps, users, verification
from tenants.models import (
    AuthenticatorApp,
    Branding,
    ExternalId,
    Group,
    HistoryAnchor,
    HistoryCheck,
    HistoryEvent,
    HistoryLink,
    HistoryPerson,
    IdempotentReply,
    IdentityLink,
    IdentityMapper,
    IdentityProvider,
    KeptInput,
    MappedMembership,
    Membership,
    Passkey,
    ProofFailure,
    ProviderArrival,
    ProviderSession,
    RecoveryCode,
    ScimToken,
    SignInFailure,
    SignInStep,
    SpentChallenge,
    Tenant,
    User,
    UserActivity,
    UserLink,
    UserSession,
)
from tests.support.authenticating import with_app
from tests.support.changing_factors import device_of
from tests.support.coming_from import come_from
from tests.support.factories import NOW, SYSTEM, make_group, make_tenant, make_user, sign_in

# Both sides of a partnership read its row, and a tenant's own row stands before any scope.
SHARED = {"tenants.autoaccept", "tenants.tenantsuspension"}


@pytest.fixture
def filled(acme, neighbour):
    """Both organizations with a row in every walled table."""
    for tenant in (acme, neighbour):
        user = make_user(tenant)
        top = make_group(tenant, "Top")
        make_group(tenant, "Team", parent=top, members=(user,))
        sign_in(user)
        with_app(user, at=NOW)
        with tenant_scope(tenant.id):
            users.reset(tenant=tenant, user_id=user.id, by=SYSTEM, at=NOW)
            SignInFailure.objects.create(tenant=tenant, attempt="x", source_address="", at=NOW)
            device_of(user, at=NOW)
            come_from(user, at=NOW)
            steps.begin(user=user, at=NOW)
            known_to_directory(user)
            ProofFailure.objects.create(tenant=tenant, user=user, at=NOW)
            KeptInput.objects.create(tenant=tenant, user=user, digest=str(user.id), expires_at=NOW)
            reply = {"slot": "s", "asked": "a", "status": 201, "expires_at": NOW}
            IdempotentReply.objects.create(tenant=tenant, **reply)
            Branding.objects.create(tenant=tenant)
            KeptInput.objects.create(tenant=tenant, user=user, digest=tenant.slug, sealed="s", expires_at=NOW)
    chain.lay_all()
    for tenant in (acme, neighbour):
        verification.check(tenant_id=tenant.id, at=NOW)
        with cross_tenant():
            anchors.make(tenant_id=tenant.id, month=NOW.date(), links=[(1, "")], at=NOW).save()


def known_to_directory(user):
    """By its name for him, and with a token of the directory."""
    ExternalId.objects.create(tenant=user.tenant, user=user, value="e-1")
    about = {"note": "HR", "welcome": "none", "digest": str(user.id), "pepper": 1, "hint": "abcd"}
    ScimToken.objects.create(tenant=user.tenant, made_by=user, during=(NOW, None), **about)


def walled():
    models = apps.get_app_config("tenants").get_models()
    return [
        model
        for model in models
        if any(field.name == "tenant" for field in model._meta.fields)
        and model._meta.label_lower not in SHARED
    ]


@pytest.mark.parametrize("model", walled(), ids=lambda model: model.__name__)
def test_a_forgotten_filter_shows_one_tenant_and_an_unscoped_query_nothing(filled, acme, model):
    assert not model.objects.exists()
    with tenant_scope(acme.id):
        assert set(model.objects.values_list("tenant_id", flat=True)) == {acme.id}
    with cross_tenant():
        assert len(set(model.objects.values_list("tenant_id", flat=True))) >= 2
    assert not model.objects.exists()


@pytest.mark.parametrize("model", walled(), ids=lambda model: model.__name__)
def test_every_tenant_table_forces_its_policy(db, model):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relrowsecurity AND relforcerowsecurity FROM pg_class WHERE oid = to_regclass(%s)",
            [model._meta.db_table],
        )
        assert cursor.fetchone() == (True,)


def test_nobody_writes_into_another_tenant(filled, acme, neighbour):
    with tenant_scope(neighbour.id):
        stranger = User.objects.get()
    with tenant_scope(acme.id):
        for model, values in (
            (User, {"username": "x", "email": "x@example.org", "display_name": "X", "created_at": NOW}),
            (Group, {"name": "X", "during": (NOW, None)}),
            (UserActivity, {"user": stranger, "during": (NOW, NOW)}),
        ):
            with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
                model.objects.create(tenant=neighbour, **values)
        assert User.objects.filter(pk=stranger.pk).update(display_name="taken over") == 0
        assert User.objects.filter(pk=stranger.pk).delete()[0] == 0
        mine = User.objects.get()
        with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
            User.objects.filter(pk=mine.pk).update(tenant=neighbour)


def test_the_scope_ends_with_its_block_and_comes_back_after_an_inner_one(filled, acme, neighbour):
    with tenant_scope(acme.id):
        with tenant_scope(neighbour.id):
            assert User.objects.get().tenant_id == neighbour.id
        assert User.objects.get().tenant_id == acme.id
    assert not User.objects.exists()


def test_a_failed_block_leaves_no_scope_behind(filled, acme):
    with pytest.raises(DatabaseError), transaction.atomic(), tenant_scope(acme.id):
        User.objects.raw("SELECT nonsense")[0]
    assert not User.objects.exists()
    with pytest.raises(DatabaseError), transaction.atomic(), cross_tenant():
        User.objects.raw("SELECT nonsense")[0]
    assert not User.objects.exists()


def test_a_scope_that_opened_its_transaction_ends_with_it(committed_db):
    """Also where the block fails, and where one lies in the other: the connection is kept for the next."""
    acme = make_tenant("acme")
    before = connection_pid()
    for failing in (False, True):
        for scopes in ([tenant_scope(acme.id)], [cross_tenant()], [tenant_scope(acme.id), cross_tenant()]):
            with contextlib.suppress(ZeroDivisionError), contextlib.ExitStack() as block:
                for scope in scopes:
                    block.enter_context(scope)
                if failing:
                    raise ZeroDivisionError
            with connection.cursor() as cursor:
                cursor.execute("SELECT current_user, current_setting('iam.tenant', true)")
                role, tenant = cursor.fetchone()
            assert (role, tenant or "") == ("iam_web", "")
    assert connection_pid() == before


def connection_pid():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return cursor.fetchone()


def test_the_tests_run_as_the_role_of_the_web(db):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_user, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"
        )
        assert cursor.fetchone() == ("iam_web", False, False)


def test_all_walled_tables_were_meant(db):
    named = {
        User, UserActivity, UserLink, UserSession, SignInFailure, Group, Membership,
        HistoryEvent, HistoryPerson, HistoryLink, HistoryAnchor, HistoryCheck, IdempotentReply,
        Branding, KeptInput,
        AuthenticatorApp, Passkey, RecoveryCode, SignInStep, ProofFailure, SpentChallenge,
        IdentityProvider, IdentityLink, IdentityMapper, MappedMembership, ProviderArrival, ProviderSession,
        ScimToken, ExternalId, apps.get_model("tenants", "GroupPlacement"),
    }  # fmt: skip
    assert set(walled()) == named
    assert Tenant not in named
