"""Rows as SCIM resources: how they are found, with all that is told of them in a fixed number of queries."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Exists, F, Func, OuterRef, Q, QuerySet
from django.db.models.functions import Lower

from accesscontrol.api.scim._asking import (
    NOBODY,
    Columns,
    constant,
    exact,
    folded,
    identity,
    moment,
    truth,
)
from accesscontrol.api.scim._door import Desk
from accesscontrol.scim import people, teams
from accesscontrol.scim.choosing import Chosen
from accesscontrol.scim.filters import Compare
from accesscontrol.scim.refused import ScimRefused
from iam_portal.decision import rfc3339
from tenants.models import Group, Membership, UserActivity

MOST_MEMBERS = 20_000  # of all groups of one answer


@dataclass(frozen=True, slots=True)
class Kind:
    """What the doors of people and of groups do alike: find, order, tell."""

    name: str
    rows: Callable[[Desk], QuerySet[Any]]
    columns: Callable[[Desk], Columns]
    told: Callable[[Desk, Sequence[Any], Chosen], list[dict[str, Any]]]


def people_of(desk: Desk) -> QuerySet[Any]:
    """With ``is_present``: whether somebody is active at the moment."""
    present = UserActivity.objects.at(desk.at).filter(user=OuterRef("pk"))
    return desk.tenant.users.annotate(is_present=Exists(present)).select_related("external")


def teams_of(desk: Desk) -> QuerySet[Any]:
    """The living ones."""
    rows: QuerySet[Any] = Group.objects.at(desk.at).filter(tenant=desk.tenant)
    began = Func(F("during"), function="lower")
    return rows.annotate(began=began).select_related("external")


def _columns_of_people(desk: Desk) -> Columns:
    in_group = _through(desk, "user", "group_id")
    shown = folded("display_name")
    address = folded("email")
    conditions = {
        "id": identity("pk"),
        "username": folded("username"),
        "externalid": exact("external__value"),
        "displayname": shown,
        "name.formatted": shown,
        "emails": address,
        "emails.value": address,
        "emails.type": constant("work"),
        "emails.primary": constant(True),
        "active": truth("is_present"),
        "groups": in_group,
        "groups.value": in_group,
        "meta.created": moment("created_at"),
        "meta.resourcetype": constant("User"),
    }
    orders = {"id": "pk", "username": Lower("username"), "displayname": Lower("display_name")}
    orders |= {"name.formatted": Lower("display_name"), "emails.value": Lower("email")}
    orders |= {"emails": Lower("email"), "meta.created": F("created_at"), "externalid": F("external__value")}
    return Columns(conditions, orders)


def _columns_of_teams(desk: Desk) -> Columns:
    holding = _through(desk, "group", "user_id")
    conditions = {
        "id": identity("pk"),
        "displayname": folded("name"),
        "externalid": exact("external__value"),
        "members": holding,
        "members.value": holding,
        "members.type": constant("User"),
        "meta.created": moment("began"),
        "meta.resourcetype": constant("Group"),
    }
    orders = {"id": F("pk"), "displayname": Lower("name"), "meta.created": F("began")}
    return Columns(conditions, {**orders, "externalid": F("external__value")})


def _through(desk: Desk, side: str, other: str) -> Any:
    """In which group somebody is, or who is in a group: by one id."""

    def condition(one: Compare) -> Q:
        rows = Membership.objects.at(desk.at).filter(tenant=desk.tenant, **{f"{side}_id": OuterRef("pk")})
        if one.operator == "pr":
            return Q(Exists(rows))
        if one.operator not in ("eq", "ne") or not isinstance(one.value, str):
            raise ScimRefused("invalidFilter", f"{one.path} is not compared in this way.")
        try:
            found = Q(Exists(rows.filter(**{other: UUID(one.value)})))
        except ValueError:
            found = NOBODY
        return ~found if one.operator == "ne" else found

    return condition


def _told_people(desk: Desk, rows: Sequence[Any], chosen: Chosen) -> list[dict[str, Any]]:
    groups: dict[UUID, list[dict[str, str]]] = defaultdict(list)
    if chosen.wants("groups"):
        for row in _memberships(desk).filter(user__in=rows).order_by(Lower("group__name")):
            where = f"{desk.base}/Groups/{row.group_id}"
            told = {"value": str(row.group_id), "$ref": where, "display": row.group.name, "type": "direct"}
            groups[row.user_id].append(told)
    alone = {"primary": True} if chosen.names("emails.primary") else {}
    return [_person(desk, row, groups[row.pk], alone) for row in rows]


def _person(desk: Desk, row: Any, groups: list[dict[str, str]], alone: dict[str, bool]) -> dict[str, Any]:
    version = f'W/"r-{row.revision}"'
    return {
        "schemas": [people.SCHEMA],
        "id": str(row.pk),
        **_external(row),
        "userName": row.username,
        "name": {"formatted": str(row)},
        "displayName": str(row),
        "emails": [{"value": row.email, "type": "work", **alone}],
        "active": row.is_present,
        **({"groups": groups} if groups else {}),
        "meta": _meta(desk, "User", row.pk, rfc3339(row.created_at), version),
    }


def _told_teams(desk: Desk, rows: Sequence[Any], chosen: Chosen) -> list[dict[str, Any]]:
    members: dict[UUID, list[dict[str, str]]] = defaultdict(list)
    wanted = chosen.wants("members") or chosen.wants("meta")
    found: Any = _memberships(desk).filter(group__in=rows).order_by(Lower("user__username")) if wanted else []
    if len(rows) > 1 and wanted:
        found = list(found[: MOST_MEMBERS + 1])
        if len(found) > MOST_MEMBERS:
            raise ScimRefused("tooMany", "Too many members: ask with excludedAttributes=members,meta.")
    for row in found:
        where = f"{desk.base}/Users/{row.user_id}"
        told = {"value": str(row.user_id), "$ref": where, "type": "User"}
        if chosen.names("members.display"):
            told["display"] = str(row.user)
        members[row.group_id].append(told)
    return [_team(desk, row, members[row.pk]) for row in rows]


def _team(desk: Desk, row: Any, members: list[dict[str, str]]) -> dict[str, Any]:
    version = version_of_team(row, (each["value"] for each in members))
    return {
        "schemas": [teams.SCHEMA],
        "id": str(row.pk),
        **_external(row),
        "displayName": row.name,
        **({"members": members} if members else {}),
        "meta": _meta(desk, "Group", row.pk, rfc3339(row.during.lower), version),
    }


def version_of_team(row: Any, member_ids: Iterable[str]) -> str:
    """Its own revision, and who is in it: a membership moves no revision of the group."""
    digest = hashlib.sha256(" ".join(sorted(member_ids)).encode()).hexdigest()[:16]
    return f'W/"r-{row.revision}-{digest}"'


def _external(row: Any) -> dict[str, str]:
    found = getattr(row, "external", None)
    return {} if found is None else {"externalId": found.value}


def _meta(desk: Desk, kind: str, row_id: UUID, created: str | None, version: str) -> dict[str, Any]:
    where = f"{desk.base}/{kind}s/{row_id}"
    return {"resourceType": kind, "created": created, "location": where, "version": version}


def _memberships(desk: Desk) -> QuerySet[Any]:
    rows: QuerySet[Any] = Membership.objects.at(desk.at).filter(tenant=desk.tenant)
    return rows.filter(user__deleted_at=None, group__during__contains=desk.at).select_related("user", "group")


PEOPLE = Kind("User", people_of, _columns_of_people, _told_people)
TEAMS = Kind("Group", teams_of, _columns_of_teams, _told_teams)
KINDS = (PEOPLE, TEAMS)
