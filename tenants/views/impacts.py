"""An impact as the confirmations show it: counts first, names below."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, npgettext

from tenants.views.console import ConsolePage

MOST = 40
_ANYBODY = str(UUID(int=0))
Found = Mapping[str, Any]
Drawn = Callable[[Found, ConsolePage], dict[str, Any]]


def shown(
    found: Found, page: ConsolePage, *, nothing: str, apart_from: object = None, ours: int = 0
) -> dict[str, Any]:
    """``counts`` and ``names`` of ``_confirm.html``, or the sentence for when nobody loses anything.

    ``found`` is the wire form of an impact. ``apart_from`` is the contract that the act is done to: that it
    ends is no news. ``ours``: people of one's own, of whom not all may be named.
    """
    contracts = [item for item in _items(found, "contracts") if item["contractId"] != str(apart_from)]
    others = _count(found, "contracts") - (len(_items(found, "contracts")) - len(contracts))
    deserted = _items(found, "withoutPeople")
    counts = [count for count in _counts(found, others, apart_from is not None) if count["value"]]
    if not counts:
        return {"nothing": nothing}
    gone, narrowed = (_pairs(found, becomes) for becomes in ("unavailable", "narrowed"))
    people, address = _items(found, "users"), page.url("tenants:user-detail", user_id=_ANYBODY)
    groups: list[tuple[str, list[Found], Drawn, int]] = [
        (_("Becomes unavailable"), gone, _pair, len(gone)),
        (_("Loses roles"), narrowed, _pair, len(narrowed)),
        (_("Contracts"), contracts, _contract, others),
        (_("People of your organization"), people, partial(_person, address), max(ours, len(people))),
        (_("Services"), _items(found, "services"), _service, len(_items(found, "services"))),
        (_("Nobody here has a role any more in"), deserted, _deserted, len(deserted)),
    ]
    names = [
        {
            "label": label,
            "items": [draw(item, page) for item in items[:MOST]],
            "more": max(0, (total or len(items)) - MOST),
        }
        for label, items, draw, total in groups
        if items
    ]
    return {"counts": counts, "names": names}


def _counts(found: Found, contracts: int, other: bool) -> list[dict[str, Any]]:
    pairs: Sequence[Found] = found.get("pairs", ())
    gone = [pair for pair in pairs if pair["becomes"] == "unavailable"]
    applications = len({pair["applicationId"] for pair in gone})
    organizations = len({pair["tenantId"] for pair in pairs})
    people, services = _count(found, "users"), _count(found, "services")
    sessions, mappers = _count(found, "sessions"), _count(found, "mappers")
    each = npgettext("counted", "Contract", "Contracts", contracts)
    further = ngettext("Other contract", "Other contracts", contracts)
    return [
        {"label": npgettext("counted", "Application", "Applications", applications), "value": applications},
        {
            "label": npgettext("counted", "Organization", "Organizations", organizations),
            "value": organizations,
        },
        {"label": npgettext("counted", "Person", "People", people), "value": people},
        {"label": ngettext("Service call", "Service calls", services), "value": services},
        {"label": further if other else each, "value": contracts},
        {"label": ngettext("Live session", "Live sessions", sessions), "value": sessions},
        {
            "label": ngettext("Mapper of a provider", "Mappers of a provider", mappers),
            "value": mappers,
        },
    ]


def _pairs(found: Found, becomes: str) -> list[Found]:
    return [pair for pair in found.get("pairs", ()) if pair["becomes"] == becomes]


def _pair(pair: Found, page: ConsolePage) -> dict[str, Any]:
    url = page.url("applications:application-detail", application_id=pair["applicationId"])
    words = {"application": pair["applicationName"], "organization": pair["tenantName"]}
    if pair["becomes"] == "unavailable":
        return {"text": _("%(application)s in %(organization)s") % words, "url": url}
    words["roles"] = ", ".join(pair["roles"])
    return {"text": _("%(application)s in %(organization)s: %(roles)s") % words, "url": url}


def _contract(item: Found, page: ConsolePage) -> dict[str, Any]:
    parties = {item["provider"]["tenantId"], item["consumer"]["tenantId"]}
    parties_named = f"{item['provider']['name']} → {item['consumer']['name']}"
    row = {"text": f"{', '.join(item['applications'])}: {parties_named} ({_effect(item['effect'])})"}
    if str(page.tenant.id) in parties:
        row["url"] = page.url("applications:contract-detail", contract_id=item["contractId"])
    return row


def _effect(effect: str) -> str:
    return {
        "ends": _("ends"),
        "withdrawn": _("is withdrawn"),
        "pauses": _("is paused"),
        "narrows": _("loses roles"),
        "falls": _("stops counting"),
    }[effect]


def _person(address: str, item: Found, _page: ConsolePage) -> dict[str, Any]:
    """``address`` is that of anybody: to make each anew takes longer than all else that is drawn of him."""
    roles = sorted({_key(urn) for urn in item["roles"]})
    before, _anybody, after = address.rpartition(_ANYBODY)  # a slug may be alike
    return {"text": f"{item['name']}: {', '.join(roles)}", "url": f"{before}{item['userId']}{after}"}


def _key(urn: str) -> str:
    """The key in a role's name: the sixth part for a role of an application, the fifth for a tenant's."""
    parts = urn.split(":")
    return parts[5] if parts[2] == "application-role" else parts[4]


def _service(item: Found, _page: ConsolePage) -> dict[str, Any]:
    words = {"caller": item["name"], "target": item["callsName"]}
    return {"text": _("%(caller)s loses calls of %(target)s") % words}


def _deserted(item: Found, page: ConsolePage) -> dict[str, Any]:
    url = page.url("applications:application-detail", application_id=item["applicationId"])
    return {"text": item["name"], "url": url}


def _items(found: Found, part: str) -> list[Found]:
    items: list[Found] = found.get(part, {}).get("items", [])
    return items


def _count(found: Found, part: str) -> int:
    return int(found.get(part, {}).get("count", 0))
