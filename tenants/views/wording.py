"""Actions of the record in plain words, and which page shows their object."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy


class Chapter(NamedTuple):
    """A part of the record: its heading, its drawing, and how its actions begin."""

    label: str | Promise
    icon: str
    prefixes: tuple[str, ...]


CHAPTERS = {
    "users": Chapter(gettext_lazy("Users"), "user", ("user",)),
    "sign-ins": Chapter(gettext_lazy("Sign-ins"), "lock", ("session",)),
    "groups": Chapter(gettext_lazy("Groups"), "users", ("group",)),
    "roles": Chapter(gettext_lazy("Roles"), "role", ("role", "tenant_role", "grant")),
    "partners": Chapter(gettext_lazy("Partners"), "partners", ("partnership",)),
    "contracts": Chapter(gettext_lazy("Contracts"), "contract", ("contract", "amendment")),
    "applications": Chapter(
        gettext_lazy("Applications"), "apps", ("application", "manifest", "client", "resource")
    ),
    "keys": Chapter(gettext_lazy("Keys and secrets"), "key", ("secret", "key", "certificate")),
    "organization": Chapter(gettext_lazy("Organization"), "organization", ("tenant", "webhook")),
}
_BY_PREFIX = {prefix: chapter for chapter in CHAPTERS.values() for prefix in chapter.prefixes}

# Where "created the group" is not how one would say it. The object's name follows.
_PHRASES: Mapping[str, str | Promise] = {
    "user.created": gettext_lazy("made the account of"),
    "user.invited": gettext_lazy("invited"),
    "user.changed": gettext_lazy("changed the data of"),
    "user.link_sent": gettext_lazy("sent a password link to"),
    "user.password_set": gettext_lazy("set the password of"),
    "user.deactivated": gettext_lazy("deactivated"),
    "user.reactivated": gettext_lazy("reactivated"),
    "session.started": gettext_lazy("signed in as"),
    "session.ended": gettext_lazy("signed out"),
    "group.member_added": gettext_lazy("added"),
    "group.member_removed": gettext_lazy("removed"),
    "role.assigned": gettext_lazy("gave"),
    "role.withdrawn": gettext_lazy("took from"),
    "role.changed": gettext_lazy("changed a role of"),
    "grant.refused": gettext_lazy("tried to hand out more than one holds to"),
    "partnership.invited": gettext_lazy("invited a partner for"),
    "partnership.redeemed": gettext_lazy("accepted the invitation for"),
    "partnership.confirmed": gettext_lazy("confirmed the partnership of"),
    "partnership.declined": gettext_lazy("declined the partnership of"),
    "partnership.revoked": gettext_lazy("took back an invitation of"),
    "partnership.ended": gettext_lazy("ended the partnership of"),
    "partnership.auto_accept_changed": gettext_lazy("changed what is accepted automatically by"),
    "contract.withdrawn": gettext_lazy("withdrew the contract"),
    "contract.edited": gettext_lazy("changed the draft of the contract"),
    "contract.pause_cancelled": gettext_lazy("cancelled a planned pause of the contract"),
    "tenant.first_administrator": gettext_lazy("made the first administrator:"),
    "manifest.declared": gettext_lazy("declared resources and roles of"),
    "client.added": gettext_lazy("added a client to"),
    "secret.added": gettext_lazy("made a secret for"),
    "secret.revoked": gettext_lazy("revoked a secret of"),
}
# Said of oneself, without an object.
_REFLEXIVE: Mapping[str, str | Promise] = {
    "session.started": gettext_lazy("signed in"),
    "session.ended": gettext_lazy("signed out"),
    "user.password_set": gettext_lazy("set the own password"),
    "user.changed": gettext_lazy("changed the own data"),
}
_NOUNS: Mapping[str, str | Promise] = {
    "tenant": gettext_lazy("organization"),
    "user": gettext_lazy("user"),
    "group": gettext_lazy("group"),
    "contract": gettext_lazy("contract"),
    "application": gettext_lazy("application"),
    "partnership": gettext_lazy("partnership"),
}
_PAGES = {
    "user": ("tenants:user-detail", "user_id"),
    "group": ("tenants:group-detail", "group_id"),
    "partnership": ("tenants:partner-detail", "partnership_id"),
    "contract": ("applications:contract-detail", "contract_id"),
    "application": ("applications:application-detail", "application_id"),
}


def chapter_of(action: str) -> Chapter | None:
    """The part of the record that an action belongs to."""
    return _BY_PREFIX.get(action.partition(".")[0])


def phrase(action: str, *, reflexive: bool = False) -> str:
    """``deactivated``, ``created the group``: what stands between actor and object."""
    if reflexive and action in _REFLEXIVE:
        return str(_REFLEXIVE[action])
    if action in _PHRASES:
        return str(_PHRASES[action])
    noun, _dot, verb = action.partition(".")
    noun = str(_NOUNS.get(noun, noun.replace("_", " ")))
    return _("%(verb)s the %(noun)s") % {"verb": verb.replace("_", " "), "noun": noun}


def tail(action: str, after: Mapping[str, Any] | None) -> str:
    """What follows the object's name, out of what was recorded."""
    data = after or {}
    if action in ("group.member_added", "group.member_removed") and data.get("groupName"):
        said = _("to the group %(name)s") if action.endswith("added") else _("from the group %(name)s")
        return said % {"name": data["groupName"]}
    if action in ("role.assigned", "role.withdrawn") and data.get("role"):
        if data.get("applicationId"):
            said = _("the role %(role)s of %(application)s")
            return said % {"role": data["role"], "application": data["applicationId"]}
        return _("the role %(role)s") % {"role": data["role"]}
    return ""


def says_itself(action: str) -> bool:
    """Whether the action needs no object when somebody did it to himself."""
    return action in _REFLEXIVE


def address(slug: str, kind: str, object_id: str) -> str:
    """The page of an object, or an empty string where there is none."""
    if kind not in _PAGES:
        return ""
    name, argument = _PAGES[kind]
    try:
        return reverse(name, kwargs={"slug": slug, argument: object_id})
    except NoReverseMatch:  # an id that is none, or an installation without that page
        return ""
