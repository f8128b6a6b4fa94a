"""``may grant``: who may hand something out."""

from collections.abc import Iterable

from accesscontrol import reasons as say
from accesscontrol.decide.covering import Permission
from iam_portal.decision import Decision


def may_grant(
    *,
    asked: Iterable[Permission],
    foreign: bool,
    holds: set[Permission],
    access_manager: bool,
) -> Decision:
    """May an actor who ``holds`` these portal permissions hand out what is ``asked``?

    ``asked`` are permissions of the portal itself: only who holds each of them. ``foreign`` says that
    roles of other applications are among it: those are the Access Manager's to give.
    """
    missing = sorted(set(asked) - holds)
    refusals = [say.permission_not_held(permission) for permission in missing]
    if foreign and not access_manager:
        refusals.append(say.not_access_manager())
    return Decision.no(*refusals) if refusals else Decision.yes(say.may_grant())
