"""What both pages of the network share: the moment, the filters, and addresses that keep them."""

import re
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from applications.http import address, with_query
from applications.models import Application
from applications.models.applications import ID_PATTERN
from applications.views import _network_svg as svg
from applications.views._filters import Chip, chosen, filters
from applications.views._moment import MomentForm, around, written
from applications.views._network import Question
from applications.views._network_drawing import Picture
from applications.views._standing import STANDINGS
from applications.views.contracts import TYPE, ContractPage
from tenants.http.paging import searched

OFFERED = 100  # applications to choose from
NEWEST = 300  # contracts of a side whose applications they are, where none is chosen
STATE = Chip("state", gettext_lazy("State"), [("", gettext_lazy("Not over")), *STANDINGS])


class NetworkPage(ContractPage):
    """A picture and a table at a moment."""

    _kept: tuple[Question, str] | None = None  # what the address of each pair keeps

    def draw(self, asked: Question, *, picture: Picture, **context: Any) -> HttpResponse:
        """The page; ``asked`` is what its picture answers. Two queries."""
        near = around(self.tenant.id, self.readable(), at=asked.at, now=self.at)
        kept = self.kept(asked)
        shown = {
            "filters": self._filters(asked),
            "form": self.form.shown(asked.at, self.at),
            "moment": asked.at,
            "is_now": asked.at == self.at,
            "picture": picture,
            "drawing": svg.drawn(picture),
            "hidden": [(name, kept[name]) for name in ("q", "type", "state") if kept[name]],
            "slider": near.slider,
            **_offered(self.tenant.id, self.readable(), asked.application_id),
            "turns": [
                (name, turn, self.to(asked, at=written(turn))) for name, turn in near.turns.items() if turn
            ],
            "now_url": self.to(asked, at=""),
            "first_step": self._first_step(),
        }
        response = self.render("applications/network.html", {**shown, **context})
        if self.request.headers.get("HX-Request"):
            response["HX-Push-Url"] = self.to(asked)  # without the two numbers of the slider
        return response

    def asked(self, request: HttpRequest, **more: Any) -> Question:
        """What the address asks for; what cannot be read in it asks for nothing."""
        self.form = MomentForm(request.GET)
        kind, application = chosen(request, TYPE), request.GET.get("application", "")
        return Question(
            tenant=self.tenant,
            at=self.form.moment(self.at),
            types=[each for each in self.readable() if kind in ("", each)],
            state=chosen(request, STATE),
            q=searched(request),
            application_id=application if re.fullmatch(ID_PATTERN, application) else "",
            **more,
        )

    def kept(self, asked: Question) -> dict[str, str]:
        """The address in other words."""
        return {
            "q": asked.q,
            "type": chosen(self.request, TYPE),
            "state": asked.state,
            "application": asked.application_id,
            "at": "" if asked.at == self.at else written(asked.at),
        }

    def to(self, asked: Question, **changed: str) -> str:
        """This page with other parameters."""
        return with_query(self.request.path, {**self.kept(asked), **changed})

    def to_pair(self, asked: Question, partner_id: str) -> str:
        """The same moment and filters, between the tenant and one partner."""
        if self._kept is None or self._kept[0] is not asked:
            self._kept = (asked, with_query("", {**self.kept(asked), "q": ""}))
        return address("network-pair", self.slug, partner_id=partner_id) + self._kept[1]

    def to_all(self, asked: Question) -> str:
        """Back to everybody."""
        return with_query(address("network", self.slug), {**self.kept(asked), "q": ""})

    def _first_step(self) -> dict[str, Any] | None:
        """What to do where nothing is shared: a contract needs a partner."""
        if not self.can("OrganizationRelations:add"):
            return None
        return {"label": _("Invite a partner"), "url": self.url("tenants:partner-invite"), "icon": "plus"}

    def _filters(self, asked: Question) -> dict[str, Any]:
        """Search and chips, which keep the moment."""
        drawn = filters(
            self.request, _("Search contracts") if asked.partner_id else _("Search partners"), [TYPE, STATE]
        )
        kept = self.kept(asked)
        drawn["hidden"] = [(name, value) for name, value in kept.items() if value and name != "q"]
        for chip, each in zip((TYPE, STATE), drawn["chips"], strict=True):
            for (value, _words), option in zip(chip.choices, each["options"], strict=True):
                option["url"] = self.to(asked, **{chip.name: value})
        narrowed = {name: "" for name in kept if name != "at"}
        drawn["clear_url"] = self.to(asked, **narrowed) if any(kept[name] for name in narrowed) else None
        return drawn


# From the tenant's contracts to what is in them: asked of each application, all terms of everybody are read.
_OFFERED = """
WITH provided AS MATERIALIZED (
    SELECT id FROM applications_contract WHERE provider_id = %(tenant)s AND type = ANY(%(types)s)
    ORDER BY created_at DESC LIMIT %(newest)s + 1
), received AS MATERIALIZED (
    SELECT id FROM applications_contract
    WHERE consumer_id = %(tenant)s AND type = ANY(%(types)s) AND proposed_at IS NOT NULL
    ORDER BY created_at DESC LIMIT %(newest)s + 1
)
SELECT *, (SELECT count(*) FROM provided) AS provided, (SELECT count(*) FROM received) AS received
FROM applications_application WHERE id = ANY(ARRAY(
    SELECT application_id FROM applications_applicationrole WHERE id = ANY(ARRAY(
        SELECT DISTINCT role_id FROM applications_contractterm WHERE contract_id = ANY(
            ARRAY(SELECT id FROM provided) || ARRAY(SELECT id FROM received))))))
ORDER BY display_name, id LIMIT %(most)s
"""


def _offered(tenant_id: UUID, types: Sequence[str], chosen_id: str) -> dict[str, Any]:
    """Applications that stand in the newest contracts of each side: id, name, whether it is chosen.

    Where one is chosen, in any contract: the choice has to name it. One query.
    """
    newest = None if chosen_id else NEWEST
    values = {"tenant": tenant_id, "types": list(types), "newest": newest, "most": OFFERED}
    found: list[Any] = list(Application.objects.raw(_OFFERED, values))
    bounded = newest is not None and any(max(row.provided, row.received) > newest for row in found)
    return {
        "offered": [(row.id, str(row), row.id == chosen_id) for row in found],
        "offered_of": newest if bounded else None,
    }
