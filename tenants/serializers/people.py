"""Shapes of users, groups and their members."""

from typing import Any

from rest_framework import serializers as rest

from tenants.models import PASSWORD_LENGTHS, Kept
from tenants.rest import StrictSerializer


class UserIn(StrictSerializer):
    """Whom to invite. The link that sets the password goes to the mailbox and nowhere else."""

    username = rest.CharField(max_length=150)
    email = rest.EmailField(max_length=254)
    displayName = rest.CharField(max_length=150)


class UserPatch(StrictSerializer):
    """What is left out stays."""

    username = rest.CharField(max_length=150, required=False)
    email = rest.EmailField(max_length=254, required=False)
    displayName = rest.CharField(max_length=150, required=False)


class UserOut(rest.Serializer[Any]):
    """A person. ``invited`` is active, and has never set a password."""

    userId = rest.UUIDField()
    username = rest.CharField()
    displayName = rest.CharField()
    email = rest.EmailField()
    active = rest.BooleanField()
    invited = rest.BooleanField()
    revision = rest.CharField()


class UserPage(rest.Serializer[Any]):
    """A page of people."""

    items = UserOut(many=True)
    next = rest.CharField(allow_null=True)


class GroupIn(StrictSerializer):
    """A group to make; without a parent it stands at the top."""

    name = rest.CharField(max_length=120)
    description = rest.CharField(max_length=500, required=False, allow_blank=True, default="")
    parentId = rest.UUIDField(required=False, allow_null=True, default=None)


class GroupPatch(StrictSerializer):
    """What is left out stays. Another place is an act of its own: ``move``."""

    name = rest.CharField(max_length=120, required=False)
    description = rest.CharField(max_length=500, required=False, allow_blank=True)


class PlaceIn(StrictSerializer):
    """The group to hang it below; ``null`` makes it a root."""

    parentId = rest.UUIDField(allow_null=True)


class GroupOut(rest.Serializer[Any]):
    """A group in its place. ``members`` are its own, without those of groups below."""

    groupId = rest.UUIDField()
    name = rest.CharField()
    description = rest.CharField()
    parentId = rest.UUIDField(allow_null=True)
    members = rest.IntegerField()
    revision = rest.CharField()


class GroupPage(rest.Serializer[Any]):
    """A page of groups."""

    items = GroupOut(many=True)
    next = rest.CharField(allow_null=True)


class Spanning(rest.Serializer[Any]):
    """Something that is true for a span."""

    def get_fields(self) -> dict[str, Any]:
        """``from`` is a word of the language, so it cannot be written as an attribute."""
        fields = super().get_fields()
        fields["from"] = rest.DateTimeField()
        fields["until"] = rest.DateTimeField(allow_null=True)
        return fields


class MembershipIn(StrictSerializer):
    """When: without both from now on. RFC 3339."""

    def get_fields(self) -> dict[str, Any]:
        """As for the output."""
        fields = super().get_fields()
        fields["from"] = rest.DateTimeField(required=False, allow_null=True)
        fields["until"] = rest.DateTimeField(required=False, allow_null=True)
        return fields


class MemberOut(Spanning):
    """Somebody in a group."""

    userId = rest.UUIDField()
    username = rest.CharField()
    displayName = rest.CharField()


class MemberPage(rest.Serializer[Any]):
    """A page of members."""

    items = MemberOut(many=True)
    next = rest.CharField(allow_null=True)


class MembershipOut(Spanning):
    """A group that somebody is in."""

    groupId = rest.UUIDField()
    name = rest.CharField()


class MembershipPage(rest.Serializer[Any]):
    """A page of the groups of somebody."""

    items = MembershipOut(many=True)
    next = rest.CharField(allow_null=True)


class PasswordRulesIn(StrictSerializer):
    """``null`` goes back to the default."""

    length = rest.IntegerField(allow_null=True, min_value=PASSWORD_LENGTHS[0], max_value=PASSWORD_LENGTHS[1])

    def to_internal_value(self, data: Any) -> Any:
        """A whole number: "20", 20.0 and true are none."""
        if isinstance(data, dict) and type(data.get("length")) not in (int, type(None)):
            raise rest.ValidationError({"length": ["A whole number is needed."]}, "invalid")
        return super().to_internal_value(data)


class PasswordLengthOut(rest.Serializer[Any]):
    """In characters. ``chosen`` is null where nothing was; ``inForce`` is what counts."""

    chosen = rest.IntegerField(allow_null=True)
    inForce = rest.IntegerField()
    least = rest.IntegerField()
    most = rest.IntegerField()


class PasswordRulesOut(rest.Serializer[Any]):
    """What passwords must be at least."""

    length = PasswordLengthOut()
    revision = rest.CharField()


class DeletedPeopleIn(StrictSerializer):
    """What history is to keep of people who are deleted."""

    historyKeeps = rest.ChoiceField(choices=Kept.values)


class DeletedPeopleOut(rest.Serializer[Any]):
    """What it keeps."""

    historyKeeps = rest.ChoiceField(choices=Kept.values)
    revision = rest.CharField()
