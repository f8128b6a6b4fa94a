"""Creating, suspending and resuming organizations."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from iam_portal.errors import Forbidden
from iam_portal.gate import Actor
from tenants import signals
from tenants.actions import tenants
from tenants.models import Tenant, TenantSuspension
from tests.support.factories import NOW, SYSTEM, listening, make_tenant
from tests.tenants.conftest import history_of

LATER = NOW + timedelta(hours=1)


def test_a_new_tenant_is_recorded_for_itself_and_for_the_operator(db):
    platform = Tenant.objects.get(is_platform=True)
    operator = Actor("user", "u-1", "Op", platform.id)
    with listening(signals.tenant_created) as heard:
        acme = tenants.create(name=" Acme ", slug="acme", by=operator, at=NOW)
    assert acme.name == "Acme"
    assert history_of(acme) == ["tenant.created"]
    assert history_of(platform)[-1] == "tenant.created"
    assert [told["tenant"] for told in heard] == [acme]


@pytest.mark.parametrize("slug", ["", "Acme", "-acme", "acme-", "a b", "a" * 41, "ä"])
def test_a_slug_must_fit_an_address(db, slug):
    with pytest.raises(ValidationError):
        make_tenant(slug)


def test_a_slug_is_taken_once_and_all_objections_come_together(acme):
    with pytest.raises(ValidationError) as refused:
        tenants.create(name=" ", slug="acme", by=SYSTEM, at=NOW)
    assert set(refused.value.error_dict) == {"name", "slug"}


def test_there_is_one_platform_tenant(db):
    with pytest.raises(IntegrityError, match="tenant_one_platform"), transaction.atomic():
        Tenant.objects.create(name="Second", slug="second", is_platform=True, created_at=NOW)


def test_rename_keeps_id_and_slug(acme):
    renamed = tenants.rename(tenant=acme, name="Acme Robotics", by=SYSTEM, at=NOW)
    assert (renamed.id, renamed.slug, renamed.name) == (acme.id, "acme", "Acme Robotics")
    assert history_of(acme)[-1] == "tenant.renamed"


def test_suspend_and_resume_tell_the_apps_above(acme):
    with listening(signals.tenant_suspended) as suspended, listening(signals.tenant_resumed) as resumed:
        tenants.suspend(tenant=acme, reason="unpaid", by=SYSTEM, at=NOW)
        assert TenantSuspension.objects.at(NOW).filter(tenant=acme).exists()
        tenants.resume(tenant=acme, by=SYSTEM, at=LATER)
    assert not TenantSuspension.objects.at(LATER).filter(tenant=acme).exists()
    assert TenantSuspension.objects.at(NOW).filter(tenant=acme).exists(), "the past stays as it was"
    assert [told["at"] for told in suspended + resumed] == [NOW, LATER]
    assert history_of(acme)[-2:] == ["tenant.suspended", "tenant.resumed"]


def test_a_suspension_is_not_doubled_and_not_ended_twice(acme):
    tenants.suspend(tenant=acme, reason="", by=SYSTEM, at=NOW)
    with pytest.raises(tenants.AlreadySuspended):
        tenants.suspend(tenant=acme, reason="", by=SYSTEM, at=LATER)
    tenants.resume(tenant=acme, by=SYSTEM, at=LATER)
    with pytest.raises(tenants.NotSuspended):
        tenants.resume(tenant=acme, by=SYSTEM, at=LATER)


def test_suspended_and_resumed_in_one_moment_can_be_suspended_again(acme):
    for _ in range(2):
        tenants.suspend(tenant=acme, reason="", by=SYSTEM, at=NOW)
        tenants.resume(tenant=acme, by=SYSTEM, at=NOW)
    assert not TenantSuspension.objects.at(NOW).filter(tenant=acme).exists()


def test_the_platform_tenant_cannot_be_suspended(db):
    platform = Tenant.objects.get(is_platform=True)
    with pytest.raises(tenants.PlatformStays):
        tenants.suspend(tenant=platform, reason="", by=SYSTEM, at=NOW)


def test_a_receivers_refusal_undoes_the_suspension(acme):
    def refuse(**carried):
        raise Forbidden("no")

    before = history_of(acme)
    with pytest.raises(Forbidden), listening(signals.tenant_suspended, refuse):
        tenants.suspend(tenant=acme, reason="", by=SYSTEM, at=NOW)
    assert not TenantSuspension.objects.filter(tenant=acme).exists()
    assert history_of(acme) == before
