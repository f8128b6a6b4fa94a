"""Actions of the record in plain words, and which page shows their object."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from iam_portal.translating import translated
from tenants.views import factor_words, provider_words, sign_in_words, verbs


class Chapter(NamedTuple):
    """A part of the record: its heading, its drawing, and how its actions begin."""

    label: str | Promise
    icon: str
    prefixes: tuple[str, ...]


PORTAL = "iam-portal"  # its id among applications, of which this app knows nothing else
_CREDENTIALS = ("secret", "client_key", "certificate", "trusted_issuer", "scim_token")
_OF_SIGN_INS = ("session", "authorization", "factor", "identity", "identity_provider", "mapper")
_OF_ORGANIZATION = ("tenant", "webhook", "configuration")
CHAPTERS = {
    "users": Chapter(gettext_lazy("Users"), "user", ("user",)),
    "sign-ins": Chapter(gettext_lazy("Sign-ins"), "lock", _OF_SIGN_INS),
    "groups": Chapter(gettext_lazy("Groups"), "users", ("group",)),
    "roles": Chapter(gettext_lazy("Roles"), "role", ("role", "tenant_role", "grant", "door")),
    "partners": Chapter(gettext_lazy("Partners"), "partners", ("partnership",)),
    "contracts": Chapter(gettext_lazy("Contracts"), "contract", ("contract", "amendment")),
    "applications": Chapter(
        gettext_lazy("Applications"), "apps", ("application", "manifest", "client", "resource")
    ),
    "keys": Chapter(gettext_lazy("Keys and secrets"), "key", ("key", "signing_key", *_CREDENTIALS)),
    "organization": Chapter(gettext_lazy("Organization"), "organization", _OF_ORGANIZATION),
}
_BY_PREFIX = {prefix: chapter for chapter in CHAPTERS.values() for prefix in chapter.prefixes}

# Where "created the group" is not how one would say it. The object's name follows.
_PHRASES: Mapping[str, str | Promise] = {
    **factor_words.PHRASES,
    **provider_words.PHRASES,
    "user.created": gettext_lazy("made the account of"),
    "user.invited": gettext_lazy("invited"),
    "user.changed": gettext_lazy("changed the data of"),
    "user.link_sent": gettext_lazy("sent a password link to"),
    "user.password_set": gettext_lazy("set the password of"),
    "user.deactivated": gettext_lazy("deactivated"),
    "user.reactivated": gettext_lazy("reactivated"),
    "user.deleted": gettext_lazy("deleted the account of"),
    "user.exported": gettext_lazy("took a copy of all that is kept about"),
    "session.started": gettext_lazy("signed in as"),
    "session.ended": pgettext_lazy("somebody", "signed out"),
    "authorization.started": gettext_lazy("began the sign-in of"),
    "authorization.ended": gettext_lazy("ended the sign-in of"),
    "group.member_added": gettext_lazy("added"),
    "group.member_removed": gettext_lazy("removed"),
    "group.member_planned": gettext_lazy("planned to add"),
    "group.member_changed": gettext_lazy("changed the end of the membership of"),
    "role.assigned": gettext_lazy("gave"),
    "role.withdrawn": gettext_lazy("took from"),
    "role.changed": gettext_lazy("changed a role of"),
    "role.planned": gettext_lazy("planned to give"),
    "role.superseded": gettext_lazy("gave a new key to a role of"),
    "role.followed": gettext_lazy("carried over to new ids, in the role"),
    "grant.refused": gettext_lazy("was not allowed to give rights to"),
    "door.refused": gettext_lazy("was not let in at"),
    "configuration.applied": gettext_lazy("applied a configuration to"),
    "configuration.refused": gettext_lazy("was not allowed to configure"),
    "partnership.invited": gettext_lazy("invited a partner for"),
    "partnership.redeemed": gettext_lazy("accepted the invitation for"),
    "partnership.confirmed": gettext_lazy("confirmed the partnership of"),
    "partnership.declined": gettext_lazy("declined the partnership of"),
    "partnership.revoked": gettext_lazy("took back an invitation of"),
    "partnership.ended": gettext_lazy("ended the partnership of"),
    "partnership.auto_accept_changed": gettext_lazy("changed what is accepted automatically by"),
    "application.resumed": gettext_lazy("resumed the application"),
    "tenant.resumed": gettext_lazy("resumed the organization"),
    "contract.withdrawn": gettext_lazy("withdrew the contract"),
    "contract.edited": gettext_lazy("changed the draft of the contract"),
    "contract.pause_planned": gettext_lazy("planned a pause of the contract"),
    "contract.pause_cancelled": gettext_lazy("cancelled a planned pause of the contract"),
    "contract.end_planned": gettext_lazy("planned the end of the contract"),
    "contract.lapsed": gettext_lazy("closed the unanswered contract"),
    "contract.amended": gettext_lazy("amended the contract"),
    "contract.amendment_planned": gettext_lazy("planned an amendment of the contract"),
    "contract.amendment_proposed": gettext_lazy("proposed an amendment of the contract"),
    "contract.amendment_declined": gettext_lazy("declined an amendment of the contract"),
    "contract.amendment_withdrawn": gettext_lazy("withdrew an amendment of the contract"),
    "contract.amendment_lapsed": gettext_lazy("closed the unanswered amendment of the contract"),
    "contract.amendment_cancelled": gettext_lazy("cancelled the open amendment of the contract"),
    "contract.confirmed": gettext_lazy("confirmed what roles gained, for the contract"),
    "contract.role_widened": gettext_lazy("gave more to roles of the contract"),
    "contract.role_superseded": gettext_lazy("gave new keys to roles of the contract"),
    "tenant.lifetimes_changed": gettext_lazy("changed lifetimes of"),
    "tenant.branding_changed": gettext_lazy("changed the branding of"),
    "tenant.history_keeps_changed": gettext_lazy("changed what history keeps of deleted people, for"),
    "tenant.suspension_planned": gettext_lazy("planned a suspension of"),
    "tenant.suspension_cancelled": gettext_lazy("cancelled the planned suspension of"),
    "tenant.invitation_sent": gettext_lazy("sent the first invitation again for"),
    "tenant.first_administrator": gettext_lazy("made the first administrator:"),
    "manifest.declared": gettext_lazy("declared resources and roles of"),
    "client.added": gettext_lazy("added a client to"),
    "secret.added": gettext_lazy("made a secret for"),
    "secret.revoked": gettext_lazy("revoked a secret of"),
    "client.changed": gettext_lazy("changed a client of"),
    "client_key.added": gettext_lazy("added a key to"),
    "client_key.revoked": gettext_lazy("revoked a key of"),
    "certificate.added": gettext_lazy("added a certificate to"),
    "certificate.revoked": gettext_lazy("revoked a certificate of"),
    "trusted_issuer.added": gettext_lazy("trusted an issuer for"),
    "trusted_issuer.revoked": gettext_lazy("stopped trusting an issuer for"),
    "webhook.subscribed": gettext_lazy("made the webhook to"),
    "webhook.secret_added": gettext_lazy("made a secret for the webhook to"),
    "webhook.secret_revoked": gettext_lazy("revoked a secret of the webhook to"),
    "webhook.tested": gettext_lazy("sent a test event to"),
    "webhook.redelivery_asked": gettext_lazy("had an event sent again to"),
    "webhook.position_lost": gettext_lazy("went on at the oldest event that is kept, for"),
    **sign_in_words.PHRASES,
}
# On the object's own page, where its name would only be said again.
_ALONE: Mapping[str, str | Promise] = {
    "contract.edited": gettext_lazy("changed the draft"),
    "contract.pause_planned": gettext_lazy("planned a pause"),
    "contract.pause_cancelled": gettext_lazy("cancelled a planned pause"),
    "contract.end_planned": gettext_lazy("planned the end of the contract"),
    "contract.lapsed": gettext_lazy("closed the offer: it was not accepted by its date"),
    "contract.amended": gettext_lazy("amended the contract"),
    "contract.amendment_planned": gettext_lazy("planned an amendment"),
    "contract.amendment_proposed": gettext_lazy("proposed an amendment"),
    "contract.amendment_declined": gettext_lazy("declined the amendment"),
    "contract.amendment_withdrawn": gettext_lazy("withdrew the amendment"),
    "contract.amendment_lapsed": gettext_lazy("closed the amendment: it was not answered in time"),
    "contract.amendment_cancelled": gettext_lazy("cancelled the open amendment, as the contract ends"),
    "contract.confirmed": gettext_lazy("confirmed what the roles gained"),
    "contract.role_widened": gettext_lazy("gave more to its roles"),
    "contract.role_superseded": gettext_lazy("gave new keys to its roles"),
    "manifest.declared": gettext_lazy("declared roles and resources"),
    "client.added": gettext_lazy("added the public client"),
    "secret.added": gettext_lazy("added a secret"),
    "secret.revoked": gettext_lazy("revoked a secret"),
    "client.changed": gettext_lazy("changed a client"),
    "client_key.added": gettext_lazy("added a key"),
    "client_key.revoked": gettext_lazy("revoked a key"),
    "certificate.added": gettext_lazy("added a certificate"),
    "certificate.revoked": gettext_lazy("revoked a certificate"),
    "trusted_issuer.added": gettext_lazy("trusted an issuer"),
    "trusted_issuer.revoked": gettext_lazy("stopped trusting an issuer"),
    "webhook.subscribed": gettext_lazy("made the webhook"),
    "webhook.secret_added": gettext_lazy("made a secret"),
    "webhook.secret_revoked": gettext_lazy("revoked a secret"),
    "webhook.tested": gettext_lazy("sent a test event"),
    "webhook.redelivery_asked": gettext_lazy("had an event sent again"),
    "webhook.position_lost": gettext_lazy("went on at the oldest event that is kept"),
    "webhook.changed": gettext_lazy("changed the webhook"),
    "webhook.paused": gettext_lazy("paused the webhook"),
    "webhook.resumed": gettext_lazy("resumed the webhook"),
    "webhook.ended": gettext_lazy("ended the webhook"),
}
_TOLD_ALONE = ("contract", "application", "manifest", "client", "webhook", *_CREDENTIALS)
_DRAWN = {
    "mail": "proposed amendment_proposed",
    "check": "accepted confirmed",
    "x": "declined withdrawn refused"
    " pause_cancelled amendment_declined amendment_withdrawn amendment_cancelled",
    "pause": "paused pause_planned suspended",
    "play": "resumed",
    "stop": "ended end_planned retired",
    "clock": "lapsed amendment_planned amendment_lapsed",
    "edit": "amended changed edited",
    "plus": "registered",
    "trash": "revoked",
}
_ICONS = {verb: icon for icon, verbs in _DRAWN.items() for verb in verbs.split()}
# Said of oneself, without an object.
_REFLEXIVE: Mapping[str, str | Promise] = {
    **factor_words.REFLEXIVE,
    "session.started": gettext_lazy("signed in"),
    "session.ended": gettext_lazy("signed out"),
    "authorization.started": gettext_lazy("signed in"),
    "authorization.ended": gettext_lazy("ended the own sign-in"),
    "user.password_set": gettext_lazy("set the own password"),
    "user.changed": gettext_lazy("changed the own data"),
    **sign_in_words.REFLEXIVE,
}
_PAGES = {
    "user": ("tenants:user-detail", "user_id"),
    "group": ("tenants:group-detail", "group_id"),
    "partnership": ("tenants:partner-detail", "partnership_id"),
    "contract": ("applications:contract-detail", "contract_id"),
    "application": ("applications:application-detail", "application_id"),
    "webhook": ("applications:webhook-detail", "webhook_id"),
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
    return verbs.said(action)


def alone(action: str) -> str:
    """``paused the contract``: enough on the object's own page; empty where the object must be named."""
    if action.partition(".")[0] not in _TOLD_ALONE:
        return ""
    # Where a language lets a colon lead to the name, nothing follows it here.
    return str(_ALONE[action] if action in _ALONE else phrase(action)).removesuffix(":")


