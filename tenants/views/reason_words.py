"""Why somebody was refused, as the record keeps it: codes for machines, a few words for people."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

REASONS: Mapping[str, str | Promise] = {
    "application_is_portal": gettext_lazy("it is the portal itself"),
    "application_retired": gettext_lazy("the application is retired"),
    "application_suspended": gettext_lazy("the application is suspended"),
    "caller_not_available": gettext_lazy("the caller is not available here"),
    "contract_ended": gettext_lazy("the contract has ended"),
    "contract_not_started": gettext_lazy("the contract has not begun"),
    "contract_paused": gettext_lazy("the contract is paused"),
    "group_has_subgroups": gettext_lazy("the group has subgroups"),
    "no_contract": gettext_lazy("no contract shares it"),
    "no_common_role": gettext_lazy("no role is held by both"),
    "no_role_held": gettext_lazy("no role is held"),
    "not_access_manager": gettext_lazy("only an Access Manager hands out roles of applications"),
    "owner_suspended": gettext_lazy("the owner is suspended"),
    "permission_lacking": gettext_lazy("no role held contains it"),
    "permission_not_held": gettext_lazy("a permission is missing"),
    "principal_inactive": gettext_lazy("the account is not active"),
    "provider_lost_role": gettext_lazy("the provider lost the role"),
    "resource_unknown": gettext_lazy("there is no such resource"),
    "role_empty": gettext_lazy("the role holds nothing"),
    "role_not_granted": gettext_lazy("the role is not granted here"),
    "role_not_shareable": gettext_lazy("the role cannot be shared"),
    "self_audience": gettext_lazy("nobody calls himself"),
    "tenant_suspended": gettext_lazy("the organization is suspended"),
    "token_narrowed": gettext_lazy("the token carries some roles only"),
}
