"""Parts of templates that are the same on every page: drawn once for each language, and kept."""

from typing import Any

from django.template import Context, Node, NodeList
from django.template.base import Parser, Token
from django.utils.safestring import SafeString
from django.utils.translation import get_language


class Unchanging(Node):
    """``{% unchanging %}…{% endunchanging %}``: texts, icons and static files, nothing of the page.

    What is inside is drawn without the page's context: what one person sees cannot be kept for another.
    """

    def __init__(self, nodelist: NodeList) -> None:
        self.nodelist = nodelist
        self._drawn: dict[str | None, SafeString] = {}

    def render(self, context: Any) -> SafeString:
        language = get_language()
        if language not in self._drawn:
            alone = Context()
            with alone.bind_template(context.template):
                self._drawn[language] = self.nodelist.render(alone)
        return self._drawn[language]


def unchanging(parser: Parser, _token: Token) -> Unchanging:
    """Registered with the other tags of ``{% load portal %}``."""
    nodelist = parser.parse(("endunchanging",))
    parser.delete_first_token()
    return Unchanging(nodelist)
