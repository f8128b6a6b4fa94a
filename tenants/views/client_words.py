"""Fields of the record of OAuth clients in people's words."""

from django.utils.translation import gettext_lazy

FIELDS = {
    "assertionForTokenEndpoint": gettext_lazy("Assertions made for the token endpoint are taken"),
    "authenticationMethod": gettext_lazy("Proves itself by"),
    "backchannelLogoutUri": gettext_lazy("Address for sign-outs"),
    "dpop": gettext_lazy("Proof of a key"),
    "ignoreUnknownScopes": gettext_lazy("Unknown scopes are ignored"),
    "postLogoutRedirectUris": gettext_lazy("Addresses after signing out"),
    "pushedRequests": gettext_lazy("Pushed requests"),
    "redirectUris": gettext_lazy("Addresses after signing in"),
    "scopeAliases": gettext_lazy("Other names of scopes"),
    "secretEitherWay": gettext_lazy("Its secret is taken in the form, too"),
    "tokenExchange": gettext_lazy("It may exchange tokens"),
    "webOrigins": gettext_lazy("Origins of its pages"),
}
