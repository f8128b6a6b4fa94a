"""Shapes of life times, in seconds."""

from typing import Any

from rest_framework import serializers as rest

from tenants.rest import StrictSerializer

MOST = 2**31 - 1  # of the column; the bounds are the action's


def _choice() -> rest.IntegerField:
    return rest.IntegerField(required=False, allow_null=True, min_value=1, max_value=MOST)


class LifetimesIn(StrictSerializer):
    """What to choose; ``null`` goes back to the default, what is left out stays."""

    accessTokenSeconds = _choice()
    refreshIdleSeconds = _choice()
    offlineIdleSeconds = _choice()
    sessionIdleSeconds = _choice()
    sessionSeconds = _choice()
    proofSeconds = _choice()

    def to_internal_value(self, data: Any) -> Any:
        """Whole numbers: "300", 300.0 and true are none."""
        if isinstance(data, dict):
            wrong = [name for name, value in data.items() if value is not None and type(value) is not int]
            if wrong:
                raise rest.ValidationError(
                    {str(name): ["A whole number of seconds is needed."] for name in wrong}, "invalid"
                )
        return super().to_internal_value(data)


class LifetimeOut(rest.Serializer[Any]):
    """``chosen`` is null where nothing was; ``inForce`` is what counts."""

    chosen = rest.IntegerField(allow_null=True)
    inForce = rest.IntegerField()
    default = rest.IntegerField()
    least = rest.IntegerField()
    most = rest.IntegerField()


class LifetimesOut(rest.Serializer[Any]):
    """Idle limits are of refreshing, of offline sign-ins and the console; a session has a whole life, too.

    ``proofSeconds``: how long password or passkey count before acts that give power or cannot be undone.
    """

    accessTokenSeconds = LifetimeOut()
    refreshIdleSeconds = LifetimeOut()
    offlineIdleSeconds = LifetimeOut()
    sessionIdleSeconds = LifetimeOut()
    sessionSeconds = LifetimeOut()
    proofSeconds = LifetimeOut()
    revision = rest.CharField()
