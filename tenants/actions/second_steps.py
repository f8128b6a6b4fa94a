"""The ways to the end of a sign-in with a second factor, and the one that needs no password at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn

from django.db import transaction

from iam_portal.errors import DomainError, Kind
from iam_portal.walls import tenant_scope
from tenants import policies
from tenants.actions import apps, came_by, factors, guesses, passkeys, recovery, steps
from tenants.actions.came_by import Vouched
from tenants.actions.challenges import Purpose
from tenants.actions.entering import CODE, MULTIPLE, PASSWORD, Origin, SignedIn, enter
from tenants.actions.passkeys import Answer
from tenants.actions.steps import StepOver
from tenants.models import SignInStep, Tenant, User, UserSession


class CodeRefused(DomainError):
    """Wrong, used, of another moment: never told apart."""

    code = "code_refused"
    kind = Kind.FORBIDDEN


@dataclass(frozen=True, slots=True)
class Coming:
    """A browser on its way in: whose organization, the value of its step, its live session if it has one."""

    tenant: Tenant
    token: str
    former: UserSession | None
    origin: Origin
    at: datetime


def by_code(coming: Coming, *, code: str) -> SignedIn:
    """With the code of an app, or one of the recovery codes."""
    at, tenant = coming.at, coming.tenant
    with tenant_scope(tenant.id):
        step = steps.resolve(tenant=tenant, token=coming.token, at=at)
        if step is None:
            raise _over()
        user = step.user
    of_app = apps.is_code(code)
    if of_app:  # in a transaction of its own: a refusal stays counted
        guesses.count(user=user, by=coming.origin.actor(user), at=at)
    with _whole(tenant):
        came = _came(step)
        user = steps.take(tenant=tenant, token=coming.token, at=at)
        by = coming.origin.actor(user)
        right = (
            apps.use(user=user, code=code, at=at)
            if of_app
            else recovery.use(user=user, code=code, by=by, at=at)
        )
        if not right or not steps.has_factor(user):
            raise CodeRefused("This code is wrong, or was used already.")
        if of_app:
            guesses.forget(user=user, by=by, at=at)
        return _enter(user, [CODE, MULTIPLE], coming, came)


def by_passkey(coming: Coming, *, answer: Answer) -> SignedIn:
    """With one of the person's own passkeys, after his password."""
    with _whole(coming.tenant):
        step = steps.resolve(tenant=coming.tenant, token=coming.token, at=coming.at)
        came = _came(step)
        user = steps.take(tenant=coming.tenant, token=coming.token, at=coming.at)
        found = passkeys.prove(
            tenant=coming.tenant,
            answer=answer,
            purpose=Purpose.STEP,
            bound_to=step.pk if step else "",
            at=coming.at,
            user=user,
        )
        return _enter(user, passkeys.methods(found), coming, came)


def by_new_app(coming: Coming, *, sealed: str, code: str, name: str) -> tuple[SignedIn, list[str]]:
    """Who has to have a factor and has none sets one up. With the recovery codes, shown once."""
    with _whole(coming.tenant):
        user, came = _setting_up(coming)
        by, at = coming.origin.actor(user), coming.at
        added = factors.add_app(user=user, sealed=sealed, code=code, name=name, by=by, at=at)
        return _enter(user, [CODE, MULTIPLE], coming, came), added.codes


def by_new_passkey(coming: Coming, *, answer: Answer, name: str) -> tuple[SignedIn, list[str]]:
    """The same with a passkey."""
    with _whole(coming.tenant):
        step = steps.resolve(tenant=coming.tenant, token=coming.token, at=coming.at)
        user, came = _setting_up(coming)
        by, at = coming.origin.actor(user), coming.at
        bound_to = step.pk if step else ""
        added = factors.add_passkey(user=user, answer=answer, bound_to=bound_to, name=name, by=by, at=at)
        assert isinstance(added.factor, passkeys.Passkey)
        return _enter(user, passkeys.methods(added.factor), coming, came), added.codes


def without_password(coming: Coming, *, answer: Answer) -> SignedIn:
    """With a passkey that the browser knows, and its owner verified: two factors in one."""
    tenant, at = coming.tenant, coming.at
    with _whole(tenant):
        found = passkeys.prove(tenant=tenant, answer=answer, purpose=Purpose.SIGN_IN, bound_to="", at=at)
        here = policies.present(tenant_id=tenant.id, at=at).select_related("tenant")
        user = here.filter(pk=found.user_id).first()
        if user is None:
            raise passkeys.refusal()
        methods, former = passkeys.methods(found), coming.former
        return enter(user=user, former=former, methods=methods, origin=coming.origin, at=at)


def without_organization(*, slug: str, answer: Answer, at: datetime) -> NoReturn:
    """The same where there is no organization: refused after the same statements, in the platform's scope."""
    stand_in = Tenant.objects.filter(is_platform=True).first()
    if stand_in is None:  # an installation without any tenant
        raise passkeys.refusal()
    with _whole(stand_in):
        passkeys.prove_nothing(tenant=stand_in, given_to=slug, answer=answer, purpose=Purpose.SIGN_IN, at=at)


@contextmanager
def _whole(tenant: Tenant) -> Iterator[None]:
    """A refusal takes all of it back, also inside an outer transaction: the step is still there."""
    with tenant_scope(tenant.id), transaction.atomic():
        yield


def _setting_up(coming: Coming) -> tuple[User, Vouched | None]:
    """Never for who has a factor: the password alone must not add another one."""
    came = _came(steps.resolve(tenant=coming.tenant, token=coming.token, at=coming.at))
    user = steps.take(tenant=coming.tenant, token=coming.token, at=coming.at)
    if steps.has_factor(user):
        raise _over()
    return user, came


def _came(step: SignInStep | None) -> Vouched | None:
    """By which provider, if by one; it is asked anew whether it is trusted, and locked before the person."""
    came = came_by.of_step(step)
    if came and not came_by.trusted(came.provider):
        raise _over()
    return came


def _enter(user: User, methods: list[str], coming: Coming, came: Vouched | None) -> SignedIn:
    """In, after the password, or the word of a provider, and this second factor."""
    if came and not came.provider.links.filter(user=user, subject=came.subject).exists():
        raise _over()
    first = came.first_methods if came else [PASSWORD]
    origin, at = coming.origin, coming.at
    entered = enter(user=user, former=coming.former, methods=[*first, *methods], origin=origin, at=at)
    return came_by.note(entered, came, proved_here=True, at=at) if came else entered


def _over() -> StepOver:
    return StepOver("This sign-in took too long, or was finished elsewhere. Begin again.")
