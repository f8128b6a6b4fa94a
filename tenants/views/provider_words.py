"""Identity providers, links and mappers in the words of the record."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

Words = Mapping[str, str | Promise]
FIELDS: Words = {
    "claim": gettext_lazy("Claim"),
    "default": gettext_lazy("Sign-ins go there at once"),
    "enabled": gettext_lazy("On"),
    "linked": gettext_lazy("Linked people"),
    "makesPeople": gettext_lazy("Makes new people"),
    "mapper": gettext_lazy("Mapper"),
    "position": gettext_lazy("Place on the sign-in page"),
    "provider": gettext_lazy("Identity provider"),
    "providerName": gettext_lazy("Name of the provider"),
    "scopes": gettext_lazy("Scopes"),
    "secondFactorAcr": gettext_lazy("Its word (acr) for a second factor"),
    "secret": gettext_lazy("Secret"),
    "template": gettext_lazy("Template"),
    "trustsEmail": gettext_lazy("Its e-mail addresses count as proven"),
    "trustsSecondFactor": gettext_lazy("Its second factor counts"),
    "when": gettext_lazy("When"),
}
PHRASES: Words = {
    "identity.linked": gettext_lazy("linked an account at a provider to"),
    "identity.unlinked": gettext_lazy("took the account at a provider from"),
    "mapper.created": gettext_lazy("made a mapper of"),
    "mapper.changed": gettext_lazy("changed a mapper of"),
    "mapper.deleted": gettext_lazy("deleted a mapper of"),
    "mapper.refused": gettext_lazy("could not let a mapper act for"),
}
