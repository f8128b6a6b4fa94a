"""Somebody saves a form that another has overtaken: what was, what is now, what he typed; field by field.

A form that changes a row carries in ``was`` the values that it was drawn with. When the row is another by the
time it is sent, nothing is saved; the page asks, for each field that differs, which of the two shall stand,
and sends the answer against the revision that it shows. It is the person's own input that comes back so:
none of it is trusted more than what he types.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.forms import BaseForm, BoundField, CheckboxInput, Field, HiddenInput
from django.http import HttpResponse, QueryDict
from django.utils.translation import gettext as _

from iam_portal.errors import DomainError, Kind
from iam_portal.templatetags.portal import AS_DRAWN, sent_values
from tenants.http import TenantPage
from tenants.http.refusals import Outcome

TAKE, NOW = "take-", "now-"
STALE = 412  # RFC 9110 §15.5.13, as of a REST change with a revision that is no longer so
_OF_THE_FORM = ("csrfmiddlewaretoken", "revision", AS_DRAWN)


@dataclass(frozen=True, slots=True)
class Difference:
    """One field: what it was when the form was drawn, is now, and would become. ``keeps``: what is chosen."""

    name: str
    label: str
    was: str
    now: str
    mine: str
    values: Sequence[str]
    keeps: str


def resolved(fields: QueryDict) -> QueryDict:
    """What was sent, with the choices of the merging page carried out."""
    if not any(name.startswith(TAKE) for name in fields):
        return fields
    found = fields.copy()
    for name in [name for name in fields if name.startswith(TAKE)]:
        field = name.removeprefix(TAKE)
        if fields[name] == "now":
            found.setlist(field, fields.getlist(f"{NOW}{field}"))
    for name in [name for name in fields if name.startswith((TAKE, NOW))]:
        del found[name]
    return found


def is_stale(outcome: Outcome) -> bool:
    """Whether the act was refused because the row is another by now."""
    return isinstance(outcome.refusal, DomainError) and outcome.refusal.kind is Kind.STALE


def merged(
    page: TenantPage,
    form: BaseForm,
    fresh: BaseForm,
    *,
    revision: Any,
    frame: dict[str, Any],
    same: Callable[[], HttpResponse],
) -> HttpResponse:
    """The page that asks; ``same`` answers where the other did the very same: the second of two clicks."""
    found = differences(form, fresh)
    if not found:
        return same()
    context = {
        **frame,
        "revision": revision,
        "differences": found,
        "carried": [
            (name, value)
            for name, values in form.data.lists()  # type: ignore[attr-defined]  # of a form that was sent
            if name not in _OF_THE_FORM and not name.startswith((TAKE, NOW))
            for value in values
        ],
        "was": json.dumps({name: sent_values(fresh[name]) for name in fresh.fields}),
    }
    return page.render("iam_portal/merge.html", context, status=STALE)


def differences(form: BaseForm, fresh: BaseForm) -> list[Difference]:
    """The fields in which what was typed is not what stands there now."""
    was = _as_drawn(form)
    found = []
    for name, field in fresh.fields.items():
        now, mine = sent_values(fresh[name]), sent_values(form[name])
        if isinstance(field.widget, HiddenInput) or _means(field, now) == _means(field, mine):
            continue
        old = was.get(name)
        mine_only, theirs_only = old == now, old == mine  # of the two, only one changed it
        found.append(
            Difference(
                name=name,
                label=str(fresh[name].label),
                was="" if old is None else _in_words(fresh[name], old),
                now=_in_words(fresh[name], now),
                mine=_in_words(fresh[name], mine),
                values=now,
                keeps="mine" if mine_only else "now" if theirs_only else "",
            )
        )
    return found


def _means(field: Field, values: list[str]) -> Any:
    """What a field makes of it: blank lines and the order of a mapping are no difference."""
    single = not getattr(field.widget, "allow_multiple_selected", False)
    try:
        return field.clean((values[0] if values else "") if single else values)
    except ValidationError:
        return values


def _as_drawn(form: BaseForm) -> dict[str, list[str]]:
    try:
        found = json.loads(form.data.get(AS_DRAWN, ""))
    except (ValueError, TypeError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {
        name: [str(value) for value in values] for name, values in found.items() if isinstance(values, list)
    }


def _in_words(field: BoundField, values: Sequence[str]) -> str:
    """As people read them: a choice by its label."""
    if isinstance(field.field.widget, CheckboxInput):
        return _("yes") if values else _("no")
    choices = getattr(field.field, "choices", None)
    labels = {str(value): str(label) for value, label in choices} if choices else {}
    return ", ".join(labels.get(value, value) for value in values if value) or "–"
