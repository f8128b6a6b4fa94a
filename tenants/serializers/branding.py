"""Shapes of an organization's look."""

from typing import Any

from rest_framework import serializers as rest

from tenants.actions.branding import LONGEST
from tenants.pictures import MOST_BYTES
from tenants.rest import StrictSerializer


class BrandingIn(StrictSerializer):
    """What to choose; an empty text goes back to the portal's own, what is left out stays."""

    name = rest.CharField(max_length=LONGEST, required=False, allow_blank=True)
    colour = rest.CharField(
        max_length=7, required=False, allow_blank=True, help_text="Of the light theme, like `#1d4ed8`"
    )
    onSignIn = rest.BooleanField(
        required=False, help_text="Whether whoever knows the sign-in page's address sees it there"
    )

    def to_internal_value(self, data: Any) -> Any:
        """A switch is true or false: "yes" and 1 are neither."""
        if isinstance(data, dict) and not isinstance(data.get("onSignIn", False), bool):
            raise rest.ValidationError({"onSignIn": ["true or false is needed."]}, "invalid")
        return super().to_internal_value(data)


class LogoIn(StrictSerializer):
    """A picture, PNG or JPEG by its content."""

    picture = rest.CharField(
        max_length=-(-MOST_BYTES // 3) * 4,
        trim_whitespace=False,
        help_text="The file in base64 (RFC 4648 §4); at most 64 kB before that",
    )


class LogoOut(rest.Serializer[Any]):
    """The logo as it is kept: the picture alone."""

    url = rest.URLField()
    kind = rest.ChoiceField(choices=["png", "jpeg"])
    width = rest.IntegerField()
    height = rest.IntegerField()


class BrandingOut(rest.Serializer[Any]):
    """``colourInDark`` is what the dark theme has of the hue. ``registeredName`` is always shown, too."""

    registeredName = rest.CharField()
    name = rest.CharField()
    colour = rest.CharField()
    colourInDark = rest.CharField()
    onSignIn = rest.BooleanField()
    logo = LogoOut(allow_null=True)
    revision = rest.CharField()
