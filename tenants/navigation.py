"""The console's navigation: apps add items in ``AppConfig.ready``; a page shows what its actor may see."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from django.template.loader import render_to_string
from django.urls import get_urlconf, reverse
from django.utils.functional import Promise
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
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

    def __hash__(self) -> int:
        """By itself: that of a label is worked out in a language, each time."""
        return id(self)


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


_HERE = "-organization-"  # in the place of a slug, which none can be: what is kept is of no organization
Seen = tuple[Item, ...]


class Shown(list[dict[str, Any]]):
    """The groups of one page with what they were made of: the same things are drawn alike everywhere."""

    def __init__(self, *, slug: str, seen: Seen, current: Item | None) -> None:
        super().__init__(_groups(slug, seen, current))
        self.slug, self.seen, self.current = slug, seen, current

    def drawn(self) -> SafeString:
        """As ``_nav.html`` draws it. Each page has it twice; drawn each time, it took a fourth of a page."""
        text = _drawn(self.seen, self.current, get_language())
        return mark_safe(text.replace(_HERE, escape(self.slug)))  # noqa: S308  (of a template, and escaped)


def shown(*, slug: str, path: str, may: Callable[[str], object], platform: bool = False) -> Shown:
    """What ``_nav.html`` draws for one page; ``may`` answers per permission and reads as a boolean.

    ``platform``: the page is of the platform tenant, where alone the last group's pages are.
    """
    here = [item for item in _items if platform or item.group != "platform"]
    seen = tuple(item for item in here if item.permission is None or may(item.permission))
    # The overview's address begins every other; it is the current page only when it is the page itself.
    within = {
        url: item
        for item in seen
        if path == (url := _url(item, slug))
        or (item.group != "overview" and path.startswith(url.rstrip("/") + "/"))
    }
    current = within[max(within, key=len)] if within else None
    return Shown(slug=slug, seen=seen, current=current)


def _groups(slug: str, seen: Seen, current: Item | None) -> list[dict[str, Any]]:
    now = _url(current, slug) if current else ""
    groups = []
    for key, label in GROUPS.items():
        items = [
            {"label": item.label, "url": url, "icon": item.icon, "active": url == now}
            for item in sorted(seen, key=lambda item: item.position)
            if item.group == key
            for url in [_url(item, slug)]
        ]
        if items:
            groups.append({"label": label, "items": items})
    return groups


def _url(item: Item, slug: str) -> str:
    return _pattern(item.url_name, get_urlconf()).replace(_HERE, slug)


@cache
def _pattern(url_name: str, _urlconf: str | None) -> str:
    return reverse(url_name, kwargs={"slug": _HERE})


@lru_cache(maxsize=500)
def _drawn(seen: Seen, current: Item | None, _language: str | None) -> str:
    return render_to_string("iam_portal/_nav.html", {"nav": _groups(_HERE, seen, current)})
