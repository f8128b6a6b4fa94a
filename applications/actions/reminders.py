"""Reminders before a contract ends: to the managers of both sides, each once.

Once beats at-least-once: the note that a reminder is sent is committed before its letters go out. A mail
server that cannot be reached is found out before anything is noted, so the next run tries again; a letter
that fails on its way is logged and not repeated.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.core.mail import get_connection
from django.core.mail.backends.base import BaseEmailBackend

from applications import boundaries, emails
from applications.emails import Recipient
from applications.models import Contract, ContractReminder
from applications.policies import RESOURCES, agreed_at
from applications.signals import managers_asked
from tenants.models import Tenant

log = structlog.get_logger("iam.mail")

MOST = 1000  # at a time
Managers = Mapping[tuple[UUID, str], Sequence[Recipient]]


def remind(*, at: datetime) -> int:
    """One reminder for each contract for which one is due. How many there were."""
    connection = None
    count = 0
    try:
        while due := boundaries.reminders_due(days=settings.CONTRACT_REMINDER_DAYS, at=at, most=MOST):
            if connection is None:
                connection = get_connection()
                connection.open()
            count += _send(due, connection, at)
    except OSError as error:  # SMTPException is one; its text may quote an address
        log.error("mail_unreachable", error=type(error).__name__)
    finally:
        if connection is not None:
            connection.close()
    return count


def _send(due: Sequence[tuple[UUID, int]], connection: BaseEmailBackend, at: datetime) -> int:
    rows = Contract.objects.select_related("provider", "consumer").prefetch_related(
        "terms__role__application"
    )
    known = rows.in_bulk([contract_id for contract_id, _ in due])
    managers = _managers(known.values(), at)
    count = 0
    for contract_id, days in due:
        contract = known[contract_id]
        assert contract.ends_at is not None
        _, is_ours = ContractReminder.objects.get_or_create(
            contract=contract, ends_at=contract.ends_at, days=days, defaults={"sent_at": at}
        )
        if not is_ours:  # another run was quicker
            continue
        count += 1
        what = _what(contract, at)
        for tenant in (contract.provider, contract.consumer):
            for to in managers.get((tenant.id, RESOURCES[contract.type]), ()):
                _post(contract, what, tenant, to, connection)
    return count


def _post(contract: Contract, what: str, tenant: Tenant, to: Recipient, connection: BaseEmailBackend) -> None:
    letter = emails.ending_soon(contract, what=what, tenant=tenant, to=to, connection=connection)
    try:
        letter.send()
    except Exception as error:  # one letter that fails must not keep the others
        log.error("mail_failed", contract_id=str(contract.id), error=type(error).__name__)


def _managers(contracts: Iterable[Contract], at: datetime) -> Managers:
    """Who may act on contracts of the type, for each side of each: asked once, above."""
    sides = {side for row in contracts for side in (row.provider_id, row.consumer_id)}
    found: dict[tuple[UUID, str], list[Recipient]] = defaultdict(list)
    answers: list[tuple[Any, Any]] = managers_asked.send(
        sender=Contract, tenant_ids=sides, resources=sorted(RESOURCES.values()), at=at
    )
    for _, people in answers:
        for tenant_id, resource, name, address, language in people:
            found[tenant_id, resource].append(Recipient(name, address, language))
    return found


def _what(contract: Contract, at: datetime) -> str:
    names = {str(term.role.application) for term in agreed_at(contract.terms.all(), at)}
    return ", ".join(sorted(names))
