"""Mail about contracts: one letter to each person, in the person's own organization's terms."""

from dataclasses import dataclass

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import translation
from django.utils.translation import gettext as _

from applications.models import Contract
from iam_portal.templatetags.moments import plain_utc
from tenants.emails import one_line
from tenants.models import Tenant

LINK_PATH = "/t/{slug}/contracts/{contract_id}"


@dataclass(frozen=True, slots=True)
class Recipient:
    """A person to write to, in the chosen language; empty: in the installation's."""

    name: str
    address: str
    language: str = ""


def ending_soon(
    contract: Contract, *, what: str, tenant: Tenant, to: Recipient, connection: BaseEmailBackend
) -> EmailMessage:
    """The reminder as this side reads it. Of the other side it names the organization only."""
    assert contract.ends_at is not None
    partner = contract.consumer if tenant.id == contract.provider_id else contract.provider
    path = LINK_PATH.format(slug=tenant.slug, contract_id=contract.id)
    words = {"person": one_line(to.name), "what": one_line(what), "partner": one_line(partner.name)}
    words["address"] = f"{settings.PORTAL_BASE_URL}{path}"
    with translation.override(to.language or settings.LANGUAGE_CODE):
        words["until"] = plain_utc(contract.ends_at)
        subject = _("The contract with %(partner)s about %(what)s ends on %(until)s") % words
        body = _(
            "%(person)s,\n\nthe contract with %(partner)s about %(what)s ends on %(until)s. "
            "From then on it grants nothing.\n\nIf the sharing is to go on, agree on a later end in time:"
            "\n\n%(address)s"
        )
    sender = settings.DEFAULT_FROM_EMAIL
    return EmailMessage(one_line(subject), body % words, sender, [to.address], connection=connection)
