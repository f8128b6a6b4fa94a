"""How a contract is used, as facts for its page."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from applications import usage
from applications.models import Contract, ContractState
from tenants.models import Tenant

RECENT, LONG = 30, 90  # days


def facts(contract: Contract, tenant: Tenant, at: datetime) -> list[dict[str, Any]]:
    """Tokens of late and the last one; said aloud when there was none for long."""
    if contract.state != ContractState.ACCEPTED:
        return []
    found = usage.of_contract(contract, tenant_id=tenant.id, days=RECENT, at=at)
    is_unused = usage.unused(Contract.objects.filter(id=contract.id), days=LONG, at=at).exists()
    last = {"at": found.last_used_at} if found.last_used_at else {"text": _("never")}
    return [
        {"label": _("Tokens in 30 days"), "text": f"{found.tokens:,}"},
        {"label": _("Last used"), **last, **({"state": "unused"} if is_unused else {})},
    ]
