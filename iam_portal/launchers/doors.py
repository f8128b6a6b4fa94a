"""The table of doors: every address, what it asks for, and which of the portal's roles open it.

``manage.py doors docs`` writes it; the tests of the doors walk the same table.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.views import APIView

from accesscontrol.portal_roles import RESOURCE_TYPE, ROLE_KEYS, permissions_of
from iam_portal.gate import Permission
from tenants.http import TenantPage

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
OWN_APPLICATION = "own-application"
_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
_CLIENT = "the client authenticates by its own credentials"
_STANDARD = "public by its RFC: keys and addresses only"
_NOBODY = "before anybody is signed in; looks and answers alike for every organization"
_HALFWAY = "whose password was right; anybody else is sent to the beginning, in every organization alike"
# Whatever asks for no permission, and why. A door that stands neither here nor declares one fails a test.
OPEN = {
    "iam_portal.pages.livez": "for probes; says only that the process answers",
    "iam_portal.pages.readyz": "for probes; says whether database, migrations, keys are there, and jobs run",
    "iam_portal.pages.metrics": "for who shows PORTAL_METRICS_TOKEN; numbers without names",
    "iam_portal.pages.described": "the description of the API",
    "iam_portal.pages.reference": "the description of the API",
    "accesscontrol.oauth.authorize.AuthorizeView": "whoever is not signed in is sent to sign in",
    "accesscontrol.oauth.views.TokenView": _CLIENT,
    "accesscontrol.oauth.pushing.PushView": f"{_CLIENT}; a public one has none",
    "accesscontrol.oauth.views.IntrospectView": f"{_CLIENT}, and is in the audience",
    "accesscontrol.oauth.revocation.RevokeView": f"{_CLIENT}; a public one has none",
    "accesscontrol.oauth.userinfo.UserinfoView": "a user's access token says who it is",
    "accesscontrol.api.user_acl.UserAcl": "a user's access token says who it is, and in which application",
    "accesscontrol.oauth.logout.LogoutView": "ends the browser's own session, or asks whether to",
    "accesscontrol.views.coming_from.GoThere": "sends the browser to a provider of the sign-in page",
    "accesscontrol.views.coming_from.ComeBack": "the answer of a provider, for the browser that began alone",
    "accesscontrol.views.signing_out.SignOutAsked": "ends the browser's own session",
    "accesscontrol.oauth.views.CertsView": _STANDARD,
    "accesscontrol.oauth.views.MetadataView": _STANDARD,
    "accesscontrol.oauth.views.SignalsView": _STANDARD,
    "tenants.views.arrival.Arrival": "whom a provider vouches for; anybody else is sent to the beginning",
    "tenants.views.brand_files.BrandSheet": "a function of the colour in its address; tells of nobody",
    "tenants.views.brand_files.BrandLogo": "a picture by its hash: to its own people, to all by choice",
    "tenants.views.entry.PickOrganization": _NOBODY,
    "tenants.views.entry.JoinPartner": _NOBODY,
    "tenants.views.entry.OrganizationsAsked": "reads the same for everybody",
    "tenants.views.entry.ForgetOrganization": "takes a cookie of the own browser away",
    "tenants.views.languages.ChooseLanguage": "sets a cookie of the own browser",
    "tenants.views.entry.TakeInvitation": "moves the code of a link into a cookie; tells nothing about it",
    "tenants.views.own_account.TakeProof": "moves the secret of a link into a cookie; tells nothing about it",
    "tenants.views.sessions.SignIn": _NOBODY,
    "tenants.views.second_step.PasskeySignIn": _NOBODY,
    "tenants.views.second_step.SecondStep": _HALFWAY,
    "tenants.views.second_step.SetUpFactor": _HALFWAY,
    "tenants.views.sessions.SignOut": "ends the browser's own session",
    "tenants.views.sessions.SetPassword": "the secret of the link says who it is",
}
_TITLE = """\
# Doors

Written by `make doors` from the code; a test fails when it is old. Every address asks for one of the portal's
own permissions, *resource:privilege*, or stands in the last table with the reason why it does not. *A or B*
opens to either; what lies behind such a door asks again for the row's own. A page may ask for more than it
declares, never for less. *own-application* takes the credentials of the application that it is about.

