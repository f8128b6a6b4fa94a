"""The network: who shares what with whom, at any moment, as a picture and as a table."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from applications.http import address
from applications.views import _network_drawing as drawing
from applications.views import _network_words as words
from applications.views._application import visible
from applications.views._contract import with_terms
from applications.views._filters import chosen, footer
from applications.views._network import Node, Question, between, busiest, contracts, partner_named
from applications.views._network_page import NetworkPage
from applications.views._network_partners import Partners
from applications.views.contracts import TYPE
from iam_portal.errors import NotFound
from tenants.http.paging import page_of, page_of_found

MOST = 40  # nodes in a picture
MOST_WAYS = 64  # lines in it: a partner may have four


class Network(NetworkPage):
    """The organization and all its partners."""

    def get(self, request: HttpRequest) -> HttpResponse:
        asked = self.asked(request)
        linked = bool(self.can("OrganizationRelations:read"))
        alone = linked and not (asked.state or asked.application_id or chosen(request, TYPE))
        nodes = Partners(asked, alone=alone, linked=linked, most=MOST)
        page = page_of_found(nodes.find, request=request)
        shown = _fitting(nodes.busiest)
        boxes = [words.partner(node, self.slug, self.to_pair(asked, node.key)) for node in shown]
        labels = (_("Partner"), _("State"), _("Provided"), _("Received"), _("Relation"))
        return self.draw(
            asked,
            page={
                "title": _("Network"),
                "lead": _("Who shares what with whom: now, on any day before, and as it is planned."),
            },
            picture=drawing.fan(self.tenant.name, boxes, words.rest(nodes.count - len(shown))),
            described=words.counted(nodes.count),
            legend=words.legend(shown),
            table={
                "caption": _("Partners"),
                "columns": [{"label": label} for label in labels],
                "rows": [{"cells": self._cells(asked, node)} for node in page.rows],
                "count_text": words.counted(nodes.count),
                "paging": page.paging,
            },
        )

    def _cells(self, asked: Question, node: Node) -> list[dict[str, Any]]:
        url = ""
        if node.partnership_id:
            url = self.url("tenants:partner-detail", partnership_id=node.partnership_id)
        return words.row(node, self.to_pair(asked, node.key), url)


class NetworkPair(NetworkPage):
    """The organization and one partner, with the applications between them."""

    def get(self, request: HttpRequest, partner_id: UUID) -> HttpResponse:
        asked = self.asked(request, partner_id=partner_id)
        name = partner_named(
            asked, types=self.readable(), linked=bool(self.can("OrganizationRelations:read"))
        )
        if name is None:
            raise NotFound
        nodes = between(asked)
        shown, urls = _fitting(nodes), self._pages_of(nodes)
        boxes = [words.application(node, name, urls.get(node.key, ""), self.slug) for node in shown]
        rows = with_terms(contracts(asked))
        page = page_of(rows, request=request, key="created_at", descending=True)
        labels = (_("Contract"), _("State"), _("Type"), _("Starts"), _("Ends"))
        crumb = {"label": _("Network"), "url": self.to_all(asked)}
        return self.draw(
            asked,
            page={
                "title": name,
                "breadcrumb": [crumb],
                "lead": _("What your organizations share, by application."),
            },
            picture=drawing.pair(self.tenant.name, name, boxes, words.rest(len(nodes) - len(shown))),
            described=words.applications_counted(len(nodes)),
            legend=words.legend(shown),
            table={
                "caption": _("Contracts"),
                "columns": [{"label": label} for label in labels],
                "rows": [{"cells": words.contract(row, self.tenant, row.there)} for row in page.rows],
                **footer(page, words.contracts_counted(len(page.rows))),
            },
        )

    def _pages_of(self, nodes: list[Node]) -> dict[str, str]:
        """The pages of those applications that have one here, for who may open it. One query."""
        if not self.can("Modules:read"):
            return {}
        ids = visible(self.tenant).filter(id__in=[node.key for node in nodes]).values_list("id", flat=True)
        return {key: address("application-detail", self.slug, application_id=key) for key in ids}


def _fitting(nodes: list[Node]) -> list[Node]:
    return busiest(nodes, nodes_at_most=MOST, edges_at_most=MOST_WAYS)
