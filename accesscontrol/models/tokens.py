"""The toolkit's token tables, swapped so that each row belongs to a tenant. Service tokens have no row."""

from django.db import models
from oauth2_provider.models import AbstractAccessToken, AbstractGrant, AbstractIDToken, AbstractRefreshToken

from tenants.models import Tenant


class AccessToken(AbstractAccessToken):
    """An access token of a person."""

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")

    class Meta(AbstractAccessToken.Meta):
        pass


class RefreshToken(AbstractRefreshToken):
    """A refresh token, rotated at each use."""

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")

    class Meta(AbstractRefreshToken.Meta):
        pass


class IDToken(AbstractIDToken):
    """An ID token."""

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")

    class Meta(AbstractIDToken.Meta):
        pass


class Grant(AbstractGrant):
    """An authorization code."""

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")

    class Meta(AbstractGrant.Meta):
        pass
