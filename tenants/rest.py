"""The shared ground of the REST views: scope, moment, actor, strict input, pages, revisions."""

import base64
import binascii
import json
import re
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any, ClassVar, cast
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.http import HttpResponseBase
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.module_loading import import_string
from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response

from iam_portal.errors import Forbidden, Invalid, NotFound
from iam_portal.gate import Actor, Answers, gate
from iam_portal.replying import Replying
from iam_portal.walls import tenant_scope
from tenants import history
from tenants.actions import proving
from tenants.models import Tenant, UserSession

MOST = 500
_IMPACT = re.compile(r"i-[0-9a-f]{32}")
_ROW = re.compile(r"r-[0-9]{1,9}")
DEFAULT = 50


class TenantAPI(Replying):
    """A door below ``/tenants/{tenantId}/``.

    Each method's permission stands in ``permissions``; the permission class of the settings asks it in
    the tenant of the path, which must be the actor's. The handler runs in one transaction that sees the
    rows of that tenant only.
    """

    from_replica: ClassVar[bool] = True  # a replica that has all that the primary has
    permissions: ClassVar[dict[str, str]] = {}
    recent: ClassVar[frozenset[str]] = frozenset()  # methods for which a person proves again who he is …
    recent_acts: ClassVar[frozenset[str]] = frozenset()  # … of a door for several acts, for these only
    takes_row: ClassVar[bool] = True  # whether ``If-Match`` may name the revision of a row here
    answers: Answers | None = None  # what the door has read of the caller
    takes_impact = False  # set by an act that may name the revision of an impact instead
    request: Request

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.at = timezone.now()
        self._refusal: Exception | None = None
        self._tenant: Tenant | None = None
        for each in self.get_authenticators():
            if hasattr(each, "beforehand"):  # what it keeps of this request, no refusal takes back
                each.beforehand(request)
        # The scope begins the transaction, and its setting ends with that; inside another: a savepoint.
        inside = transaction.atomic() if connection.in_atomic_block else nullcontext()
        with inside, tenant_scope(kwargs["tenant_id"]):
            response = super().dispatch(request, *args, **kwargs)
        refusal, self._refusal = self._refusal, None
        if refusal is not None:  # the act is rolled back, its refusal stays
            self._record(refusal)
        return response

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """A person's browser must have proved lately who uses it; services show a fresh token each time."""
        super().initial(request, *args, **kwargs)
        if isinstance(request.auth, UserSession) and request.auth.tenant_id == kwargs["tenant_id"]:
            self._tenant = request.auth.tenant
        asked = request.method in self.recent and (
            not self.recent_acts or kwargs.get("act") in self.recent_acts
        )
        session = request.auth if asked else None
        if isinstance(session, UserSession) and not proving.is_recent(session=session, at=self.at):
            raise proving.ProofNeeded("Give your password or passkey again in the console, then repeat this.")

    def _record(self, refusal: Exception) -> None:
        if isinstance(refusal, Forbidden) and self.request.method not in SAFE_METHODS:
            match = self.request.resolver_match
            door = f"{self.request.method} {match.view_name if match else ''}"
            tenant_id = self.kwargs["tenant_id"]
            history.note_door(refusal, door=door, tenant_id=tenant_id, by=self.actor, at=self.at)
        history.record_refusal(refusal)

    def handle_exception(self, exc: Exception) -> Response:
        self._refusal = exc
        transaction.set_rollback(True)  # an error after an act undoes the act: the answer must be true
        return super().handle_exception(exc)

    @property
    def actor(self) -> Actor:
        """Who calls."""
        return cast(Actor, self.request.user.actor)  # type: ignore[union-attr]

    @property
    def tenant(self) -> Tenant:
        """The tenant of the path, which is the actor's. Where only questions are asked, read once."""
        if self._tenant is not None and self.request.method in SAFE_METHODS:
            return self._tenant
        self._tenant = Tenant.objects.filter(id=self.kwargs["tenant_id"]).first()
        if self._tenant is None:
            raise NotFound
        return self._tenant

    @property
    def may(self) -> Answers:
        """What the caller may here. Where only questions are asked, as the door has read it."""
        if self.answers is not None and self.request.method in SAFE_METHODS:
            return self.answers
        return gate().answers(actor=self.actor, tenant_id=self.kwargs["tenant_id"], at=self.at)

    def read(self, serializer: type[serializers.Serializer[Any]], **options: Any) -> dict[str, Any]:
        """The body, validated; wrong types and unknown fields are refused."""
        made = serializer(data=self.request.data, context={"request": self.request}, **options)
        made.is_valid(raise_exception=True)
        return dict(made.validated_data)

    def moment(self, name: str = "at") -> datetime:
        """The moment that the query asks about; now, when it asks about none."""
        text = self.request.query_params.get(name)
        return self.at if text is None else parse_moment(text, name)

    def revision(self) -> int | None:
        """The row revision of ``If-Match`` (``"r-7"``), if one was sent; Invalid for what is not taken."""
        bare = self._if_match()
        if bare is None or (self.takes_impact and _IMPACT.fullmatch(bare)):
            return None
        if not self.takes_row or not _ROW.fullmatch(bare):
            wanted = ' like "r-7"' if self.takes_row else ""
            other = ", or that of its impact" if self.takes_impact else ""
            raise Invalid(f"If-Match takes a revision{wanted}{other}.")
        return int(bare[2:])

    def impact_revision(self) -> str | None:
        """The revision of an impact in ``If-Match`` (``"i-…"``), if one was sent; no row's."""
        self.takes_impact = True
        return None if self.revision() is not None else self._if_match()

    def _if_match(self) -> str | None:
        text = self.request.headers.get("If-Match")
        return None if text is None else text.strip().removeprefix("W/").strip('"')


