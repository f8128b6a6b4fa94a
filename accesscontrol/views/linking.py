"""Links of the access explorer: from a chain to what it speaks of, and from a filter to its list."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from applications.http import address
from iam_portal.decision import Decision
from tenants.http import paging


def why(decision: Decision, slug: str) -> dict[str, Any]:
    """As ``_why.html`` prints it."""
    return {
        "allowed": decision.allowed,
        "reasons": [
            {"code": reason.code, "text": reason.text, "at": reason.at, "url": to(reason.contract_id, slug)}
            for reason in decision.reasons
        ],
    }


def to(contract_id: str | None, slug: str) -> str:
    """The page of the contract, if it is about one."""
    return address("contract-detail", slug, contract_id=contract_id) if contract_id else ""


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
