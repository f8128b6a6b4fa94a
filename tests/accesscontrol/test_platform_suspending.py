"""Organizations suspended, resumed and renamed by the platform's operator."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accesscontrol.installation import organizations
from tenants.actions import tenants
from tenants.models import Tenant, TenantSuspension
from tests.accesscontrol.operating import (
    Installation,
    history,
    of,
    operator,
    shared,
    text,
    town,
)
from tests.support import factories

__all__ = ["shared", "town"]


class TestSuspending:
    """What it takes is counted first; whose it is stays unsaid."""

    def test_counts_first_then_the_act(self, town: Installation) -> None:
        shown = town.olga.get(of(town.acme.tenant, "suspend"))
        counts = {count["label"]: count["value"] for count in shown.context["confirm"]["counts"]}
        assert counts["Application used elsewhere"] == counts["Other organization"] == "1"
        assert counts["Contract"] == "1"
        assert "Fleet Planner" not in text(shown) and "Beta" not in text(shown)
        done = town.olga.confirm(of(town.acme.tenant, "suspend"), reason="unpaid")
        assert done.status_code == 302
        detail = town.olga.get(of(town.acme.tenant))
        assert detail.context["page"]["state"] == "suspended"
        assert "unpaid" in text(detail)
        assert history(town.acme.tenant)[-1] == history(town.platform)[-1] == "tenant.suspended"
        town.olga.post(of(town.acme.tenant, "resume"))
        assert town.olga.get(of(town.acme.tenant)).context["page"]["state"] == "active"

    def test_not_without_having_seen_it(self, town: Installation) -> None:
        reply = town.olga.post(of(town.acme.tenant, "suspend"), reason="unpaid")
        assert reply.status_code == 200 and "look again" in text(reply)
        assert 'value="unpaid"' in text(reply)
        assert not TenantSuspension.objects.filter(tenant=town.acme.tenant).exists()

    def test_planned_from_and_until(self, town: Installation) -> None:
        at = timezone.now()
        starts, ends = at + timedelta(days=2), at + timedelta(days=9)
        local = {"starts_at": f"{starts:%Y-%m-%dT%H:%M}", "ends_at": f"{ends:%Y-%m-%dT%H:%M}"}
        first = town.olga.confirm(of(town.acme.tenant, "suspend"), **local)
        assert "look again" in text(first), "other dates are another impact"
        shown = first.context["form"]["shown"].value()
        done = town.olga.post(of(town.acme.tenant, "suspend"), shown=shown, **local)
        assert done.status_code == 302
        row = organizations.with_state(at).get(pk=town.acme.tenant.pk)
        assert (row.suspended, row.planned) == (False, True)
        later = organizations.with_state(starts + timedelta(hours=1)).get(pk=town.acme.tenant.pk)
        assert later.suspended
        assert not organizations.with_state(ends).get(pk=town.acme.tenant.pk).suspended
        assert history(town.acme.tenant)[-1] == "tenant.suspension_planned"
        town.olga.post(of(town.acme.tenant, "resume"))
        assert history(town.acme.tenant)[-1] == "tenant.suspension_cancelled"
        assert not organizations.with_state(starts + timedelta(hours=1)).get(pk=town.acme.tenant.pk).suspended

    def test_a_planned_one_ends_availability_at_its_moment_without_any_job(self, town: Installation) -> None:
        at = timezone.now()
        tenants.suspend(
            tenant=town.acme.tenant, reason="", by=factories.SYSTEM, at=at, starts_at=at + timedelta(days=1)
        )
        planner = town.acme.applications["planner"].id
        address = f"applications/{planner}/availability"
        assert town.rest("GET", address, by=town.beta).json()["available"] is True
        later = (at + timedelta(days=1, minutes=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        reply = town.rest("GET", f"{address}?at={later}", by=town.beta).json()
        assert (reply["available"], reply["reasons"][0]["code"]) == (False, "owner_suspended")

    def test_neither_in_the_past_nor_backwards_nor_twice(self, town: Installation) -> None:
        at, acme = timezone.now(), town.acme.tenant
        for span in (
            {"starts_at": at - timedelta(hours=1)},
            {"ends_at": at},
            {"starts_at": at + timedelta(days=2), "ends_at": at + timedelta(days=1)},
        ):
            with pytest.raises(Exception, match="A suspension"):
                tenants.suspend(tenant=acme, reason="", by=factories.SYSTEM, at=at, **span)
        tenants.suspend(tenant=acme, reason="", by=factories.SYSTEM, at=at, starts_at=at + timedelta(days=1))
        with pytest.raises(tenants.AlreadySuspended):
            tenants.suspend(tenant=acme, reason="", by=factories.SYSTEM, at=at)

    def test_two_operators_at_once(self, town: Installation) -> None:
        oscar = operator("oscar", "organization-manager")
        page = town.olga.get(of(town.beta.tenant, "suspend"))
        oscar.confirm(of(town.beta.tenant, "suspend"), reason="first")
        late = town.olga.post(
            of(town.beta.tenant, "suspend"), shown=page.context["form"]["shown"].value(), reason="second"
        )
        assert late.status_code == 200 and "already" in text(late)
        assert [row.reason for row in TenantSuspension.objects.filter(tenant=town.beta.tenant)] == ["first"]

    def test_the_platform_itself_never(self, town: Installation) -> None:
        shown = town.olga.get(of(town.platform))
        assert shown.context["page"]["more"] == []
        town.olga.post(of(town.platform, "suspend"))
        assert not TenantSuspension.objects.filter(tenant=town.platform).exists()

    def test_by_rest_with_dates(self, town: Installation) -> None:
        address = f"organizations/{town.beta.tenant.pk}"
        starts = (timezone.now() + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M:%SZ")
        shown = town.rest("GET", f"{address}/impact?action=suspend&at={starts}").json()
        assert shown["at"] == starts
        body = {"reason": "unpaid", "startsAt": starts}
        done = town.rest("POST", f"{address}/suspend", body, If_Match=f'"{shown["revision"]}"')
        assert done.status_code == 200
        assert (done.json()["suspended"], done.json()["suspension"]["startsAt"]) == (False, starts)
        assert town.rest("POST", f"{address}/suspend", body).status_code == 409
        past = {"startsAt": "2020-01-01T00:00:00Z"}
        assert town.rest("POST", f"organizations/{town.acme.tenant.pk}/suspend", past).status_code == 400


class TestRenaming:
    """Against the revision that was shown."""

    def test_a_stale_tab_changes_nothing(self, town: Installation) -> None:
        revision = town.olga.get(of(town.acme.tenant, "rename")).context["form"]["revision"].value()
        town.olga.post(of(town.acme.tenant, "rename"), name="Acme Works", revision=revision)
        late = town.olga.post(of(town.acme.tenant, "rename"), name="Acme Ltd", revision=revision)
        assert late.status_code == 200 and "changed meanwhile" in text(late)
        assert Tenant.objects.get(pk=town.acme.tenant.pk).name == "Acme Works"

    def test_by_rest(self, town: Installation) -> None:
        address = f"organizations/{town.acme.tenant.pk}"
        etag = town.rest("GET", address)["ETag"]
        done = town.rest("PATCH", address, {"name": "Acme Works"}, If_Match=etag)
        assert (done.status_code, done.json()["name"]) == (200, "Acme Works")
        assert town.rest("PATCH", address, {"name": "Acme Ltd"}, If_Match=etag).status_code == 412
