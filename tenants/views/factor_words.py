"""What the record says of second factors."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

PHRASES: Mapping[str, str | Promise] = {
    "factor.added": gettext_lazy("added a second factor for"),
    "factor.removed": gettext_lazy("removed a second factor of"),
    "factor.renamed": gettext_lazy("renamed a second factor of"),
    "factor.reset": gettext_lazy("reset the second factors of"),
    "factor.codes_made": gettext_lazy("made recovery codes for"),
    "factor.code_used": gettext_lazy("used a recovery code of"),
    "factor.guessed": gettext_lazy("gave wrong codes or passwords again and again for"),
    "factor.copied": gettext_lazy("refused a passkey that seems to be copied, of"),
    "tenant.second_factors_changed": gettext_lazy("changed who needs a second factor in"),
}
# Said of oneself, without an object.
REFLEXIVE: Mapping[str, str | Promise] = {
    "factor.added": gettext_lazy("added a second factor"),
    "factor.removed": gettext_lazy("removed a second factor"),
    "factor.renamed": gettext_lazy("renamed a second factor"),
    "factor.reset": gettext_lazy("reset the own second factors"),
    "factor.codes_made": gettext_lazy("made new recovery codes"),
    "factor.code_used": gettext_lazy("used a recovery code"),
    "factor.guessed": gettext_lazy("gave wrong codes or passwords again and again"),
}
