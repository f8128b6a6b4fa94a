"""Invented data for the preview of the console; the shapes are those of the templates' comments."""

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any


def ago(now: datetime, days: float) -> datetime:
    """A moment so many days before now (after it, when negative)."""
    return (now - timedelta(days=days)).replace(second=0)


def reason(code: str, text: str, at: datetime | None = None, url: str = "") -> SimpleNamespace:
    """One link of a chain."""
    return SimpleNamespace(code=code, text=text, at=at, url=url)


def refusal(now: datetime) -> SimpleNamespace:
    """A no with three links."""
    chain = [
        reason("contract_paused", "The contract with Acme Robotics is paused", ago(now, 3), "contract.html"),
        reason(
            "granted_by_contract",
            "Fleet Planner comes to Northwind by this contract only",
            None,
            "contract.html",
        ),
        reason("application_active", "Fleet Planner itself is active", ago(now, 410), "applications.html"),
    ]
    return SimpleNamespace(allowed=False, code="contract_paused", reasons=chain)


def permission(now: datetime) -> SimpleNamespace:
    """A yes with two links."""
    chain = [
        reason(
            "role_held", "Jane Roe holds Planner through the group Dispatch", ago(now, 40), "contract.html"
        ),
        reason(
            "role_granted", "Planner is granted to Northwind by a contract with Acme Robotics", ago(now, 120)
        ),
    ]
    return SimpleNamespace(allowed=True, code="role_held", reasons=chain)


def shell(now: datetime) -> dict[str, Any]:
    """What the console needs on every page."""

    def item(label: str, icon: str, url: str = "overview.html", **more: Any) -> dict[str, Any]:
        return {"label": label, "icon": icon, "url": url, **more}

    sharing = [
        item("Applications", "apps", "applications.html"),
        item("Contracts", "contract", "contract.html"),
    ]
    return {
        "nav": [
            {"label": "", "items": [item("Overview", "home", active=True)]},
            {"label": "Sharing", "items": [*sharing, item("Partners", "partners", "empty.html", count=2)]},
            {
                "label": "People",
                "items": [item("Users", "user"), item("Groups", "users"), item("Roles", "role")],
            },
            {"label": "Record", "items": [item("Activity", "activity", "library.html")]},
        ],
        "organization": {"name": "Northwind Logistics", "url": "overview.html"},
        "environment": "Demo",
        "account": {
            "name": "Jane Roe",
            "detail": "jane.roe@northwind.example",
            "url": "#",
            "sign_out_url": "#",
        },
        "search_url": "applications.html",
    }


def history(now: datetime) -> list[dict[str, Any]]:
    """Three rows."""
    return [
        {
            "at": ago(now, 0.1),
            "actor": "Jane Roe",
            "text": "paused the contract",
            "icon": "pause",
            "note": "“Audit of the dispatch data until the end of the week.”",
        },
        {
            "at": ago(now, 31),
            "actor": "Max Weber",
            "text": "accepted the role Planner",
            "icon": "check",
            "url": "#",
        },
        {"at": ago(now, 200), "actor": "Acme Robotics", "text": "proposed the contract", "icon": "contract"},
    ]


def rows(now: datetime) -> list[dict[str, Any]]:
    """Rows of a time line with every kind of end."""
    return [
        {
            "label": "Planner",
            "url": "#",
            "note": "plans and releases tours",
            "spans": [
                {"during": (ago(now, 200), ago(now, 90)), "state": "ended"},
                {"during": (ago(now, 90), ago(now, 3)), "state": "in_force"},
                {"during": (ago(now, 3), ago(now, -18)), "state": "paused"},
                {"during": (ago(now, -18), ago(now, -165)), "state": "scheduled"},
            ],
        },
        {
            "label": "Reader",
            "url": "#",
            "note": "sees tours",
            "spans": [{"during": (ago(now, 200), None), "state": "in_force"}],
        },
        {
            "label": "Administrator",
            "spans": [{"during": (ago(now, -40), ago(now, -165)), "state": "proposed"}],
        },
    ]


def overview(now: datetime) -> dict[str, Any]:
    """Figures, what waits, what happened."""
    return {
        "page": {"title": "Overview", "primary": {"label": "Propose a contract", "url": "#", "icon": "plus"}},
        "tiles": [
            {
                "label": "Applications",
                "value": "24",
                "note": "3 owned, 21 shared with you",
                "url": "applications.html",
            },
            {
                "label": "Contracts in force",
                "value": "17",
                "note": "2 end within 30 days",
                "url": "contract.html",
            },
            {"label": "People", "value": "1,284", "note": "12 invited", "url": "#"},
            {"label": "Tokens today", "value": "48,310", "note": "0.02 % refused"},
        ],
        "tasks": [
            {
                "icon": "contract",
                "text": "Acme Robotics proposes a contract for Fleet Planner",
                "note": "3 roles",
                "at": ago(now, 0.2),
                "action": {"label": "Review", "url": "contract.html"},
            },
            {
                "icon": "partners",
                "text": "Contoso Freight has redeemed your invitation",
                "note": "by Li Wei",
                "at": ago(now, 2),
                "action": {"label": "Confirm", "url": "#"},
            },
            {
                "icon": "key",
                "text": "A secret of Route Optimizer expires",
                "at": ago(now, -6),
                "action": {"label": "Rotate", "url": "pause.html", "dialog": True},
            },
        ],
        "history": history(now),
    }


def contract(now: datetime) -> dict[str, Any]:
    """One contract, paused."""
    return {
        "page": {
            "title": "Fleet Planner for Acme Robotics",
            "breadcrumb": [{"label": "Contracts", "url": "#"}],
            "state": "paused",
            "copy_id": "0198c7f2-6d1e-7b3a-9f60-3a5f1c2be8d4",
            "primary": {"label": "Resume contract", "url": "#", "icon": "play"},
            "more": [
                {"label": "Propose a change", "url": "#", "icon": "edit"},
                {"label": "Pause contract", "url": "pause.html", "icon": "pause", "dialog": True},
                {
                    "label": "End contract",
                    "url": "pause.html",
                    "icon": "stop",
                    "dialog": True,
                    "danger": True,
                },
            ],
            "tabs": [
                {"label": "Overview", "url": "#", "active": True},
                {"label": "Roles", "url": "#", "count": 3},
                {"label": "People", "url": "#", "count": 14},
            ],
        },
        "decision": refusal(now),
        "facts": [
            {"label": "Provider", "text": "Northwind Logistics", "url": "#"},
            {"label": "Consumer", "text": "Acme Robotics", "url": "#"},
            {"label": "Type", "text": "Provision", "note": "Acme runs it for itself"},
            {"label": "Agreed", "during": (ago(now, 200), ago(now, -165))},
            {"label": "Application", "copy_id": "northwind.fleet-planner"},
        ],
        "rows": rows(now),
        "at": now,
        "history": history(now),
    }
