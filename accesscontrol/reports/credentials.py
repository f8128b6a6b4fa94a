"""Credentials of the organization's applications: how old, last used when, and how long they are good."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from accesscontrol.reports.shapes import Given, Report, Row, in_batches
from applications.models import ClientCertificate, ClientKey, ClientSecret, TrustedIssuer

# What it is called in a file, its table, and by which column people tell one from another.
_KINDS: tuple[tuple[str, Any, str], ...] = (
    ("secret", ClientSecret, "hint"),
    ("key", ClientKey, "kid"),
    ("certificate", ClientCertificate, ""),
    ("issuer", TrustedIssuer, "issuer"),
)


def _living(given: Given) -> Iterator[list[Row]]:
    """Those that let somebody in at the moment, or will."""
    for kind, model, told in _KINDS:
        rows = model.objects.not_over(given.at).filter(client__application__owner=given.tenant)
        rows = rows.select_related("client")

        def shape(found: list[Any], kind: str = kind, told: str = told) -> list[Row]:
            return [_row(each, kind, told, given.at) for each in found]

        yield from in_batches(rows, given=given, key="client_id", shape=shape)


def _row(row: Any, kind: str, told: str, at: datetime) -> Row:
    since, until = row.during.lower, row.during.upper
    name = getattr(row, told) if told else row.thumbprint or row.subject_dn
    return (
        row.client.client_id,
        kind,
        f"…{name}" if kind == "secret" else name,
        row.note,
        max(0, (at - since).days),
        row.last_used_at,
        until,
        row.created_by,
        str(row.id),
    )


CREDENTIALS = Report(
    key="credentials",
    title=_("Credentials"),
    lead=_("Secrets, keys, certificates and trusted issuers that are valid: age, last use, expiry."),
    icon="key",
    columns=(
        ("clientId", _("Client")),
        ("kind", _("Kind")),
        ("credential", _("Credential")),
        ("note", _("Note")),
        ("ageDays", _("Age in days")),
        ("lastUsedAt", _("Last used")),
        ("expiresAt", _("Good until")),
        ("createdBy", _("Made by")),
        ("id", _("Id")),
    ),
    batches=_living,
    needs="Modules:read",
)
