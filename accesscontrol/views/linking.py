"""Links of the access explorer: from a chain to what it speaks of, and from a filter to its list."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.http import HttpRequest

from applications.http import address
from iam_portal.decision import Decision
from tenants.http import TenantPage, paging


def why(decision: Decision, page: TenantPage) -> dict[str, Any]:
    """As ``_why.html`` prints it."""
    return {
        "allowed": decision.allowed,
        "reasons": [
            {"code": reason.code, "text": reason.text, "at": reason.at, "url": to(reason.contract_id, page)}
            for reason in decision.reasons
        ],
    }


def to(contract_id: str | None, page: TenantPage) -> str:
    """The page of the contract, if it is about one, for who may open that."""
    if not contract_id or not page.can("ProvisionContracts:read|AccessContracts:read"):
        return ""
    return address("contract-detail", page.slug, contract_id=contract_id)


Menu = tuple[str, str, Mapping[str, Any]]  # its name in the address, what it is called, its values


def filters(request: HttpRequest, menus: Iterable[Menu], *, placeholder: str) -> dict[str, Any]:
    """As ``_filters.html`` prints them: a search, and menus, of which one without values is left out."""
    given, menus = request.GET, list(menus)
    return {
        "url": request.path,
        "q": paging.searched(request),
        "placeholder": placeholder,
        "hidden": [(name, given[name]) for name, _label, _values in menus if given.get(name)],
        "chips": chips(request, menus),
        "clear_url": request.path if given else "",
    }


def chips(request: HttpRequest, menus: Iterable[Menu]) -> list[dict[str, Any]]:
    """The menus alone."""
    return [
        {
            "label": label,
            "value": values.get(request.GET.get(name, "")),
            "options": options(request, name, values),
        }
        for name, label, values in menus
        if values
    ]


def options(request: HttpRequest, name: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What one can choose of a filter; chosen again, it is off."""
    chosen = request.GET.get(name, "")
    return [
        {
            "label": label,
            "active": key == chosen,
            "url": paging.with_query(request, **{name: None if key == chosen else key}),
        }
        for key, label in values.items()
    ]
