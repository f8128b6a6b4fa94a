"""Scheduled work: each task calls one action. The schedule stands in settings."""

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from accesscontrol.actions import mirrors, purge, rotation, watch
from accesscontrol.oauth import logout_tokens


@shared_task(name="accesscontrol.watch_boundaries")
def watch_boundaries() -> None:
    """Each minute: assignments that began or ended by plan."""
    watch.run(at=timezone.now())


@shared_task(name="accesscontrol.purge_sign_ins")
def purge_sign_ins() -> None:
    """Each minute: codes, tokens and sign-ins that are over, a thousand in a transaction."""
    purge.run(at=timezone.now())


@shared_task(name="accesscontrol.tell_logouts")
def tell_logouts() -> None:
    """Every few seconds: applications hear that a person's sign-in is over."""
    logout_tokens.start(clock=timezone.now)


@shared_task(name="accesscontrol.rotate_signing_keys")
def rotate_signing_keys() -> None:
    """Hourly: the next signing key, when the present one nears its age."""
    rotation.run(at=timezone.now())


@shared_task(name="accesscontrol.watch_acls")
def watch_acls() -> None:
    """Every few seconds: ACLs that moved get their revision and its event, whether somebody reads or not."""
    mirrors.watch(at=timezone.now())


@shared_task(name="accesscontrol.prune_acls")
def prune_acls() -> None:
    """Hourly: what is gone from ACLs for longer than is kept, and marks that no reader waits for."""
    before = timezone.now() - settings.PORTAL_ACL_RETENTION
    while mirrors.prune(before=before):
        pass
    while mirrors.drop_unread_marks():
        pass
