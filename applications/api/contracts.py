"""Contracts: list, draft, change a draft, and the acts of both sides."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Q, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from applications import rolechanges, shapes
from applications.actions import contracts, drafts, pauses, weighing
from applications.actions.requirements import Tick
from applications.models import Contract, ContractState, ContractType
from applications.policies import RESOURCES, contracts_of, either, sides_of, with_parts
from applications.serializers.contracts import ActIn, ContractIn, ContractOut, ContractPage, ContractPatch
from iam_portal.errors import Invalid, NotFound
from iam_portal.gate import Permission, Privilege, first_yes
from tenants.api.impact import done
from tenants.creating import creates
from tenants.rest import TenantAPI, cursor_of, next_page, page_size, parse_moment, uuid_of, with_revision
from tenants.schema import PAGE, query

SIDE = query("side", "As which side the tenant stands in it.", enum=["provider", "consumer"])
STATE = query("state", "draft, proposed, accepted, declined, withdrawn, lapsed or ended.")
TYPE = query("type", "The type of contract.", enum=list(ContractType.values))


class ContractAPI(TenantAPI):
    """A door whose permission depends on the type of the contract: provision or access."""

    permissions = {"GET": either(Privilege.READ)}

    def require_type(self, type: str, privilege: Privilege) -> None:
        """Forbidden unless the actor holds the privilege on contracts of the type."""
        first_yes(self.may, (Permission(RESOURCES[type], privilege),))

    def readable(self) -> QuerySet[Contract]:
        """The tenant's contracts of the types that the actor may read."""
        return self._rows().filter(type__in=self.readable_types())

    def readable_types(self) -> list[str]:
        """The types of contracts that the actor may read; Forbidden without any."""
        may = self.may
        types = [type.value for type in ContractType if may(Permission(RESOURCES[type], Privilege.READ))]
        if not types:
            self.require_type(ContractType.PROVISION, Privilege.READ)
        return types

    def one(self, contract_id: UUID) -> Contract:
        """A contract of the tenant that the actor may read, or NotFound."""
        row = self.readable().filter(id=contract_id).first()
        if row is None:
            raise NotFound
        return row

    def answer(self, contract_id: UUID, status: int = 200) -> Response:
        """The contract as it is now, with its revision."""
        found = self._rows().get(id=contract_id)
        return with_revision(shapes.contract(found, at=self.at), found.revision, status)

    def _rows(self) -> QuerySet[Contract]:
        tenant_id = self.kwargs["tenant_id"]
        rows = with_parts(contracts_of(tenant_id))
        return rolechanges.counted(rows, tenant_id=tenant_id, at=self.at)


class Contracts(ContractAPI):
    """The contracts of the tenant, on either side."""

    permissions = {"GET": either(Privilege.READ), "POST": either(Privilege.ADD)}

    @extend_schema(
        parameters=[*PAGE, SIDE, STATE, TYPE], responses=ContractPage, operation_id="contracts_list"
    )
    def get(self, request: Request, **kwargs: Any) -> Response:
        """``side=provider|consumer``, ``state=``, ``type=`` narrow the list; newest first."""
        tenant_id, wanted = self.kwargs["tenant_id"], Q(type__in=self.readable_types())
        limit = page_size(request) or 50
        if cursor := cursor_of(request):
            if len(cursor) != 2:
                raise Invalid("The cursor is not one that was given out.")
            before, last = parse_moment(cursor[0], "cursor"), cursor[1]
            wanted &= Q(created_at__lt=before) | Q(created_at=before, id__lt=uuid_of(last, "cursor"))
        sides = [_narrow(rows.filter(wanted), request, tenant_id, self.at) for rows in sides_of(tenant_id)]
        page = list(self._rows().filter(id__in=_newest(sides, limit + 1)).order_by("-created_at", "-id"))
        items = [shapes.contract(row, at=self.at) for row in page[:limit]]
        more = len(page) > limit
        last_row = page[limit - 1] if more else None
        following = (
            next_page(request, [last_row.created_at.isoformat(), str(last_row.id)]) if last_row else None
        )
        return Response({"items": items, "next": following})

    @creates
    @extend_schema(request=ContractIn, responses={201: ContractOut})
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Draft a contract as its provider. The consumer sees nothing of it before it is proposed."""
        body = self.read(ContractIn)
        self.require_type(body["type"], Privilege.ADD)
        made = contracts.draft(
            provider=self.tenant,
            consumer_id=body["consumerTenantId"],
            offer=_offer(body, body["type"], None),
            by=self.actor,
            at=self.at,
        )
        return self.answer(made.id, status=201)


class OneContract(ContractAPI):
    """One contract."""

    permissions = {"GET": either(Privilege.READ), "PATCH": either(Privilege.MODIFY)}

    @extend_schema(responses=ContractOut, operation_id="contracts_read")
    def get(self, request: Request, contract_id: UUID, **kwargs: Any) -> Response:
        """As this tenant sees it."""
        row = self.one(contract_id)
        return with_revision(shapes.contract(row, at=self.at), row.revision)

    @extend_schema(request=ContractPatch, responses=ContractOut)
    def patch(self, request: Request, contract_id: UUID, **kwargs: Any) -> Response:
        """Change a draft; what is left out stays."""
        row = self.one(contract_id)
        self.require_type(row.type, Privilege.MODIFY)
        body = self.read(ContractPatch)
        contracts.edit(
            tenant=self.tenant,
            contract_id=contract_id,
            offer=_offer(body, row.type, row),
            by=self.actor,
            at=self.at,
            revision=self.revision(),
        )
        return self.answer(contract_id)


class ContractAct(ContractAPI):
    """propose, accept, decline, withdraw, pause, resume, end."""

    permissions = {"POST": either(Privilege.EXECUTE)}
    recent = frozenset({"POST"})
    recent_acts = frozenset({"propose", "accept", "end"})

    acts: ClassVar[dict[str, Callable[..., Contract]]] = {
        "propose": contracts.propose,
        "accept": contracts.accept,
        "decline": contracts.decline,
        "withdraw": contracts.withdraw,
        "pause": pauses.pause,
        "resume": pauses.resume,
        "end": contracts.end,
    }

    @extend_schema(request=ActIn, responses=ContractOut, operation_id="contracts_act")
    def post(self, request: Request, contract_id: UUID, act: str, **kwargs: Any) -> Response:
        """Optional body ``{"at", "until", "note"}``: pause and end can be planned.

        ``end`` needs the revision of its impact in ``If-Match`` (428 with the impact otherwise); ``pause``
        takes one. 412 when the world moved since it was shown.
        """
        row = self.one(contract_id)
        self.require_type(row.type, Privilege.EXECUTE)
        body = self.read(ActIn)
        planned: dict[str, Any] = {}
        if act in ("pause", "end"):
            planned["when"] = body["at"]
        elif body["at"] is not None:
            raise Invalid(f"{act} happens now; it takes no moment.")
        if act == "pause":
            planned["until"] = body["until"]
        elif body["until"] is not None:
            raise Invalid(f"{act} takes no until.")
        if act == "accept":
            planned["required"] = _ticks(body)
        elif body["requiredRoles"]:
            raise Invalid(f"{act} gives no required roles.")

        def do() -> Contract:
            return self.acts[act](
                tenant=self.tenant,
                contract_id=contract_id,
                by=self.actor,
                at=self.at,
                note=body["note"],
                revision=self.revision(),
                **planned,
            )

        if "when" in planned:  # these take something away; an end cannot be taken back
            weighed = weighing.stopping(act, tenant=self.tenant, contract=row, at=self.at, **planned)
            done(self, weighed, do, required=act == "end")
        else:
            do()
        return self.answer(contract_id)


class PlannedPause(ContractAPI):
    """A pause that has not begun."""

    permissions = {"DELETE": either(Privilege.EXECUTE)}

    @extend_schema(responses={200: ContractOut})
    def delete(self, request: Request, contract_id: UUID, pause_id: int, **kwargs: Any) -> Response:
        """Take it back; the contract as it is then. ``If-Match`` takes the contract's revision."""
        row = self.one(contract_id)
        self.require_type(row.type, Privilege.EXECUTE)
        pauses.cancel(
            tenant=self.tenant,
            contract_id=contract_id,
            pause_id=pause_id,
            by=self.actor,
            at=self.at,
            revision=self.revision(),
        )
        return self.answer(contract_id)


