"""What an amendment would cause, for the step before it is carried out; and what is said afterwards."""

from typing import Any

from django.utils.translation import gettext as _

from applications.models import Amendment, AmendmentState, Contract
from applications.policies import amendments_of
from applications.views import _amendments
from applications.views._sides import sides
from applications.views._standing import partner_of
from tenants.impact import Impact
from tenants.models import Tenant
from tenants.views import impacts
from tenants.views.console import ConsolePage


def preview(made: Amendment, contract: Contract, page: ConsolePage) -> dict[str, Any]:
    """The changes, when, and who has to agree. Asked inside the act that is taken back afterwards.

    ``contract`` is the one that was read before the act.
    """
    row, tenant = amendments_of(made.contract).get(id=made.id), page.tenant
    partner = {"partner": partner_of(row.contract, tenant).name}
    if row.widens:
        act, text = _("Propose amendment"), _("%(partner)s has to accept it. Until then nothing changes.")
    else:
        act, text = _("Amend contract"), _("It only narrows the contract: %(partner)s need not agree.")
    changes = _amendments.changes(row)
    return {
        "act": act,
        "text": text % partner,
        "at": row.takes_effect_at,
        "at_once": not row.widens
        and any(not change.get("moved") for change in changes),  # an end has its date
        "note": row.note,
        "changes": changes,
        "sides": {**sides(row, contract.terms.all(), page.at), "moved": _moved(row, contract)},
    }


def _moved(row: Amendment, contract: Contract) -> dict[str, Any] | None:
    """A narrowing has moved the end already when it is looked at."""
    return {"before": contract.ends_at, "after": row.ends_at} if row.moves_end else None


def taken(seen: Impact, contract: Contract, page: ConsolePage) -> dict[str, Any]:
    """``counts`` and ``names`` of who loses what by it; empty when nobody does."""
    shown = impacts.shown(seen.as_json(), page, nothing="", apart_from=contract.id)
    return {"counts": shown.get("counts", []), "names": shown.get("names", [])}


def done(made: Amendment, tenant: Tenant) -> str:
    """What to say afterwards."""
    if made.state == AmendmentState.DECLINED:
        return _("Declined.")
    if made.state == AmendmentState.WITHDRAWN:
        return _("Withdrawn.")
    if made.state == AmendmentState.PROPOSED:
        partner = partner_of(made.contract, tenant).name
        return _("Proposed. %(partner)s can read and answer it now.") % {"partner": partner}
    if made.takes_effect_at is not None:
        return _("The change is planned.")
    return _("The contract is amended.")
