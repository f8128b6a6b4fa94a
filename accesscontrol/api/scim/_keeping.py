"""The acts of the SCIM doors on people and groups, alone or among many of one request.

Each goes through the acts of the console, in one transaction: what they refuse is refused here.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction

from accesscontrol.api.scim._door import Desk, require_version
from accesscontrol.api.scim._rows import PEOPLE, TEAMS, people_of, teams_of, version_of_team
from accesscontrol.scim import patching, people, teams
from accesscontrol.scim.choosing import Chosen
from accesscontrol.scim.people import Person
from accesscontrol.scim.refused import ScimConflict, ScimRefused
from accesscontrol.scim.teams import Team
from iam_portal.errors import NotFound
from tenants import policies
from tenants.actions import deletion, groups, provisioning, rosters, users
from tenants.actions.provisioning import ExternalIdTaken
from tenants.models import Group, Membership, ScimToken, User

_TAKEN = frozenset({"user_username_once", "user_email_once", "group_name_once"})


def create_person(desk: Desk, body: Any) -> dict[str, Any]:
    """Without a password. Somebody inactive is welcomed when he becomes active."""
    wanted = people.read(body)
    email = wanted.email or (wanted.user_name if "@" in wanted.user_name else None)
    if email is None:
        raise ScimRefused("invalidValue", "A person has a mailbox: emails, or a userName that is an address.")
    invites = desk.welcome == ScimToken.Welcome.INVITATION and wanted.active is not False
    act = users.invite if invites else users.make
    with transaction.atomic(), _told_as_scim():
        made = act(
            tenant=desk.tenant,
            username=wanted.user_name,
            email=email,
            display_name=wanted.display_name or wanted.user_name,
            by=desk.by,
            at=desk.at,
        )
        _name_person(desk, made.pk, wanted.external_id)
        if wanted.active is False:
            users.deactivate(tenant=desk.tenant, user_id=made.pk, by=desk.by, at=desk.at)
    return person(desk, made.pk)


def replace_person(desk: Desk, user_id: UUID, body: Any, expected: str | None) -> dict[str, Any]:
    """What a body leaves out of a mailbox and of being active stays."""
    wanted = people.read(body)
    with transaction.atomic(), _told_as_scim():
        _become(desk, _locked_person(desk, user_id, expected), wanted)
    return person(desk, user_id)


def patch_person(desk: Desk, user_id: UUID, body: Any, expected: str | None) -> dict[str, Any]:
    """All of the operations, or none."""
    operations = patching.read(body)
    with transaction.atomic(), _told_as_scim():
        found = _locked_person(desk, user_id, expected)
        external = getattr(found, "external", None)
        document = {
            "username": found.username,
            "displayname": str(found),
            "externalid": external.value if external else None,
            "active": found.is_present,
            "emails": [{"value": found.email, "type": "work", "primary": True}],
        }
        made = patching.patched(document, operations, people.UNKEPT)
        for needed in ("username", "displayname", "emails", "active"):
            if made.get(needed) in (None, "", []):
                raise ScimRefused("mutability", f"A person has {needed}.")
        if "name" in made and made.get("displayname") == document["displayname"]:
            formatted = made["name"].get("formatted")
            made["displayname"] = formatted or made["displayname"]
        _become(desk, found, people.read(made))
    return person(desk, user_id)


def delete_person(desk: Desk, user_id: UUID, expected: str | None) -> None:
    """All that he holds ends for good, as by an administrator; history keeps what the organization keeps."""
    with transaction.atomic():
        _locked_person(desk, user_id, expected)
        deletion.delete(tenant=desk.tenant, user_id=user_id, by=desk.by, at=desk.at)


def person(desk: Desk, user_id: UUID, chosen: Chosen | None = None) -> dict[str, Any]:
    """As he is now, or NotFound."""
    found = people_of(desk).filter(pk=user_id).first()
    if found is None:
        raise NotFound
    return PEOPLE.told(desk, [found], chosen or Chosen())[0]


def create_team(desk: Desk, body: Any) -> dict[str, Any]:
    """A group at the top of the tree, with its members."""
    wanted = teams.read(body)
    with transaction.atomic(), _told_as_scim():
        made = groups.create(tenant=desk.tenant, name=wanted.name or "", by=desk.by, at=desk.at)
        _form(desk, made.pk, wanted)
    return team(desk, made.pk)


def replace_team(desk: Desk, group_id: UUID, body: Any, expected: str | None) -> dict[str, Any]:
    """A body without members leaves them: a rename empties no group."""
    return _change_team(desk, group_id, teams.read(body), expected)


def patch_team(desk: Desk, group_id: UUID, body: Any, expected: str | None) -> dict[str, Any]:
    """All of the operations, or none."""
    return _change_team(desk, group_id, teams.patched(patching.read(body)), expected)


def delete_team(desk: Desk, group_id: UUID, expected: str | None) -> None:
    """With what was given to it. Refused while groups stand below it."""
    with transaction.atomic():
        _locked_team(desk, group_id, expected)
        groups.delete(tenant=desk.tenant, group_id=group_id, by=desk.by, at=desk.at)


def team(desk: Desk, group_id: UUID, chosen: Chosen | None = None) -> dict[str, Any]:
    """As it is now, or NotFound."""
    found = teams_of(desk).filter(pk=group_id).first()
    if found is None:
        raise NotFound
    return TEAMS.told(desk, [found], chosen or Chosen())[0]


def _become(desk: Desk, found: Any, wanted: Person) -> None:
    """From what somebody is to what is wanted. Who leaves, leaves first; who comes back, comes last."""
    of: dict[str, Any] = {"tenant": desk.tenant, "user_id": found.pk, "by": desk.by, "at": desk.at}
    if wanted.active is False and found.is_present:
        users.deactivate(**of)
    users.change(
        **of,
        username=wanted.user_name,
        email=wanted.email,
        display_name=wanted.display_name or wanted.user_name,
    )
    _name_person(desk, found.pk, wanted.external_id)
    if wanted.active and not found.is_present:
        users.reactivate(**of)
        if desk.welcome == ScimToken.Welcome.INVITATION and not found.has_usable_password():
            users.invite_again(**of)


def _name_person(desk: Desk, user_id: UUID, external_id: str) -> None:
    provisioning.name_user(
        tenant=desk.tenant, user_id=user_id, external_id=external_id, by=desk.by, at=desk.at
    )


def _change_team(desk: Desk, group_id: UUID, wanted: Team, expected: str | None) -> dict[str, Any]:
    with transaction.atomic(), _told_as_scim():
        _locked_team(desk, group_id, expected)
        if wanted.name is not None:
            groups.rename(tenant=desk.tenant, group_id=group_id, name=wanted.name, by=desk.by, at=desk.at)
        _form(desk, group_id, wanted)
    return team(desk, group_id)


def _form(desk: Desk, group_id: UUID, wanted: Team) -> None:
    of: dict[str, Any] = {"tenant": desk.tenant, "group_id": group_id, "by": desk.by, "at": desk.at}
    if wanted.external_id is not None:
        provisioning.name_group(**of, external_id=wanted.external_id)
    into, out_of = wanted.into, wanted.out_of
    if wanted.exactly is not None:
        here = set(_member_ids(desk, group_id))
        into, out_of = wanted.exactly - here, here - wanted.exactly
        if len(into) + len(out_of) > teams.MOST_MEMBERS:
            raise ScimRefused("tooMany", f"At most {teams.MOST_MEMBERS} members at once.")
    if into or out_of:
        rosters.change(**of, into=into, out_of=out_of)


def _member_ids(desk: Desk, group_id: UUID) -> list[UUID]:
    rows = Membership.objects.at(desk.at).filter(tenant=desk.tenant, group_id=group_id)
    return list(rows.filter(user__deleted_at=None).values_list("user_id", flat=True))


def _locked_person(desk: Desk, user_id: UUID, expected: str | None) -> Any:
    """Held until the transaction ends, in the version that the caller saw."""
    policies.hold(desk.tenant)
    policies.locked_user(tenant=desk.tenant, user_id=user_id)
    found = people_of(desk).get(pk=user_id)
    require_version(expected, f'W/"r-{found.revision}"')
    return found


def _locked_team(desk: Desk, group_id: UUID, expected: str | None) -> None:
    policies.hold(desk.tenant)
    found = groups.locked(tenant=desk.tenant, group_ids=[group_id], at=desk.at)[group_id]
    if expected is not None:
        members = map(str, _member_ids(desk, group_id))
        require_version(expected, version_of_team(found, members))


@contextmanager
def _told_as_scim() -> Iterator[None]:
    """A name that somebody has is a conflict (RFC 7644 §3.3); what no name can be is a wrong value."""
    try:
        yield
    except ExternalIdTaken as refused:
        raise ScimConflict(refused.detail) from None
    except ValidationError as refused:
        taken = {one.violation_error_message for one in User._meta.constraints if one.name in _TAKEN}
        taken |= {one.violation_error_message for one in Group._meta.constraints if one.name in _TAKEN}
        if any(text in taken for text in refused.messages):
            raise ScimConflict(" ".join(refused.messages)) from None
        raise
