"""Verbs and objects of the record, for actions that are said in the plain way: ``created the group``.

Each verb is a sentence of its own, since other languages put its parts elsewhere. A translation may end with
a colon, for the object's name that follows.
"""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

VERBS: Mapping[str, str | Promise] = {
    "accepted": gettext_lazy("accepted the %(noun)s"),
    "activated": gettext_lazy("activated the %(noun)s"),
    "changed": gettext_lazy("changed the %(noun)s"),
    "created": gettext_lazy("created the %(noun)s"),
    "declined": gettext_lazy("declined the %(noun)s"),
    "defined": gettext_lazy("defined the %(noun)s"),
    "deleted": gettext_lazy("deleted the %(noun)s"),
    "drafted": gettext_lazy("drafted the %(noun)s"),
    "ended": gettext_lazy("ended the %(noun)s"),
    "moved": gettext_lazy("moved the %(noun)s"),
    "paused": gettext_lazy("paused the %(noun)s"),
    "planned": gettext_lazy("planned the %(noun)s"),
    "proposed": gettext_lazy("proposed the %(noun)s"),
    "published": gettext_lazy("published the %(noun)s"),
    "registered": gettext_lazy("registered the %(noun)s"),
    "renamed": gettext_lazy("renamed the %(noun)s"),
    "resumed": gettext_lazy("resumed the %(noun)s"),
    "retired": gettext_lazy("retired the %(noun)s"),
    "suspended": gettext_lazy("suspended the %(noun)s"),
    "withdrawn": gettext_lazy("withdrew the %(noun)s"),
}
# After "the": other languages bend the word.
NOUNS: Mapping[str, str | Promise] = {
    "acl": pgettext_lazy("the", "access list"),
    "application": pgettext_lazy("the", "application"),
    "contract": pgettext_lazy("the", "contract"),
    "group": pgettext_lazy("the", "group"),
    "identity_provider": pgettext_lazy("the", "identity provider"),
    "partnership": pgettext_lazy("the", "partnership"),
    "resource": pgettext_lazy("the", "resource"),
    "role": pgettext_lazy("the", "role"),
    "signing_key": pgettext_lazy("the", "signing key"),
    "tenant": pgettext_lazy("the", "organization"),
    "user": pgettext_lazy("the", "user"),
    "webhook": pgettext_lazy("the", "webhook to"),
}


def said(action: str) -> str:
    """``contract.paused`` as a phrase; of what is not known here, its own words."""
    noun, _dot, verb = action.partition(".")
    words = {"noun": str(NOUNS.get(noun, noun.replace("_", " ")))}
    if verb in VERBS:
        return str(VERBS[verb]) % words
    return _("%(verb)s the %(noun)s") % {**words, "verb": verb.replace("_", " ")}
