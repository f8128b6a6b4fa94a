"""Invented data for the preview: lists, an empty one, a confirmation, and one of each component."""

from datetime import datetime
from types import SimpleNamespace
from typing import Any

from iam_portal.templatetags.states import LOOKS
from tests.support.ui_samples import ago, permission, reason, refusal


def applications(now: datetime) -> dict[str, Any]:
    """A list with every kind of cell."""
    data = [
        ("Fleet Planner", "northwind.fleet-planner", "Northwind Logistics", "available", 412, 3),
        ("Route Optimizer", "acme.route-optimizer", "Acme Robotics", "paused", 96, 41),
        ("Customs Desk", "contoso.customs-desk", "Contoso Freight", "scheduled", 0, -12),
        ("Yard Camera", "k3v9n2c7x1m5q8w4z6r0t2y9b", "Acme Robotics", "not_available", 0, 120),
        ("Invoice Hub", "northwind.invoice-hub", "Northwind Logistics", "available", 1284, 700),
    ]
    cells = [
        [
            {"text": name, "url": "contract.html"},
            {"state": state},
            {"text": owner},
            {"copy_id": key},
            {"text": f"{people:,}"},
            {"day": ago(now, days)},
        ]
        for name, key, owner, state, people, days in data
    ]
    columns = [
        {"label": "Name", "sort_url": "#", "sorted": "ascending"},
        {"label": "State"},
        {"label": "Owner", "sort_url": "#"},
        {"label": "Id"},
        {"label": "People", "numeric": True},
        {"label": "Changed", "sort_url": "#"},
    ]
    options = [{"label": "Available", "url": "#", "active": True}, {"label": "Paused", "url": "#"}]
    return {
        "page": {
            "title": "Applications",
            "lead": "What your organization owns, and what partners share with it.",
            "primary": {"label": "Register application", "url": "#", "icon": "plus"},
        },
        "filters": {
            "url": "applications.html",
            "q": "",
            "placeholder": "Search applications",
            "clear_url": "#",
            "chips": [
                {"label": "State", "value": "any but ended", "options": options},
                {"label": "Owner", "options": options},
            ],
        },
        "table": {
            "caption": "Applications",
            "columns": columns,
            "rows": [{"cells": row} for row in cells],
            "count_text": "1–5 of 24",
            "paging": {"next_url": "#"},
        },
    }


def empty() -> dict[str, Any]:
    """A list without rows, and an action that is refused with its reason."""
    no = SimpleNamespace(
        allowed=False, code="no_role", reasons=[reason("no_role", "Only an Organization Manager may invite.")]
    )
    return {
        "page": {
            "title": "Partners",
            "primary": {"label": "Invite a partner", "url": "#", "icon": "plus", "decision": no},
        },
        "title": "No partners yet",
        "text": "A partner is an organization that you share applications with. Invite one by a link that works once.",
        "action": {"label": "Invite a partner", "url": "#", "icon": "plus"},
    }


def confirm(now: datetime) -> dict[str, Any]:
    """The impact of a pause."""
    people = ["Ada Byron", "Bo Chen", "Carla Diaz", "Dov Eban", "Eve Fox", "Finn Gray"]
    return {
        "page": {
            "title": "Pause contract",
            "breadcrumb": [{"label": "Fleet Planner for Acme Robotics", "url": "contract.html"}],
        },
        "confirm": {
            "title": "Pause the contract with Acme Robotics?",
            "act": "Pause contract",
            "url": "#",
            "cancel_url": "contract.html",
            "revision": "7",
            "danger": True,
            "at": ago(now, -5),
            "counts": [
                {"label": "People", "value": 14},
                {"label": "Services", "value": 2},
                {"label": "Open tokens", "value": 37},
            ],
            "names": [
                {
                    "label": "People who lose access",
                    "items": [{"text": name, "url": "#"} for name in people],
                    "more": 8,
                },
                {
                    "label": "Services that lose access",
                    "items": [{"text": "route-optimizer"}, {"text": "yard-camera"}],
                },
            ],
        },
    }


def library(now: datetime) -> dict[str, Any]:
    """One of each."""
    return {
        "page": {"title": "Components"},
        "states": list(LOOKS),
        "no": refusal(now),
        "yes": permission(now),
        "now": now,
        "soon": ago(now, -5.1),
        "during": (ago(now, 30), None),
        "secret": {
            "name": "Secret of northwind.fleet-planner",
            "value": "ips_5Hq2tYw8Zr4Kd9Lm3Nc7Vb1Xg6Fj0Ps",
            "ends_at": ago(now, -90),
            "command": "curl -u northwind.fleet-planner:ips_5Hq2tYw8Zr4Kd9Lm3Nc7Vb1Xg6Fj0Ps \\\n"
            "  -d grant_type=client_credentials \\\n  https://portal.example/t/northwind/oauth/token",
        },
    }
