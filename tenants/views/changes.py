"""What a row of the record says was before and after, and where it stands in the chain, for people."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from tenants.models import HistoryCheck, HistoryEvent, HistoryLink
from tenants.questions import ChainState
from tenants.views import field_words, wording

NOTHING = "–"
_LINKED = {"applicationId": "application", "contractId": "contract"}
_WALKED = gettext_lazy("By the portal each day, and by manage.py verify_history at any time.")


def of(event: HistoryEvent) -> list[dict[str, str]]:
    """Field by field, those that changed first."""
    before, after = event.before or {}, event.after or {}
    names = sorted(dict.fromkeys([*before, *after]), key=lambda name: before.get(name) == after.get(name))
    return [
        {
            "name": field_words.label(name),
            "before": field_words.value(name, before.get(name)),
            "after": field_words.value(name, after.get(name)),
            "kind": _LINKED.get(name, ""),
            "key": str(after.get(name) or ""),
            "id": after[name] if field_words.is_id(after.get(name)) else "",
            "note": _difference(name, before.get(name), after.get(name)),
        }
        for name in names
    ]


def table(event: HistoryEvent, slug: str) -> dict[str, Any] | None:
    """The same for ``_table.html``; None where the row tells of no field. What has a page is a link."""
    fields = of(event)
    if not fields:
        return None
    rows = [
        {
            "cells": [
                {"text": field["name"]},
                {"text": field["before"] or NOTHING},
                _cell(field, slug),
            ]
        }
        for field in fields
    ]
    columns = [{"label": _("Field")}, {"label": _("Before")}, {"label": _("After")}]
    return {"caption": _("What was changed"), "columns": columns, "rows": rows}


def _cell(field: Mapping[str, str], slug: str) -> dict[str, Any]:
    """An id in full, to be copied; with its page where there is one."""
    url = wording.address(slug, field["kind"], field["key"])
    shown = {"url": url, "text": field["after"]} if url else {}
    if field["id"]:
        return {**shown, "copy_id": field["id"], "note": field["note"]}
    return {"text": field["after"] or NOTHING, **shown, "note": field["note"]}


def place_facts(link: HistoryLink | None, check: HistoryCheck | None) -> list[dict[str, Any]]:
    """Where a row stands in the chain, for ``_facts.html``."""
    if link is None:
        text = _("It is linked within some seconds.")
        return [{"label": _("State"), "state": "scheduled", "note": text}]
    facts: list[dict[str, Any]] = [{"label": _("Position"), "text": str(link.position)}]
    if check is not None and link.position <= check.position:
        facts.append({"label": _("State"), "state": "confirmed"})
        facts.append({"label": _("Verified"), "at": check.checked_at})
    else:
        facts.append({"label": _("Verified"), "text": _("Not yet, since it was linked.")})
    facts.append({"label": _("Hash"), "copy_id": link.digest})
    return facts


def chain_state(state: ChainState) -> dict[str, Any]:
    """For the head of the page: whether the record was found whole."""
    if state.check is None:
        return {"state": "scheduled", "state_word": _("Chain not verified yet")}
    if state.check.why:
        return {"state": "failed", "state_word": _("Chain broken")}
    return {"state": "confirmed", "state_word": _("Chain verified")}


def chain_facts(state: ChainState) -> list[dict[str, Any]]:
    """The whole chain, for ``_facts.html``."""
    facts: list[dict[str, Any]] = []
    check = state.check
    if check is None:
        facts.append({"label": _("Verified"), "text": _("Not yet."), "note": _WALKED})
    else:
        holds = _("No row up to %(position)s was altered, removed or slipped in.")
        broken = _("Up to row %(position)s it holds; then: %(why)s.")
        said = (broken if check.why else holds) % {"position": check.position, "why": check.why}
        facts.append({"label": _("State"), "state": "failed" if check.why else "confirmed", "note": said})
        facts.append({"label": _("Verified"), "at": check.checked_at, "note": _WALKED})
    facts.append({"label": _("Linked rows"), "text": str(state.position)})
    if state.waiting:
        said = ngettext("%(count)d row waits", "%(count)d rows wait", state.waiting) % {
            "count": state.waiting
        }
        facts.append({"label": _("Not linked yet"), "text": said})
    if state.anchor is not None:
        said = _("%(count)s rows are kept no longer; an anchor stands for them.") % {
            "count": state.anchor.count
        }
        facts.append({"label": _("Dropped up to"), "text": f"{state.anchor.month:%Y-%m}", "note": said})
    return facts


def _difference(name: str, before: Any, after: Any) -> str:
    """Of two lists: what came and what went."""
    if before == after:
        return _("unchanged")
    if not (isinstance(before, list) and isinstance(after, list)):
        return ""
    came, went = (
        [item for item in after if item not in before],
        [item for item in before if item not in after],
    )
    signs = [*(("+", item) for item in came), *(("−", item) for item in went)]
    return ", ".join(f"{sign} {field_words.value(name, [item])}" for sign, item in signs)
