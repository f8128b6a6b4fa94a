"""What a client may ask for in a person's name: his sign-in to the client's own application, and no more."""

from collections.abc import Sequence

from accesscontrol.oauth import refusals
from accesscontrol.oauth import scopes as words
from accesscontrol.oauth.scopes import Target
from applications.models import Client

PROFILE, EMAIL, OFFLINE = "profile", "email", "offline_access"
ABOUT_PEOPLE = (PROFILE, EMAIL, OFFLINE)  # OpenID Connect Core §5.4, §11


def granted(scope: str, resources: Sequence[str], *, client: Client) -> tuple[str, ...]:
    """The scopes of the grant, spelled out; a refusal where a word is unknown or names another application.

    Code and refresh give tokens for the client's own application alone: whoever a person signs in to must not
    get a token with which it could call others in his name.
    """
    asked = words.parse(scope, resources, aliases=client.scope_aliases)
    if asked.words > words.MOST:
        raise refusals.ScopeRefused("invalid_scope", f"At most {words.MOST} scopes.")
    known = [word for word in ABOUT_PEOPLE if word in asked.unknown]
    unknown = [word for word in asked.unknown if word not in ABOUT_PEOPLE]
    if asked.has_foreign_resource:
        text = f"A resource is written {words.RESOURCE}<applicationId>."
        raise refusals.ScopeRefused("invalid_target", text)
    if (unknown or asked.has_unechoed) and not client.ignore_unknown_scopes:
        raise refusals.ScopeRefused("invalid_scope", f"Unknown scopes: [{', '.join(unknown)}]")
    foreign = [target for target in asked.targets if target.application_id != client.application_id]
    if foreign:
        raise _foreign(foreign)
    own = Target(
        client.application_id, roles=frozenset(key for target in asked.targets for key in target.roles)
    )
    return (*words.spelled_out([own], openid=asked.openid), *known)


def narrower(asked: str, *, than: str) -> tuple[str, ...]:
    """The scopes of a refreshed token: what is asked, if all of it was granted (RFC 6749 §6).

    A grant that was narrowed to roles stays so: leaving their words out would open all that the person holds.
    """
    had, wanted = than.split(" "), [word for word in asked.split(" ") if word]
    if not wanted:
        return tuple(had)
    beyond = [word for word in wanted if word not in had]
    if beyond:
        raise refusals.ScopeRefused("invalid_scope", "More was asked than was granted.")
    audience = [word for word in had if word.startswith(words.AUDIENCE)]
    roles = [word for word in had if "/" in word and word not in audience]
    if not set(roles) & set(wanted):
        wanted += roles
    return (*audience, *(word for word in had if word in wanted and word not in audience))


def _foreign(targets: Sequence[Target]) -> refusals.ScopeRefused:
    echoed = [word for target in targets for word in target.named]
    by_resource = all(target.by_resource for target in targets)
    return refusals.target_refused(echoed, by_resource=by_resource)
