"""The life of a partnership: invite, redeem, confirm, decline, revoke, end.

Locks: both tenants (in order of id) where a pair is compared or parts, then the partnership, then contracts.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from iam_portal.errors import DomainError, Kind, NotFound
from iam_portal.gate import Actor
from iam_portal.sentences import Said, said
from tenants import hashers, policies
from tenants.actions.partners import are_partners, partners_of
from tenants.history import record
from tenants.models import Partnership, Tenant
from tenants.signals import partnership_ended, partnership_moved

__all__ = [
    "are_partners",
    "confirm",
    "decline",
    "end",
    "invite",
    "of",
    "partners_of",
    "preview",
    "redeem",
    "revoke",
    "sides_of",
]
INVITATION_LIFETIME = timedelta(days=14)
State = Partnership.State
_STANDS: dict[str, Said] = {
    State.INVITED: said("Nobody has taken this invitation yet."),
    State.REDEEMED: said("This partnership waits for the inviter's confirmation."),
    State.CONFIRMED: said("This partnership is confirmed."),
    State.DECLINED: said("This partnership is declined."),
    State.ENDED: said("This partnership is ended."),
}
_ONLY: dict[str, Said] = {
    State.INVITED: said("That is possible only while nobody has taken the invitation."),
    State.REDEEMED: said("That is possible only while it waits for the inviter's confirmation."),
    State.CONFIRMED: said("That is possible only while it is confirmed."),
}


class InvitationUnknown(DomainError):
    """Unknown, used, expired, revoked or meant for somebody else: never told apart."""

    code = "invitation_unknown"
    kind = Kind.MISSING


class OwnInvitation(DomainError):
    """An organization cannot be its own partner."""

    code = "own_invitation"


class AlreadyPartners(DomainError):
    """A pair has one partnership at a time."""

    code = "partners_already"


class WrongState(DomainError):
    """The partnership is not in the state that this act needs; ``data`` holds the state."""

    code = "partnership_state"


class NotTheInviter(DomainError):
    """Only the side that invited can confirm who redeemed."""

    code = "not_the_inviter"


def of(tenant: Tenant) -> QuerySet[Partnership]:
    """Every partnership that this tenant may see: its own, and those that it redeemed."""
    return Partnership.objects.filter(Q(inviter=tenant) | Q(invitee=tenant))


def sides_of(tenant: Tenant) -> tuple[QuerySet[Partnership], QuerySet[Partnership]]:
    """The same by side: those that it invited to, and those that it redeemed. No one invites itself."""
    return Partnership.objects.filter(inviter=tenant), Partnership.objects.filter(invitee=tenant)


def invite(
    *, inviter: Tenant, by: Actor, at: datetime, expected: Tenant | str | None = None, note: str = ""
) -> tuple[Partnership, str]:
    """A partnership in its first state, and the value of its single-use link, which is shown this once.

    ``expected`` is the other organization or its address. An address that nobody has is kept alike: such
    a link can be used by nobody, and the inviter does not learn which organizations exist.
    """
    token = hashers.fresh()
    slug = expected.slug if isinstance(expected, Tenant) else expected or ""
    with transaction.atomic():
        named = Tenant.objects.filter(slug=slug).first() if slug else None
        if named is not None:
            policies.hold(inviter, named)
            _require_new_pair(inviter, named)
        partnership = Partnership(
            inviter=inviter,
            expected_slug=slug,
            note=note,
            token_digest=hashers.digest(token),
            invited_at=at,
            invited_by=by.name,
            expires_at=at + INVITATION_LIFETIME,
        )
        partnership.full_clean()
        partnership.save(force_insert=True)
        _record("partnership.invited", partnership, by, at, before=None)
    return partnership, token


def preview(*, token: str, at: datetime, tenant: Tenant | None = None) -> Partnership:
    """The open invitation behind a link: who invites, until when. Changes nothing.

    ``tenant`` is the side that looks, where it is known: a link that expects another is unknown to it.
    """
    found = _open_invitations(at).filter(token_digest=hashers.digest(token)).select_related("inviter").first()
    if found is None or (tenant is not None and found.expected_slug not in ("", tenant.slug)):
        raise InvitationUnknown("This invitation is not known, or no longer open.")
    return found


def redeem(*, token: str, tenant: Tenant, by: Actor, at: datetime) -> Partnership:
    """Use up the link for this tenant. The expected tenant is confirmed at once, any other has to wait."""
    with transaction.atomic():
        inviter = preview(token=token, at=at, tenant=tenant).inviter
        policies.hold(inviter, tenant)
        partnership = (
            _open_invitations(at)
            .select_for_update(of=("self",))
            .filter(token_digest=hashers.digest(token))
            .select_related("inviter")
            .first()
        )
        if partnership is None:  # the other of two who were here at once
            raise InvitationUnknown("This invitation is not known, or no longer open.")
        _require_new_pair(partnership.inviter, tenant)
        partnership.invitee, partnership.state = tenant, State.REDEEMED
        partnership.redeemed_at, partnership.redeemed_by = at, by.name
        _save(partnership)
        _record("partnership.redeemed", partnership, by, at, before=State.INVITED)
        if partnership.expected_slug == tenant.slug:
            _confirm(partnership, by=by, at=at)
    return partnership


def confirm(
    *, tenant: Tenant, partnership_id: UUID, by: Actor, at: datetime, revision: int | None = None
) -> Partnership:
    """The inviter has seen who redeemed, and agrees."""
    with transaction.atomic():
        partnership = _locked(tenant, partnership_id, revision)
        _require(partnership, State.REDEEMED)
        _require_inviter(partnership, tenant)
        _confirm(partnership, by=by, at=at)
    return partnership


def decline(
    *, tenant: Tenant, partnership_id: UUID, by: Actor, at: datetime, revision: int | None = None
) -> Partnership:
    """Either side turns a redeemed invitation down before it is confirmed."""
    with transaction.atomic():
        partnership = _locked(tenant, partnership_id, revision)
        _require(partnership, State.REDEEMED)
        _finish(partnership, State.DECLINED, "partnership.declined", by=by, at=at)
    return partnership


def revoke(
    *, tenant: Tenant, partnership_id: UUID, by: Actor, at: datetime, revision: int | None = None
) -> Partnership:
    """The inviter takes an invitation back that nobody has redeemed."""
    with transaction.atomic():
        partnership = _locked(tenant, partnership_id, revision)
        _require(partnership, State.INVITED)
        _finish(partnership, State.DECLINED, "partnership.revoked", by=by, at=at)
    return partnership


def end(
    *, tenant: Tenant, partnership_id: UUID, by: Actor, at: datetime, revision: int | None = None
) -> Partnership:
    """Either side ends it; what rests on it (contracts) ends in the same transaction."""
    with transaction.atomic():
        known = of(tenant).filter(pk=partnership_id).first()
        if known is not None and known.invitee_id is not None:
            # Acts on contracts lock their tenants first: none of the pair can slip through while we end it.
            policies.hold(known.inviter_id, known.invitee_id)
        partnership = _locked(tenant, partnership_id, revision)
        _require(partnership, State.CONFIRMED)
        _finish(partnership, State.ENDED, "partnership.ended", by=by, at=at)
        partnership_ended.send(sender=Partnership, partnership=partnership, by=by, at=at)
    return partnership


def _confirm(partnership: Partnership, *, by: Actor, at: datetime) -> None:
    partnership.state, partnership.confirmed_at = State.CONFIRMED, at
    _save(partnership)
    _record("partnership.confirmed", partnership, by, at, before=State.REDEEMED)


def _finish(partnership: Partnership, state: str, action: str, *, by: Actor, at: datetime) -> None:
    before, partnership.state, partnership.ended_at = partnership.state, state, at
    _save(partnership)
    _record(action, partnership, by, at, before=before)


def _open_invitations(at: datetime) -> QuerySet[Partnership]:
    return Partnership.objects.filter(state=State.INVITED, expires_at__gt=at)


def _locked(tenant: Tenant, partnership_id: UUID, revision: int | None) -> Partnership:
    rows = of(tenant).select_for_update(of=("self",)).select_related("inviter", "invitee")
    found = rows.filter(pk=partnership_id).first()
    if found is None:
        raise NotFound
    policies.require_revision(found, revision)
    return found


def _require(partnership: Partnership, state: str) -> None:
    if partnership.state != state:
        raise WrongState(
            said("%(stands)s %(possible)s", {"stands": _STANDS[partnership.state], "possible": _ONLY[state]}),
            data={"state": partnership.state},
        )


def _require_inviter(partnership: Partnership, tenant: Tenant) -> None:
    if partnership.inviter_id != tenant.id:
        raise NotTheInviter("Only the organization that invited can confirm.")


def _require_new_pair(inviter: Tenant, other: Tenant) -> None:
    if inviter.pk == other.pk:
        raise OwnInvitation("An organization cannot be its own partner.")
    pair = Q(inviter=inviter, invitee=other) | Q(inviter=other, invitee=inviter)
    if Partnership.objects.filter(pair, state__in=[State.REDEEMED, State.CONFIRMED]).exists():
        raise AlreadyPartners(
            said(
                "%(inviter)s and %(other)s are partners already, or about to be.",
                {"inviter": inviter.name, "other": other.name},
            )
        )


def _save(partnership: Partnership) -> None:
    partnership.revision += 1
    partnership.full_clean()
    partnership.save()


def _record(action: str, partnership: Partnership, by: Actor, at: datetime, *, before: str | None) -> None:
    """For both sides, the invited one only once it is known."""
    sides = [side for side in (partnership.inviter, partnership.invitee) if side is not None]
    record(
        action=action,
        tenants=sides,
        by=by,
        at=at,
        subject=("partnership", partnership.id, " and ".join(side.name for side in sides)),
        before=None if before is None else {"state": str(before)},
        after={"state": str(partnership.state), "tenants": [str(side.id) for side in sides]},
    )
    verb = action.removeprefix("partnership.")
    partnership_moved.send(sender=Partnership, partnership=partnership, verb=verb, at=at)
