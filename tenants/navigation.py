"""The console's navigation: apps add items in ``AppConfig.ready``; a page shows what its actor may see."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# Key → what stands above the items; the first group has no heading.
GROUPS: dict[str, str | Promise] = {
    "overview": "",
    "sharing": _("Sharing"),
    "people": _("People"),
    "record": _("Record"),
    "platform": _("Platform"),
}


@dataclass(frozen=True, slots=True)
class Item:
    """A page in the navigation; ``permission`` is None where every signed-in person may go."""

    group: str
    label: str | Promise
    url_name: str
    icon: str
    permission: str | None
    position: int


_items: list[Item] = []


def register(
    group: str,
    label: str | Promise,
    url_name: str,
    icon: str,
    permission: str | None,
    *,
    position: int = 100,
) -> None:
    """Add an item to one of :data:`GROUPS`; lower positions stand first."""
    if group not in GROUPS:
        raise ValueError(f"unknown group of navigation: {group}")
    item = Item(group, label, url_name, icon, permission, position)
    if item not in _items:
        _items.append(item)


def shown(
    *, slug: str, path: str, may: Callable[[str], object], platform: bool = False
) -> list[dict[str, Any]]:
    """What ``_nav.html`` draws for one page; ``may`` answers per permission and reads as a boolean.

    ``platform``: the page is of the platform tenant, where alone the last group's pages are.
    """
    here = [item for item in _items if platform or item.group != "platform"]
    seen = [item for item in here if item.permission is None or may(item.permission)]
    urls = {item: reverse(item.url_name, kwargs={"slug": slug}) for item in seen}
    # The overview's address begins every other; it is the current page only when it is the page itself.
    within = [
        url
        for item, url in urls.items()
        if path == url or (item.group != "overview" and path.startswith(url.rstrip("/") + "/"))
    ]
    current = max(within, key=len, default="")
    groups = []
    for key, label in GROUPS.items():
        items = [
            {"label": item.label, "url": urls[item], "icon": item.icon, "active": urls[item] == current}
            for item in sorted(seen, key=lambda item: item.position)
            if item.group == key
        ]
        if items:
            groups.append({"label": label, "items": items})
    return groups
