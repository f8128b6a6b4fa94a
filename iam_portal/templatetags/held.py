"""What roles somebody holds, each with why it counts or not: ``{% load held %}``.

Drawn by the template language, thirty of them took longer than all the rest of a person's page.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django import template
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from iam_portal.templatetags.portal import dated, icon, moment, privileges, since, span_text, state_badge

register = template.Library()


@register.simple_tag
def why_chain(reasons: Iterable[Any]) -> SafeString:
    """The list in ``_why.html``: each reason with its moment and its code."""
    return SafeString(f'<ol class="why-chain">{"".join(_reason(reason) for reason in reasons)}</ol>')


@register.simple_tag
def held_rows(rows: Iterable[Mapping[str, Any]], alone: bool = False) -> SafeString:
    """Rows {role, application, note, during, standing {state, decision}, withdraw_url?}.

    ``alone``: their application stands above them.
    """
    return SafeString("".join(_row(row, alone) for row in rows))


@register.simple_tag
def service_rows(rows: Iterable[Mapping[str, Any]]) -> SafeString:
    """Rows {name, note, url, state, word?, roles, during?, why?, sentence, last}: who calls, or is called."""
    return SafeString("".join(map(_service, rows)))


@register.simple_tag
def review_rows(rows: Iterable[Mapping[str, Any]]) -> SafeString:
    """Rows of the access review: {name, url, kind, role, role_name, own_role, elsewhere, lost, state, word,
    through, permissions {shown, drawn}, before, why, ask_url}.
    """
    chains: dict[int, str] = {}  # rows of one role share what it says
    return SafeString("".join(_reviewed(row, chains) for row in rows))


def allowed_list(shown: Iterable[Mapping[str, Any]], more: int) -> SafeString:
    """What a role allows: {resourceType, resourceId, name, privileges} of each resource; how many more."""
    css, parts = "table-note", []
    for one in shown:
        address = f"{one['resourceType']}/{one['resourceId']}"
        said = f"{one['name'] or address}: {privileges(one['privileges'])}"
        parts.append(format_html('<span class="{}" title="{}">{}</span>', css, address, said))
    if more:
        said = ngettext("And %(more)s more.", "And %(more)s more.", more) % {"more": more}
        parts.append(format_html('<span class="{}">{}</span>', css, said))
    return SafeString("".join(parts))


def _reviewed(row: Mapping[str, Any], chains: dict[int, str]) -> str:
    name, why = conditional_escape(row["name"]), row["why"]
    if id(why) not in chains:
        chains[id(why)] = _chain(why["reasons"])
    linked = format_html('<a href="{}">{}</a>', row["url"], name) if row["url"] else name
    notes = [
        row["kind"],
        _("own role") if row["own_role"] else "",
        _("on another organization's data") if row["elsewhere"] else "",
    ]
    kind, *more = (f"<span>{conditional_escape(note)}</span>" if note else "" for note in notes)
    role = format_html('<span title="{}">{}</span>', row["role"], row["role_name"])
    badge = state_badge(row["state"], row["word"]) if row["state"] else ""
    through = conditional_escape("; ".join(_through(via, by) for via, by in row["through"]))
    ask = _("Ask what %(name)s may do") % {"name": row["name"]}
    asking = format_html('<p><a href="{}">{}</a></p>', row["ask_url"], ask) if row["ask_url"] else ""
    sentence = _("The role counted before") if row["lost"] else _("The role counts")
    return (
        f'<li>\n<div class="held-row"><strong>{linked}</strong>{kind}{role}{"".join(more)}{badge}</div>\n'
        f'<div class="held-meta"><p class="history-note">{through}</p>\n{_amounts(row)}\n'
        f"{_folded(why['allowed'], chains[id(why)], sentence, shown=False, beyond=asking)}</div>\n</li>\n"
    )


def _through(via: Any, by: str) -> str:
    if not via:
        return _("given by %(by)s") % {"by": by}
    return _("through the group %(group)s, given by %(by)s") % {"group": via.group_name, "by": by}


def _amounts(row: Mapping[str, Any]) -> str:
    """What it allows, folded; of a change, what it allowed before as well."""
    before, now = row["before"], row["permissions"]
    note, nothing = '<p class="history-note">{}</p>', '<span class="table-note">{}</span>'
    parts = [format_html("<summary>{}</summary>", _("Permissions"))]
    if before and before["shown"]:
        parts += [format_html(note, _("Before:")), before["drawn"], format_html(note, _("Then:"))]
    parts.append(now["drawn"] if now["shown"] else format_html(nothing, _("Allows nothing by itself.")))
    return f'<details class="more">{"".join(parts)}</details>'


def _service(row: Mapping[str, Any]) -> str:
    name, roles = conditional_escape(row["name"]), conditional_escape(row["roles"])
    badge = state_badge(row["state"], row.get("word", ""))
    linked = format_html('<a href="{}">{}</a>', row["url"], name) if row["url"] else name
    named = f"<strong>{linked}</strong><code>{conditional_escape(row['note'])}</code>{badge}"
    during = f"{conditional_escape(span_text(row['during']))}, " if row.get("during") else ""
    used: str = conditional_escape(_("never used"))
    if row["last"]:
        used = conditional_escape(_("last used %(at)s")) % {"at": moment(row["last"])}
    why = row["why"]
    chain = ""
    if why:
        reasons = _chain(why["reasons"])
        chain = _folded(why["allowed"], reasons, row["sentence"], shown=not why["allowed"])
    return (
        f'<li>\n<div class="held-row">{named}{f"<span>{roles}</span>" if roles else ""}</div>\n'
        f'<div class="held-meta"><p class="history-note">{during}{used}</p>\n{chain}</div>\n</li>\n'
    )


def _row(row: Mapping[str, Any], alone: bool) -> str:
    standing = row["standing"]
    counts_not = standing.state == "not_available"
    badge = state_badge(standing.state, _("Does not count") if counts_not else "")
    named = f"<strong>{conditional_escape(row['role'])}</strong>"
    if not alone:
        named += f"<span>{conditional_escape(row['application'])}</span>"
    note = f"{conditional_escape(row['note'])}, " if row["note"] else ""
    meta = f'<p class="history-note">{note}{conditional_escape(span_text(row["during"]))}</p>'
    return (
        f'<li>\n<div class="held-row">{named}{badge}{_withdraw(row)}</div>\n'
        f'<div class="held-meta">{meta}{_why(standing.decision, counts_not)}</div>\n</li>\n'
    )


def _withdraw(row: Mapping[str, Any]) -> str:
    if not row.get("withdraw_url"):
        return ""
    label = _("Withdraw %(role)s of %(application)s")
    return format_html(
        '<a class="btn btn-sm" href="{}" data-dialog aria-label="{}">{}</a>',
        row["withdraw_url"],
        label % {"role": row["role"], "application": row["application"]},
        _("Withdraw"),
    )


def _why(decision: Any, shown: bool) -> str:
    if not decision.reasons:
        return ""
    sentence = _("It counts") if decision.allowed else _("It does not count")
    return _folded(decision.allowed, _chain(decision.reasons), sentence, shown=shown)


def _chain(reasons: Iterable[Any]) -> str:
    return why_chain(reasons) if reasons else ""


def _folded(good: bool, chain: str, sentence: str, *, shown: bool, beyond: str = "") -> str:
    """``_why.html``, folded, unless it is what one has to see."""
    css, sign = ("why-yes", "state-in-force") if good else ("why-no", "state-refused")
    why = _("Why")
    return (
        f'<details class="more"{" open" if shown else ""}><summary>{conditional_escape(why)}</summary>\n'
        f'<div class="why {css}">\n<p class="why-sentence">{icon(sign)}'
        f"<span>{conditional_escape(sentence)}</span></p>\n{chain}\n</div>{beyond}</details>"
    )


def _reason(reason: Any) -> str:
    text, url, at = dated(_part(reason, "text")), _part(reason, "url"), _part(reason, "at")
    said = format_html('<a href="{}">{}</a>', url, text) if url else f"<span>{text}</span>"
    moment = f"{conditional_escape(since(reason))} · " if at else ""
    code = conditional_escape(_part(reason, "code"))
    return f'<li>\n{said}\n<span class="why-facts">{moment}<code>{code}</code></span>\n</li>\n'


def _part(reason: Any, name: str) -> Any:
    found = reason.get(name) if isinstance(reason, Mapping) else getattr(reason, name, "")
    return "" if found is None else found
