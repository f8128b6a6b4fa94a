"""The doors by which somebody could come to more than he holds: for each what he sends, by REST and by page.

Read it as a table. ``clerk`` manages users, groups and roles; ``modules`` manages applications. Neither holds
what the office's strong role gives (``tests.support.granting``).
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from accesscontrol.views.role_choices import SEPARATOR
from applications.models import Resource
from applications.models.applications import PORTAL_ID
from tests.support.granting import STRONG, Office
from tests.support.proving import certified, ec_key, pem, public_pem

ROLE = {"applicationId": PORTAL_ID, "key": STRONG[0]}
CHOICE = SEPARATOR.join((PORTAL_ID, STRONG[0], ""))
TOMORROW = "2099-01-01T00:00:00Z"
PERMISSION = {
    "applicationId": PORTAL_ID,
    "resourceType": "urn:iam:portal",
    "resourceId": "Organizations",
    "privileges": ["modify"],
}
MINE = {"key": "mine", "name": "Mine", "permissions": [PERMISSION]}
AUTHORITY = certified("authority", authority=True)
EVIL = "https://evil.example/"
NO_SECRETS = hashlib.sha256(b"").hexdigest()  # what the form of a secret says of those that stand beside it

Rest = tuple[str, str, Any]  # method, path below the tenant of either API, body
Page = tuple[str, dict[str, Any]]  # path below the organization, what is filled in (None: not ticked)


@dataclass(frozen=True, slots=True)
class Way:
    """Who tries, and what he sends. ``filled``: over the form as the page draws it."""

    who: str
    rest: Callable[[Office], Rest] | None = None
    page: Callable[[Office], Page] | None = None
    filled: bool = False


def _assign(whom: Callable[[Office], tuple[str, str]], **more: str) -> Way:
    """The role for somebody: (kind as REST says it, id)."""

    def rest(o: Office) -> Rest:
        kind, found = whom(o)
        body = {"principal": {f"{kind}Id": found}, "role": ROLE}
        return "POST", "access/assignments", body | ({"from": more["at"]} if more else {})

    def page(o: Office) -> Page:
        kind, found = whom(o)
        form = {"role": CHOICE} | ({"starts_at": more["at"][:16]} if more else {})
        return f"assignments/add?{kind}={found}", form

    return Way("clerk", rest, page)


def _member(group: str) -> Way:
    return Way(
        "clerk",
        lambda o: ("PUT", f"access/groups/{getattr(o, group).id}/members/{o.clerk.id}", None),
        lambda o: (f"groups/{getattr(o, group).id}", {"user": "clerk"}),
    )


def _move(group: str, parent: str) -> Way:
    def to(o: Office) -> str | None:
        return str(getattr(o, parent).id) if parent else None

    return Way(
        "clerk",
        lambda o: ("POST", f"access/groups/{getattr(o, group).id}/move", {"parentId": to(o)}),
        lambda o: (
            f"groups/{getattr(o, group).id}/move",
            {"parent": to(o) or "", "revision": getattr(o, group).revision},
        ),
    )


def _user(user: str, act: str, page: str) -> Way:
    return Way(
        "clerk",
        lambda o: ("POST", f"access/users/{getattr(o, user).id}/{act}", None),
        (lambda o: (f"users/{getattr(o, user).id}/{page}", {})) if page else None,
    )


def _mailbox(user: str) -> Way:
    mailbox = "clerk.too@example.org"
    return Way(
        "clerk",
        lambda o: ("PATCH", f"access/users/{getattr(o, user).id}", {"email": mailbox}),
        lambda o: (f"users/{getattr(o, user).id}/change", {"email": mailbox}),
        filled=True,
    )


def _credential(kind: str, body: Any, page: str, form: dict[str, Any]) -> Way:
    return Way(
        "modules",
        lambda o: ("POST", f"management/applications/{o.robot.id}/clients/{o.robot.id}/{kind}", body),
        lambda o: (f"applications/{o.robot.id}/{page}", form),
    )


def _setting(body: Any, form: dict[str, Any]) -> Way:
    return Way(
        "modules",
        lambda o: ("PATCH", f"management/applications/{o.robot.id}/clients/{o.robot.id}", body),
        lambda o: (f"applications/{o.robot.id}/clients/{o.robot.id}", form),
        filled=True,
    )


def _ticked() -> dict[str, str]:
    """The box of the permission, as if the form had offered it."""
    place = {"application_id": PORTAL_ID, "key": PERMISSION["resourceId"], "owner_tenant": None}
    pk = Resource.objects.get(**place).pk
    return {"rows": f"{pk}.0.0", "p": f"{pk}.modify"}


WAYS: dict[str, Way] = {
    # --- roles
    "the role for oneself": _assign(lambda o: ("user", str(o.clerk.id))),
    "the role from tomorrow on": _assign(lambda o: ("user", str(o.clerk.id)), at=TOMORROW),
    "the role for somebody else": _assign(lambda o: ("user", str(o.module_manager.id))),
    "the role for one's group": _assign(lambda o: ("group", str(o.weak.id))),
    "the role for a service": _assign(lambda o: ("application", o.tool.id)),
    "the role taken from its holder": Way(
        "clerk",
        lambda o: ("DELETE", f"access/assignments/{o.held.id}", None),
        lambda o: (f"assignments/{o.held.id}/withdraw", {}),
    ),
    "a role of the organization's own that holds it": Way(
        "clerk",
        lambda o: ("POST", "access/roles", MINE),
        lambda o: ("create-role", {"name": "Mine", "key": "mine", "go": "save", **_ticked()}),
    ),
    "its permission put into a role that one holds": Way(
        "clerk",
        lambda o: ("PUT", "access/roles/ours", {"name": "Ours", "permissions": [PERMISSION]}),
        lambda o: ("roles/ours/edit", {"name": "Ours", "go": "save", **_ticked()}),
    ),
    # --- groups
    "into the strong group": _member("strong"),
    "into a group below it": _member("below"),
    "into a group below it, one day": Way(
        "clerk",
        lambda o: ("PUT", f"access/groups/{o.below.id}/members/{o.clerk.id}", {"from": TOMORROW}),
        lambda o: (f"groups/{o.below.id}", {"user": "clerk", "starts_at": TOMORROW[:16]}),
    ),
    "another end of a place in it": Way(
        "clerk",
        lambda o: ("PUT", f"access/groups/{o.below.id}/members/{o.deputy.id}", {"until": TOMORROW}),
        lambda o: (f"groups/{o.below.id}/members/{o.deputy.id}/change", {"ends_at": TOMORROW[:16]}),
    ),
    "out of a group below it": Way(
        "clerk",
        lambda o: ("DELETE", f"access/groups/{o.below.id}/members/{o.deputy.id}", None),
        lambda o: (f"groups/{o.below.id}/members/{o.deputy.id}/remove", {}),
    ),
    "one's group below the strong one": _move("weak", "strong"),
    "one's group far below it": _move("weak", "below"),
    "a group out of its reach": _move("below", ""),
    "a new group below it": Way(
        "clerk",
        lambda o: ("POST", "access/groups", {"name": "New", "parentId": str(o.strong.id)}),
        lambda o: ("groups/create", {"name": "New", "parent": str(o.strong.id)}),
    ),
    # --- somebody else's account
    "a stronger one's password": _user("chief", "reset-password", "send-link"),
    "the password of one strong by a group": _user("deputy", "reset-password", "send-link"),
    "a stronger one's invitation": _user("invited", "resend-invitation", ""),
    "a stronger one's mailbox": _mailbox("chief"),
    "the mailbox of one strong by a group": _mailbox("deputy"),
    "a stronger one's second factors": _user("chief", "reset-factors", "reset-factors"),
    "the return of a stronger one": _user("gone", "reactivate", "reactivate"),
    # --- a stronger service
    "its secret": _credential("secrets", {}, "secrets/new", {"seen": NO_SECRETS}),
    "its key": _credential("keys", {"pem": public_pem(ec_key())}, "keys/new", {"key": public_pem(ec_key())}),
    "where its keys are": _credential(
        "keys", {"jwksUri": f"{EVIL}jwks"}, "issuers/new", {"issuer": EVIL[:-1], "subject": "other"}
    ),
    "its certificate": _credential(
        "certificates", {"pem": pem(certified())}, "certificates/new", {"pem": pem(certified())}
    ),
    "its name in certificates": _credential(
        "certificates",
        {"subjectDn": "CN=me", "trustAnchorPem": pem(AUTHORITY)},
        "certificates/new-subject",
        {"subject_dn": "CN=me", "anchor": pem(AUTHORITY)},
    ),
    "an issuer that it trusts": _credential(
        "trusted-issuers",
        {"issuer": EVIL[:-1], "subject": "me"},
        "issuers/new",
        {"issuer": EVIL[:-1], "subject": "me"},
    ),
    "its public client": Way(
        "modules",
        lambda o: (
            "POST",
            f"management/applications/{o.robot.id}/clients",
            {"kind": "public", "redirectUris": [EVIL]},
        ),
        lambda o: (f"applications/{o.robot.id}/public-client", {"redirect_uris": EVIL, "web_origins": ""}),
    ),
    "where its codes go": _setting({"redirectUris": [EVIL]}, {"redirect_uris": EVIL}),
    "where its people go afterwards": _setting(
        {"postLogoutRedirectUris": [EVIL]}, {"post_logout_redirect_uris": EVIL}
    ),
    "whose pages may ask for it": _setting({"webOrigins": [EVIL[:-1]]}, {"web_origins": EVIL[:-1]}),
    "how it proves itself": _setting(
        {"authenticationMethod": "private_key_jwt"}, {"authentication_method": "private_key_jwt"}
    ),
    "its codes without PKCE": _setting({"pkceRequired": False}, {"pkce_required": None}),
    "its secret in either place": _setting({"secretEitherWay": True}, {"secret_either_way": "on"}),
    "assertions for another audience": _setting(
        {"assertionForTokenEndpoint": True}, {"assertion_for_token_endpoint": "on"}
    ),
    "what its old scopes mean": _setting(
        {"scopeAliases": {"vehicle.read": "aud:acme.tool"}}, {"scope_aliases": "vehicle.read = aud:acme.tool"}
    ),
    "scopes that it does not know": _setting({"ignoreUnknownScopes": True}, {"ignore_unknown_scopes": "on"}),
    "in whose name it may call others": _setting({"tokenExchange": True}, {"token_exchange": "on"}),
    "where sign-outs are told": _setting({"backchannelLogoutUri": EVIL}, {"backchannel_logout_uri": EVIL}),
    "requests past the browser": _setting({"pushedRequests": "off"}, {"pushed_requests": "off"}),
    "tokens that are bound to its key": _setting({"dpop": "off"}, {"dpop": "off"}),
}