class OwnApplicationAPI(Replying):
    """A door below ``/application/``: the calling application about itself.

    It takes the application's own credentials as well as its service token; the setting names the class,
    which stands above this layer.
    """

    permission = "own-application"
    request: Request

    def get_authenticators(self) -> list[BaseAuthentication]:
        return [import_string(settings.IAM_APPLICATION_AUTHENTICATION)()]

    @property
    def application_id(self) -> str:
        """The calling application."""
        return str(self.request.user.application.id)  # type: ignore[union-attr]


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses what it does not know: a misspelt field is an error, not a surprise. A number is no text."""

    refuses_unknown: ClassVar[bool] = True  # said in the description of the API

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            unknown = sorted(set(map(str, data)) - set(self.fields))
            if unknown:
                raise serializers.ValidationError(
                    dict.fromkeys(unknown, "This field is not known."), "unknown"
                )
            numbers = [name for name, field in self.fields.items() if _is_number(field, data.get(name))]
            if numbers:
                raise serializers.ValidationError(dict.fromkeys(numbers, "This is no text."), "invalid")
        return super().to_internal_value(data)


def _is_number(field: serializers.Field[Any, Any, Any, Any], value: Any) -> bool:
    """Where text is asked for: the framework would write it out."""
    return isinstance(field, serializers.CharField) and isinstance(value, int | float)


class NothingIn(StrictSerializer):
    """A body for acts that take nothing: empty, or an empty object."""


def parse_moment(text: str, name: str) -> datetime:
    """An RFC 3339 moment with its offset, in UTC; Invalid otherwise."""
    try:
        moment = parse_datetime(text.replace(" ", "+"))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise Invalid(f"{name} takes a moment like 2027-03-01T00:00:00Z.")
    try:
        return moment.astimezone(UTC)
    except (OverflowError, ValueError) as error:
        raise Invalid(f"{name} is out of range.") from error


def switch(request: Request, name: str) -> bool:
    """A parameter that is ``true`` or ``false`` (when left out); Invalid for anything else."""
    text = request.query_params.get(name, "false")
    if text not in ("true", "false"):
        raise Invalid(f"{name} is true or false.")
    return text == "true"


def searched(request: Request) -> str:
    """``search`` of the query: what no row can hold is left out."""
    return request.query_params.get("search", "")[:200].replace("\x00", "").strip()


def named(request: Request, name: str) -> str:
    """A name or id that a filter compares; Invalid for what no row can hold."""
    text = request.query_params.get(name, "")
    if not text.isprintable():
        raise Invalid(f"{name} takes printable characters.")
    return text


def is_number(text: str) -> bool:
    """Digits of ASCII: ``str.isdigit`` also takes what ``int`` refuses."""
    return text.isascii() and text.isdigit()


def page_size(request: Request, *, default: int | None = DEFAULT) -> int | None:
    """``limit`` of the query, at most 500; the default when it is not sent."""
    text = request.query_params.get("limit")
    if text is None:
        return default
    if not is_number(text) or not 1 <= int(text[:6]) <= MOST:
        raise Invalid(f"limit is a number from 1 to {MOST}.")
    return int(text)


def cursor_of(request: Request) -> list[str] | None:
    """The position that ``cursor`` stands for: the sort key of the last row seen."""
    text = request.query_params.get("cursor")
    if text is None:
        return None
    try:
        values = json.loads(base64.urlsafe_b64decode(text.encode("ascii") + b"=="))
    except (ValueError, binascii.Error, UnicodeError, RecursionError) as error:
        raise Invalid("The cursor is not one that was given out.") from error
    if not isinstance(values, list) or not values:
        raise Invalid("The cursor is not one that was given out.")
    if not all(isinstance(value, str) and value.isprintable() for value in values):
        raise Invalid("The cursor is not one that was given out.")
    return values


def next_page(request: Request, key: Sequence[str]) -> str:
    """The address of the next page, all else as asked."""
    raw = base64.urlsafe_b64encode(json.dumps(list(key)).encode()).decode().rstrip("=")
    query = request.query_params.copy()
    query["cursor"] = raw
    return f"{request.path}?{query.urlencode()}"


def knows(request: Request, etag: str) -> bool:
    """Whether the caller has it (RFC 9110 §13.1.2: compared weakly, as proxies that compress weaken tags)."""
    header = request.headers.get("If-None-Match", "")
    known = {tag.strip().removeprefix("W/") for tag in header.split(",")}
    return etag in known or known == {"*"}


def with_revision(body: Any, revision: int, status: int = 200) -> Response:
    """An answer with the row's ETag."""
    return Response(body, status=status, headers={"ETag": f'"r-{revision}"'})


def uuid_of(text: str, name: str) -> UUID:
    """A UUID from a query or body; Invalid otherwise."""
    try:
        return UUID(text)
    except ValueError as error:
        raise Invalid(f"{name} is not a UUID.") from error
