"""Amendments as the contract's page shows them: who wants what changed, and what the reader can do."""

from datetime import datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from applications.actions import open_amendments
from applications.http import address
from applications.models import Amendment, AmendmentRole, AmendmentState, Contract
from applications.policies import amendments_of
from applications.views._sides import sides
from iam_portal.templatetags import moments
from tenants.models import Tenant

LABELS: dict[str, str | Promise] = {
    "accept": gettext_lazy("Accept amendment"),
    "decline": gettext_lazy("Decline amendment"),
    "withdraw": gettext_lazy("Withdraw amendment"),
}
MOST = 20


def card(contract: Contract, tenant: Tenant, at: datetime, *, may: bool) -> list[dict[str, Any]]:
    """The amendments of the contract, newest first; buttons at the one that waits, for whoever may act."""
    terms = list(contract.terms.all())
    found = []
    for one in amendments_of(contract)[:MOST]:
        shown = row(one, tenant, at, may=may)
        if shown["state"] == AmendmentState.PROPOSED:
            shown["sides"] = sides(one, terms, at)
        found.append(shown)
    return found


def row(one: Amendment, tenant: Tenant, at: datetime, *, may: bool) -> dict[str, Any]:
    """One amendment: its state in a word, what it changes, and the acts of this side."""
    state = open_amendments.state(one, at)
    mine = one.proposed_by_tenant_id == tenant.id
    names = {"who": _("Your organization") if mine else one.proposed_by_tenant.name}
    said = _("%(who)s proposed") if one.widens else _("%(who)s narrowed")
    acts = (["withdraw"] if mine else ["accept", "decline"]) if state == AmendmentState.PROPOSED else []
    return {
        "state": str(state),
        "said": said % names,
        "at": one.proposed_at,
        "changes": changes(one),
        "note": one.note,
        "answer_by": one.answer_by if acts else None,
        "takes_effect_at": one.takes_effect_at,
        "acts": [_button(one, tenant.slug, act) for act in acts] if may else [],
    }


def changes(one: Amendment) -> list[dict[str, Any]]:
    """What it changes, as ``label`` and ``text`` or moments ``before`` and ``after``."""
    verb = AmendmentRole.Verb
    found: list[dict[str, Any]] = []
    for which, label in ((verb.ADD, _("Adds")), (verb.REMOVE, _("Removes"))):
        roles = [row.role for row in one.roles.all() if row.verb == which]
        texts = sorted(f"{role.application}: {role.name}" for role in roles)
        found += [{"label": label, "text": text} for text in texts]
    if one.moves_end:
        former = open_amendments.former_end(one)
        found.append({"label": _("Moves the end"), "moved": True, "before": former, "after": one.ends_at})
    return found


def groups(one: Amendment) -> list[dict[str, Any]]:
    """The same for a confirmation: names under a label each."""
    found: dict[str, list[dict[str, str]]] = {}
    for change in changes(one):
        text = change.get("text") or _("from %(before)s to %(after)s") % {
            "before": _date(change["before"]),
            "after": _date(change["after"]),
        }
        found.setdefault(change["label"], []).append({"text": text})
    if one.note:
        found[_("Comment")] = [{"text": f"“{one.note}”"}]
    return [{"label": label, "items": items} for label, items in found.items()]


def _date(moment: datetime | None) -> str:
    if moment is None:
        return _("no end")
    return moments.plain(moment)


def _button(one: Amendment, slug: str, act: str) -> dict[str, Any]:
    ids = {"contract_id": one.contract_id, "amendment_id": one.id}
    return {
        "label": LABELS[act],
        "url": address(f"amendment-{act}", slug, **ids),
        "primary": act == "accept",
    }
