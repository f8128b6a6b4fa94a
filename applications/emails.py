"""Mail about contracts: one letter to each person, in the person's own organization's terms."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.utils.translation import gettext as _

from applications.models import Contract
from tenants.models import Tenant

LINK_PATH = "/t/{slug}/contracts/{contract_id}"


@dataclass(frozen=True, slots=True)
class Recipient:
    """A person to write to."""

    name: str
    address: str


def ending_soon(
    contract: Contract, *, what: str, tenant: Tenant, to: Recipient, connection: BaseEmailBackend
) -> EmailMessage:
    """The reminder as this side reads it. Of the other side it names the organization only."""
    assert contract.ends_at is not None
    partner = contract.consumer if tenant.id == contract.provider_id else contract.provider
    path = LINK_PATH.format(slug=tenant.slug, contract_id=contract.id)
    words = {
        "person": _one_line(to.name),
        "what": _one_line(what),
        "partner": _one_line(partner.name),
        "until": _moment(contract.ends_at),
        "address": f"{settings.PORTAL_BASE_URL}{path}",
    }
    subject = _("The contract with %(partner)s about %(what)s ends on %(until)s") % words
    body = (
        _(
            "%(person)s,\n\nthe contract with %(partner)s about %(what)s ends on %(until)s. "
            "From then on it grants nothing.\n\nIf the sharing is to go on, agree on a later end in time:"
            "\n\n%(address)s"
        )
        % words
    )
    sender = settings.DEFAULT_FROM_EMAIL
    return EmailMessage(_one_line(subject), body, sender, [to.address], connection=connection)


def _moment(at: datetime) -> str:
    return at.strftime("%d %B %Y, %H:%M UTC")


def _one_line(text: str) -> str:
    return " ".join(text.split())
