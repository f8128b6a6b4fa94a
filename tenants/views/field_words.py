"""Fields and values of the record in people's words. Machines read them as they were written.

One place for all of them: a test fails when something is recorded under a name that has no words here.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from iam_portal.templatetags import moments, privileges
from iam_portal.templatetags.states import LOOKS
from tenants.forms.lifetimes import LABELS, in_words
from tenants.models import Kept
from tenants.views import client_words, provider_words
from tenants.views.reason_words import REASONS

Words = Mapping[str, str | Promise]
FIELDS: Words = {
    **{str(of): label for of, label in LABELS.items()},
    **provider_words.FIELDS,
    **client_words.FIELDS,
    "activeFrom": gettext_lazy("In use from"),
    "active": gettext_lazy("Active"),
    "add": gettext_lazy("Added"),
    "added": gettext_lazy("Added"),
    "algorithm": gettext_lazy("Signature"),
    "amendment": gettext_lazy("Amendment"),
    "applicationId": gettext_lazy("Application"),
    "applicationName": gettext_lazy("Name of the application"),
    "apps": gettext_lazy("Authenticator apps"),
    "assignmentId": gettext_lazy("Assignment"),
    "assignments": gettext_lazy("Assignments"),
    "attempts": gettext_lazy("Attempts"),
    "authorization": gettext_lazy("Sign-in to the application"),
    "availability": gettext_lazy("Availability"),
    "because": gettext_lazy("Because"),
    "by": gettext_lazy("By"),
    "certificateId": gettext_lazy("Certificate"),
    "change": gettext_lazy("Changed"),
    "changed": gettext_lazy("Changed"),
    "clientId": gettext_lazy("Client"),
    "codes": gettext_lazy("Recovery codes"),
    "colour": gettext_lazy("Colour"),
    "comment": gettext_lazy("Comment"),
    "confirmed": gettext_lazy("Confirmed"),
    "contractId": gettext_lazy("Contract"),
    "contractTypes": gettext_lazy("Accepted without asking"),
    "description": gettext_lazy("Description"),
    "displayName": gettext_lazy("Shown name"),
    "endsAt": gettext_lazy("Ends"),
    "eventId": gettext_lazy("Event"),
    "eventIds": gettext_lazy("Events"),
    "expiresAt": gettext_lazy("Good until"),
    "factor": gettext_lazy("Second factor"),
    "fields": gettext_lazy("Fields"),
    "from": gettext_lazy("From"),
    "furtherNotRecorded": gettext_lazy("Further ones are not recorded"),
    "gained": gettext_lazy("Gained"),
    "grants": gettext_lazy("Grants"),
    "group": gettext_lazy("Group"),
    "groupName": gettext_lazy("Name of the group"),
    "hint": gettext_lazy("Ends in"),
    "historyRows": gettext_lazy("Rows of history in the copy"),
    "homeUrl": gettext_lazy("Home page"),
    "icon": gettext_lazy("Icon"),
    "issuer": gettext_lazy("Issuer"),
    "issuerId": gettext_lazy("Trusted issuer"),
    "jwksUri": gettext_lazy("Address of its keys"),
    "keeps": gettext_lazy("History keeps"),
    "key": gettext_lazy("Key"),
    "keyId": gettext_lazy("Key"),
    "kid": gettext_lazy("Name of the key"),
    "kind": gettext_lazy("Kind"),
    "left": gettext_lazy("Left"),
    "length": gettext_lazy("Least characters of a password"),
    "linkId": gettext_lazy("Link"),
    "logo": gettext_lazy("Hash of the logo"),
    "made": gettext_lazy("Made"),
    "members": gettext_lazy("Members"),
    "methods": gettext_lazy("Proved by"),
    "missing": gettext_lazy("Missing"),
    "name": gettext_lazy("Name"),
    "on_sign_in": gettext_lazy("Shown before somebody signs in"),
    "offline": gettext_lazy("Stays when the person signs out"),
    "oldEndsAt": gettext_lazy("The former one ends"),
    "onwardAccess": gettext_lazy("May be opened to others"),
    "otherMailbox": gettext_lazy("To another mailbox"),
    "others": gettext_lazy("Other sessions"),
    "parent": gettext_lazy("Below"),
    "passkeys": gettext_lazy("Passkeys"),
    "pauses": gettext_lazy("Its pauses"),
    "permissions": gettext_lazy("Permissions"),
    "pkceRequired": gettext_lazy("PKCE is required"),
    "positions": gettext_lazy("Positions"),
    "principal": gettext_lazy("Who"),
    "privilege": gettext_lazy("Privilege"),
    "privileges": gettext_lazy("Privileges"),
    "purpose": gettext_lazy("For"),
    "reason": gettext_lazy("Reason"),
    "reasons": gettext_lazy("Reasons"),
    "receiver": gettext_lazy("Receiver"),
    "remove": gettext_lazy("Removed"),
    "removed": gettext_lazy("Removed"),
    "resourceId": gettext_lazy("Resource"),
    "resourceType": gettext_lazy("Type of the resource"),
    "resources": gettext_lazy("Resources"),
    "retired": gettext_lazy("Retired"),
    "revision": gettext_lazy("Revision"),
    "role": gettext_lazy("Role"),
    "roleName": gettext_lazy("Name of the role"),
    "roles": gettext_lazy("Roles"),
    "secretId": gettext_lazy("Secret"),
    "sections": gettext_lazy("Sections"),
    "session": gettext_lazy("Session"),
    "since": gettext_lazy("Since"),
    "slug": gettext_lazy("Name in addresses"),
    "startsAt": gettext_lazy("Starts"),
    "state": gettext_lazy("State"),
    "steps": gettext_lazy("Steps"),
    "subgroups": gettext_lazy("Groups below it"),
    "subject": gettext_lazy("Subject"),
    "subjectDn": gettext_lazy("Subject"),
    "superseded": gettext_lazy("New keys"),
    "suspended": gettext_lazy("Suspended"),
    "tenants": gettext_lazy("Organizations"),
    "thumbprint": gettext_lazy("Thumbprint"),
    "to": gettext_lazy("To"),
    "tokenWithoutTarget": gettext_lazy("A token without a named target"),
    "type": gettext_lazy("Type"),
    "types": gettext_lazy("Types"),
    "until": gettext_lazy("Until"),
    "urlChanged": gettext_lazy("Another address"),
    "user": gettext_lazy("User"),
    "withdrawnAt": gettext_lazy("Withdrawn"),
    # Inside of others.
    "amendmentId": gettext_lazy("Amendment"),
    "after": gettext_lazy("after"),
    "answerBy": gettext_lazy("Answer by"),
    "before": gettext_lazy("before"),
    "id": gettext_lazy("Id"),
    "proposedByTenantId": gettext_lazy("Proposed by"),
    "takesEffectAt": gettext_lazy("Takes effect"),
}
# Codes that people would have to look up, by the field in which they stand.
_TYPES: Words = {"provision": gettext_lazy("provision"), "access": gettext_lazy("access")}
_STATED: Mapping[str, Words] = {
    "type": _TYPES,
    "contractTypes": _TYPES,
    "state": {name: look.word for name, look in LOOKS.items()},
    "keeps": dict(Kept.choices),
    "kind": {
        "app": gettext_lazy("authenticator app"),
        "passkey": gettext_lazy("passkey"),
        "widening": gettext_lazy("widening"),
        "narrowing": gettext_lazy("narrowing"),
    },
    "purpose": {
        "invitation": gettext_lazy("invitation"),
        "reset": gettext_lazy("a new password"),
        "email": gettext_lazy("proof of an address"),
    },
    "by": {
        "invitation": gettext_lazy("the invitation"),
        "reset": gettext_lazy("a link for a new password"),
        "person": gettext_lazy("the person"),
    },
    "because": {
        "account_closed": gettext_lazy("the account was closed"),
        "by_hand": gettext_lazy("paused by hand"),
        "deactivated": gettext_lazy("the person was deactivated"),
        "failing": gettext_lazy("deliveries failed for too long"),
        "gone": gettext_lazy("the receiver said that it is gone"),
        "not_allowed": gettext_lazy("its application may not have the events any more"),
        "password": gettext_lazy("the password was set anew"),
        "provider": gettext_lazy("the identity provider vouches for the person no more"),
        "reused": gettext_lazy("a code or a refresh token was used twice"),
        "revoked": gettext_lazy("revoked by the client"),
        "withdrawn": gettext_lazy("withdrawn by the person"),
        "wrong_password": gettext_lazy("wrong password"),
    },
    "methods": {  # RFC 8176
        "hwk": gettext_lazy("passkey"),
        "mfa": gettext_lazy("two factors"),
        "otp": gettext_lazy("code"),
        "pwd": gettext_lazy("password"),
        "swk": gettext_lazy("passkey"),
    },
    "fields": {
        "display_name": gettext_lazy("shown name"),
        "email": gettext_lazy("e-mail"),
        "external_id": gettext_lazy("id in the directory"),
        "language": gettext_lazy("language"),
        "time_zone": gettext_lazy("time zone"),
        "username": gettext_lazy("username"),
    },
    "reasons": REASONS,
    "privilege": privileges.WORDS,
    "privileges": privileges.WORDS,
}
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LASTING = {str(of) for of in LABELS}


def label(name: str) -> str:
    """``endsAt`` as people call it; of what is not known here, its own name, so that it is seen."""
    return str(FIELDS.get(name, name))


def value(name: str, given: Any) -> str:
    """What stood in the field, for people."""
    if given is None:
        return ""
    if isinstance(given, bool):
        return _("yes") if given else _("no")
    if isinstance(given, Mapping):
        return _span(given) or "; ".join(f"{label(key)}: {value(key, each)}" for key, each in given.items())
    if isinstance(given, list):
        return _listed(name, given)
    if name in _LASTING and isinstance(given, int):
        return in_words(given)
    return _said(name, str(given))


def is_id(given: Any) -> bool:
    """An id that says nothing to people."""
    return isinstance(given, str) and _UUID.fullmatch(given) is not None


def _said(name: str, text: str) -> str:
    if _MOMENT.fullmatch(text):
        try:
            return moments.plain(datetime.fromisoformat(text.replace("Z", "+00:00")))
        except (ValueError, OverflowError):  # somebody's own words, or a year that no zone has
            return text
    if is_id(text):
        return f"{text[:8]}…"
    return str(_STATED.get(name, {}).get(text, text))


def _listed(name: str, given: list[Any]) -> str:
    """Comma between plain ones; what has parts of its own is set apart further."""
    if name == "permissions" and all(isinstance(each, list) and len(each) == 4 for each in given):
        return "; ".join(f"{app} {kind}/{key}: {privileges.word(what)}" for app, kind, key, what in given)
    plain = all(isinstance(each, str | int) for each in given)
    return (", " if plain else "; ").join(value(name, each) for each in given)


def _span(given: Mapping[str, Any]) -> str:
    """``{"from", "until"}`` of a pause or a membership."""
    if set(given) != {"from", "until"}:
        return ""
    ends = {end: _said(end, str(moment)) for end, moment in given.items() if moment}
    if len(ends) == 2:
        return _("%(from)s to %(until)s") % ends
    return _("from %(from)s") % ends if "from" in ends else ", ".join(ends.values())
