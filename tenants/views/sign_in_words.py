"""How the record speaks of coming in, of directories, and of what people do with their own account."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

PHRASES: Mapping[str, str | Promise] = {
    "session.others_ended": gettext_lazy("signed out everywhere else"),
    "session.refused": gettext_lazy("tried in vain to sign in as"),
    "session.unknown": gettext_lazy("tried in vain to sign in with an unknown name at"),
    "user.address_asked": gettext_lazy("asked for another e-mail address of"),
    "user.external_id_changed": gettext_lazy("changed the directory's id of"),
    "group.external_id_changed": gettext_lazy("changed the directory's id of the group"),
    "scim_token.added": gettext_lazy("made the SCIM token"),
    "scim_token.revoked": gettext_lazy("revoked the SCIM token"),
    "tenant.password_rules_changed": gettext_lazy("changed the rules of passwords of"),
}
REFLEXIVE: Mapping[str, str | Promise] = {
    "session.others_ended": gettext_lazy("signed out everywhere else"),
    "user.address_asked": gettext_lazy("asked for another e-mail address"),
}
