"""Sentences of rules in the reader's language. Only pages ask for that."""

from django.utils.translation import gettext, pgettext

from iam_portal.sentences import Said


def translated(text: str) -> str:
    """A refusal's or a reason's sentence; what no catalogue knows stays as it is."""
    if not isinstance(text, Said):
        return gettext(text) if text else ""
    pattern = pgettext(text.context, text.pattern) if text.context else gettext(text.pattern)
    return pattern % {name: _part(part) for name, part in text.parts.items()} if text.parts else pattern


def _part(part: object) -> object:
    return translated(part) if isinstance(part, Said) else part
