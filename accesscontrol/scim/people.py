"""A person as SCIM writes one (RFC 7643 §4.1): what is read of a body, and what is told."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from accesscontrol.scim.patching import folded
from accesscontrol.scim.refused import ScimRefused

SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:User"
# Attributes of RFC 7643 that a directory may send and that are not kept here.
UNKEPT: Final = frozenset(
    {"nickname", "profileurl", "title", "usertype", "preferredlanguage", "locale", "timezone", "password"}
    | {"phonenumbers", "ims", "photos", "addresses", "entitlements", "roles", "x509certificates"}
)
LONGEST = 255


@dataclass(frozen=True, slots=True)
class Person:
    """What a body says; None where it says nothing."""

    user_name: str
    display_name: str | None
    email: str | None
    active: bool | None
    external_id: str


def read(body: Any) -> Person:
    """ScimRefused (invalidValue) for what no person can be."""
    said = folded(body)
    name = text(said, "username")
    if not name:
        raise ScimRefused("invalidValue", "A person has a userName.")
    shown = text(said, "displayname") or _composed(said.get("name"))
    active = truth(said["active"], "active") if said.get("active") is not None else None
    return Person(name, shown, _mailbox(said.get("emails")), active, text(said, "externalid") or "")


def text(said: Mapping[str, Any], name: str) -> str | None:
    """A text of a body, or None; ScimRefused where it is no text or longer than any row keeps."""
    value = said.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > LONGEST or "\x00" in value:
        raise ScimRefused("invalidValue", f"{name} is a text of at most {LONGEST} characters.")
    return value.strip()


def truth(value: Any, name: str) -> bool:
    """True or false; some directories write them as texts."""
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if not isinstance(value, bool):
        raise ScimRefused("invalidValue", f"{name} is true or false.")
    return value


def _composed(name: Any) -> str | None:
    """What a name comes to where nothing is to be shown in its place."""
    if name is None:
        return None
    parts = folded(name)
    if formatted := text(parts, "formatted"):
        return formatted
    found = [text(parts, part) for part in ("givenname", "middlename", "familyname")]
    return " ".join(part for part in found if part) or None


def _mailbox(given: Any) -> str | None:
    """The primary one, else the one for work, else the first: a person has one here."""
    if given is None or given == []:
        return None
    items = [folded(each) for each in (given if isinstance(given, list) else [given])]
    if len(items) > 20:
        raise ScimRefused("invalidValue", "emails are at most 20.")

    def rank(item: Mapping[str, Any]) -> tuple[bool, bool]:
        first = item.get("primary") not in (None, "") and truth(item["primary"], "primary")
        return (not first, str(item.get("type", "")).lower() != "work")

    return text(min(items, key=rank), "value") or None
