"""The sound rows of amendments, marks, usage and webhooks."""

from functools import cached_property

from applications import models as sharing
from tenants.models import Tenant
from tests.support.factories import NOW


class RowsOfSharing:
    """What stands beside contracts and events."""

    tenant: Tenant
    other: Tenant
    application: sharing.Application
    role: sharing.ApplicationRole
    contract: sharing.Contract

    @cached_property
    def amendment(self) -> sharing.Amendment:
        return sharing.Amendment.objects.create(
            contract=self.contract,
            proposed_by_tenant=self.tenant,
            state="proposed",
            widens=True,
            proposed_at=NOW,
            proposed_by="x",
        )

    @cached_property
    def amendment_role(self) -> sharing.AmendmentRole:
        return sharing.AmendmentRole.objects.create(amendment=self.amendment, role=self.role, verb="add")

    @cached_property
    def told(self) -> sharing.ContractTold:
        return sharing.ContractTold.objects.create(contract=self.contract, verb="ended", at=NOW)

    @cached_property
    def reminder(self) -> sharing.ContractReminder:
        return sharing.ContractReminder.objects.create(
            contract=self.contract, ends_at=NOW, days=7, sent_at=NOW
        )

    @cached_property
    def usage(self) -> sharing.ContractUsage:
        return sharing.ContractUsage.objects.create(
            tenant=self.tenant,
            caller=self.application,
            target=self.application,
            day=NOW.date(),
            last_used_at=NOW,
        )

    @cached_property
    def webhook(self) -> sharing.Webhook:
        return sharing.Webhook.objects.create(
            tenant=self.tenant,
            url="https://receiver.example",
            types=["iam.contract.*"],
            position=0,
            created_at=NOW,
            created_by="x",
        )

    @cached_property
    def signal_offer(self) -> sharing.SignalOffer:
        return sharing.SignalOffer.objects.create(
            tenant=self.tenant,
            webhook=self.webhook,
            event_id=self.tenant.pk,
            event_type="iam.person.deleted.v1",
            position=1,
            offered_at=NOW,
        )
