"""Search and chips above a list; every filter stands in the address."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils.functional import Promise

from tenants.http.paging import Page, searched, with_query

Words = str | Promise


@dataclass(frozen=True, slots=True)
class Chip:
    """One filter: its parameter, its name, and (value, words) of each choice. No value means no filter."""

    name: str
    label: Words
    choices: Sequence[tuple[str, Words]]


def chosen(request: HttpRequest, chip: Chip) -> str:
    """The value in the address, if it is one of the choices."""
    value = request.GET.get(chip.name, "")
    return value if value in dict(chip.choices) else ""


def filters(request: HttpRequest, placeholder: Words, chips: Sequence[Chip]) -> dict[str, Any]:
    """What ``_filters.html`` draws."""
    values = {chip.name: chosen(request, chip) for chip in chips}
    q = searched(request)
    return {
        "url": request.path,
        "q": q,
        "placeholder": placeholder,
        "hidden": [(name, value) for name, value in values.items() if value],
        "chips": [_chip(request, chip, values[chip.name]) for chip in chips],
        "clear_url": request.path if q or any(values.values()) else None,
    }


def footer(page: Page, only: str) -> dict[str, Any]:
    """The line under a table: how many there are when that is all, else the ways to the neighbours."""
    if page.previous_url or page.next_url:
        return {"paging": page.paging}
    return {"count_text": only}


def _chip(request: HttpRequest, chip: Chip, value: str) -> dict[str, Any]:
    return {
        "label": chip.label,
        "value": dict(chip.choices).get(value) if value else "",
        "options": [
            {
                "label": words,
                "url": with_query(request, **{chip.name: choice or None}),
                "active": choice == value,
            }
            for choice, words in chip.choices
        ],
    }