def icon_of(action: str) -> str:
    """What was done as a drawing; where there is none, what part of the record it belongs to."""
    noun, _dot, verb = action.partition(".")
    chapter = chapter_of(action)
    drawn = ("contract", "application", "partnership", "grant", "webhook", *_CREDENTIALS)
    if noun in drawn and verb in _ICONS:
        return _ICONS[verb]
    return chapter.icon if chapter else "activity"


def tail(action: str, *recorded: Mapping[str, Any] | None) -> str:
    """What follows the object's name, out of what was recorded."""
    data = {name: value for part in recorded for name, value in (part or {}).items()}
    if action in ("group.member_added", "group.member_removed") and data.get("groupName"):
        said = _("to the group %(name)s") if action.endswith("added") else _("from the group %(name)s")
        return said % {"name": data["groupName"]}
    if action in ("role.assigned", "role.planned", "role.withdrawn") and data.get("role"):
        role = data.get("roleName") or data["role"]  # what was recorded before names were has the key
        application = str(data.get("applicationName") or data.get("applicationId") or "")
        if data.get("applicationId") == PORTAL:  # its names are sentences of ours
            role, application = translated(role), translated(application)
        if application:
            return _("the role %(role)s of %(application)s") % {"role": role, "application": application}
        return _("the role %(role)s") % {"role": role}
    if action.startswith("authorization.") and data.get("applicationId"):
        return _("to %(application)s") % {"application": data["applicationId"]}
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
