"""The shape of a copy of what is kept about a person."""

from typing import Any

from rest_framework import serializers as rest


def _rows(what: str) -> Any:
    return rest.ListField(child=rest.DictField(), help_text=what)


class PersonCopyOut(rest.Serializer[Any]):
    """Moments are RFC 3339. What a member of a list holds is told by its names; more may come."""

    organization = rest.CharField()
    takenAt = rest.DateTimeField()
    userId = rest.UUIDField()
    username = rest.CharField()
    email = rest.CharField(allow_blank=True)
    emailProvenAt = rest.DateTimeField(allow_null=True)
    displayName = rest.CharField()
    language = rest.CharField(allow_blank=True)
    timeZone = rest.CharField(allow_blank=True)
    createdAt = rest.DateTimeField()
    deletedAt = rest.DateTimeField(allow_null=True)
    active = _rows("When the account could be used")
    groups = _rows("Memberships, past and planned ones, too")
    factors = _rows("Second factors, by name")
    recoveryCodes = rest.IntegerField(help_text="How many are left")
    links = _rows("Invitations and password links that were sent")
    sessions = _rows("Where the person was signed in")
    assignments = _rows("Roles that were given by name")
    signIns = _rows("Applications that the person signed in to")
    history = _rows("What the person did, and what was done to the person")
    historyComplete = rest.BooleanField()
