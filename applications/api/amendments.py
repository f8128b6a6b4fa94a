"""Amendments of a contract: list, propose or carry out, and the answers of both sides."""

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Q
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from applications import amendment_shapes
from applications.actions import amendment_answers as answers
from applications.actions import amendments, weighing
from applications.actions.changes import Change
from applications.api.contracts import ContractAPI
from applications.models import Amendment, Contract
from applications.policies import amendments_of, either
from applications.serializers.amendments import AmendmentIn, AmendmentOut, AmendmentPage, AnswerIn
from iam_portal.errors import Invalid, NotFound
from iam_portal.gate import Privilege
from tenants.api.impact import done, foreseen
from tenants.creating import creates
from tenants.rest import cursor_of, next_page, page_size, parse_moment, uuid_of, with_revision
from tenants.schema import PAGE
from tenants.serializers.impact import ImpactOut


class AmendmentAPI(ContractAPI):
    """A door below one contract."""

    def amendment(self, contract: Contract, amendment_id: UUID) -> Amendment:
        """One of the contract's, or NotFound."""
        row = contract.amendments.filter(id=amendment_id).first()
        if row is None:
            raise NotFound
        return row

    def shown(self, contract: Contract, amendment_id: UUID, status: int = 200) -> Response:
        """The amendment as it is now, with its revision."""
        row = amendments_of(contract).get(id=amendment_id)
        return with_revision(amendment_shapes.amendment(row, at=self.at), row.revision, status)


class Amendments(AmendmentAPI):
    """What was changed of a contract, or is proposed to be."""

    permissions = {"GET": either(Privilege.READ), "POST": either(Privilege.EXECUTE)}
    recent = frozenset({"POST"})

    @extend_schema(parameters=PAGE, responses=AmendmentPage, operation_id="amendments_list")
    def get(self, request: Request, contract_id: UUID, **kwargs: Any) -> Response:
        """Newest first."""
        rows = amendments_of(self.one(contract_id))
        limit = page_size(request) or 50
        if cursor := cursor_of(request):
            if len(cursor) != 2:
                raise Invalid("The cursor is not one that was given out.")
            before, last = parse_moment(cursor[0], "cursor"), uuid_of(cursor[1], "cursor")
            rows = rows.filter(Q(proposed_at__lt=before) | Q(proposed_at=before, id__lt=last))
        page = list(rows[: limit + 1])
        following = None
        if len(page) > limit:
            last_row = page[limit - 1]
            following = next_page(request, [last_row.proposed_at.isoformat(), str(last_row.id)])
        items = [amendment_shapes.amendment(row, at=self.at) for row in page[:limit]]
        return Response({"items": items, "next": following})

    @creates
    @extend_schema(request=AmendmentIn, responses={201: AmendmentOut}, operation_id="amendments_create")
    def post(self, request: Request, contract_id: UUID, **kwargs: Any) -> Response:
        """Change roles or the end of an accepted contract.

        What only narrows takes effect at once, or at ``at``. What adds a role or moves the end out waits,
        as a whole, for the other side; one amendment of a contract can wait at a time (409
        ``amendment_open``). ``If-Match`` takes the contract's revision, or that of the impact of narrowing,
        which an earlier end needs like every end (428 with the impact otherwise).
        """
        contract = self.one(contract_id)
        self.require_type(contract.type, Privilege.EXECUTE)
        body = self.read(AmendmentIn)
        change = _change(body)

        def do() -> Amendment:
            return amendments.amend(
                tenant=self.tenant,
                contract_id=contract_id,
                change=change,
                by=self.actor,
                at=self.at,
                note=body["note"],
                revision=self.revision(),
            )

        act = weighing.amending(tenant=self.tenant, contract=contract, change=change, at=self.at)
        made = done(self, act, do, required=weighing.shortens(change, contract))
        return self.shown(contract, made.id, status=201)


class AmendmentAct(AmendmentAPI):
    """accept, decline, withdraw."""

    permissions = {"POST": either(Privilege.EXECUTE)}
    recent = frozenset({"POST"})
    recent_acts = frozenset({"accept"})

    acts: ClassVar[dict[str, Callable[..., Amendment]]] = {
        "accept": answers.accept,
        "decline": answers.decline,
        "withdraw": answers.withdraw,
    }

    @extend_schema(request=AnswerIn, responses=AmendmentOut, operation_id="amendments_act")
    def post(
        self, request: Request, contract_id: UUID, amendment_id: UUID, act: str, **kwargs: Any
    ) -> Response:
        """The other side accepts or declines, the proposer withdraws.

        ``If-Match`` takes the amendment's revision, or on accept that of the impact.
        """
        contract = self.one(contract_id)
        self.require_type(contract.type, Privilege.EXECUTE)
        body = self.read(AnswerIn)
        row = self.amendment(contract, amendment_id)

        def do() -> Amendment:
            return self.acts[act](
                tenant=self.tenant,
                contract_id=contract_id,
                amendment_id=amendment_id,
                by=self.actor,
                at=self.at,
                note=body["note"],
                revision=self.revision(),
            )

        if act == "accept":
            weighed = weighing.accepting(tenant=self.tenant, contract=contract, amendment=row, at=self.at)
            done(self, weighed, do, required=False)
        else:
            do()
        return self.shown(contract, amendment_id)


class AmendmentImpact(AmendmentAPI):
    """Accepting an amendment: also what gives can take something away."""

    permissions = {"GET": either(Privilege.EXECUTE)}

    @extend_schema(responses=ImpactOut, operation_id="amendments_impact")
    def get(self, request: Request, contract_id: UUID, amendment_id: UUID, **kwargs: Any) -> Response:
        """Who and what loses something by a yes. Its revision goes into ``If-Match`` of ``accept``."""
        contract = self.one(contract_id)
        self.require_type(contract.type, Privilege.EXECUTE)
        row = self.amendment(contract, amendment_id)
        act = weighing.accepting(tenant=self.tenant, contract=contract, amendment=row, at=self.at)
        ids: dict[str, Any] = {"contract_id": contract_id, "amendment_id": amendment_id}
        return foreseen(act, lambda: answers.accept(tenant=self.tenant, by=self.actor, at=self.at, **ids))


def _change(body: dict[str, Any]) -> Change:
    def roles(name: str) -> list[tuple[str, str]]:
        return [(item["applicationId"], item["role"]) for item in body[name]]

    return Change(
        add=roles("addRoles"),
        remove=roles("removeRoles"),
        moves_end="endsAt" in body,
        ends_at=body.get("endsAt"),
        when=body["at"],
        answer_by=body["answerBy"],
    )