def _offer(body: dict[str, Any], type: str, row: Contract | None) -> drafts.Offer:
    """The offer of the body over what the draft holds."""

    def pick(key: str, column: str, default: Any) -> Any:
        return body.get(key, getattr(row, column) if row is not None else default)

    if "roles" in body:
        roles = [(item["applicationId"], item["role"]) for item in body["roles"]]
    else:
        roles = [(term.role.application_id, term.role.key) for term in row.terms.all()] if row else []
    return drafts.Offer(
        type=type,
        roles=roles,
        starts_at=pick("startsAt", "starts_at", None),
        ends_at=pick("endsAt", "ends_at", None),
        answer_by=pick("answerBy", "answer_by", None),
        onward_access=pick("onwardAccess", "onward_access", False),
        note=pick("note", "note", ""),
    )


def _ticks(body: dict[str, Any]) -> list[Tick]:
    return [
        Tick(item["applicationId"], item["requires"]["applicationId"], item["requires"]["role"])
        for item in body["requiredRoles"]
    ]


def _narrow(rows: QuerySet[Contract], request: Request, tenant_id: UUID, at: datetime) -> QuerySet[Contract]:
    side = request.query_params.get("side")
    if side not in (None, "provider", "consumer"):
        raise Invalid("side is provider or consumer.")
    if side is not None:
        rows = rows.filter(**{f"{side}_id": tenant_id})
    if type := request.query_params.get("type"):
        if type not in ContractType.values:
            raise Invalid("type is provision or access.")
        rows = rows.filter(type=type)
    state = request.query_params.get("state")
    return rows if state is None else in_state(rows, state, at)


def _newest(sides: Iterable[QuerySet[Contract]], most: int) -> list[UUID]:
    """Of both sides together, from the newest of each."""
    found = [
        key
        for rows in sides
        for key in rows.order_by("-created_at", "-id").values_list("created_at", "id")[:most]
    ]
    return [pk for _, pk in sorted(found, reverse=True)[:most]]


def in_state(rows: QuerySet[Contract], state: str, at: datetime) -> QuerySet[Contract]:
    """Contracts in a state as :func:`shapes.state` computes it."""
    over = Q(ends_at__lte=at)
    unanswered = over | Q(answer_by__lte=at)
    if state == "ended":
        return rows.filter(over, state=ContractState.ACCEPTED)
    if state == "accepted":
        return rows.filter(state=ContractState.ACCEPTED).exclude(over)
    if state == "lapsed":
        return rows.filter(unanswered & Q(state=ContractState.PROPOSED) | Q(state=ContractState.LAPSED))
    if state == "proposed":
        return rows.filter(state=ContractState.PROPOSED).exclude(unanswered)
    if state not in ContractState.values:
        raise Invalid("state is one of draft, proposed, accepted, declined, withdrawn, lapsed, ended.")
    return rows.filter(state=state)