Who is not signed in gets 401 (REST) or the sign-in page (pages); a service of another tenant gets 404; who
lacks the permission gets 403 with what is missing. A person who is signed in has the permissions of the role
`user` without being given it. [Which role opens what](roles.md).
"""


@dataclass(frozen=True, slots=True)
class Door:
    """One method at one address. ``permission`` is empty where none is declared."""

    address: str
    method: str
    kind: str  # rest, scim, page, public (a page without sign-in) or open (neither)
    permission: str
    view: Any
    pattern: URLPattern

    @property
    def name(self) -> str:
        """Where the view is written."""
        return f"{self.view.__module__}.{self.view.__qualname__}"


def doors() -> list[Door]:
    """All of them, by address."""
    found = [door for pattern, address in _patterns(get_resolver(), "/") for door in _of(pattern, address)]
    return sorted(found, key=lambda door: (door.address, METHODS.index(door.method)))


def opened_by(permission: str) -> list[str]:
    """The portal's roles that hold a permission, or one of several (``A|B``)."""
    wanted = {(RESOURCE_TYPE, one.resource, one.privilege) for one in Permission.alternatives(permission)}
    return [key for key in ROLE_KEYS if wanted & permissions_of(key)]


def document() -> str:
    """The whole file, as Markdown."""
    table = doors()
    lines = [_TITLE]
    for kind, title in (("rest", "REST"), ("scim", "SCIM 2.0"), ("page", "Pages")):
        rows = _merged((door.address, door.permission, door.method) for door in table if door.kind == kind)
        lines += _section(title, ("door", "needs"), rows)
    needed = {door.permission for door in table} - {"", OWN_APPLICATION}
    single = sorted({part for permission in needed for part in permission.split("|")})
    held = [(f"{permission}", ", ".join(opened_by(permission))) for permission in single]
    lines += _section("Who holds what a door needs", ("permission", "roles of the portal"), held)
    free = ((door.address, OPEN.get(door.name, ""), door.method) for door in table if not door.permission)
    lines += _section("Open to everybody", ("door", "why"), _merged(free))
    return "\n".join(lines)


def _patterns(resolver: URLResolver, prefix: str) -> Iterator[tuple[URLPattern, str]]:
    for entry in resolver.url_patterns:
        address = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from _patterns(entry, address)
        else:
            yield entry, address


def _of(pattern: URLPattern, address: str) -> Iterator[Door]:
    callback = pattern.callback
    view = getattr(callback, "view_class", None) or getattr(callback, "cls", None) or callback
    address = _PARAMETER.sub(r"{\1}", address)
    if not isinstance(view, type):
        yield Door(address, "GET", "open", "", view, pattern)
        return
    kind = "open"
    if issubclass(view, APIView) and f"{view.__module__}.{view.__qualname__}" not in OPEN:
        kind = getattr(view, "protocol", "rest")
    elif issubclass(view, TenantPage):
        kind = "public" if view.public else "page"
    for method in METHODS:
        if hasattr(view, method.lower()):
            yield Door(address, method, kind, _declared(view, method), view, pattern)


def _declared(view: Any, method: str) -> str:
    single = getattr(view, "permission", None)
    return str(single or getattr(view, "permissions", {}).get(method, ""))


def _merged(rows: Iterable[tuple[str, str, str]]) -> list[tuple[str, str]]:
    """The methods of an address that need the same, in one row."""
    methods: dict[tuple[str, str], list[str]] = {}
    for address, needs, method in rows:
        methods.setdefault((address, needs), []).append(method)
    return [
        (f"`{' '.join(found)} {address}`", needs.replace("|", " or "))
        for (address, needs), found in methods.items()
    ]


def _section(title: str, head: tuple[str, str], rows: Iterable[tuple[str, str]]) -> list[str]:
    lines = [f"| {first} | {second} |" for first, second in rows]
    return [f"## {title}", "", f"| {head[0]} | {head[1]} |", "|---|---|", *lines, ""]
