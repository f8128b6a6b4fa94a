"""Which doors ask again who acts, and why: the table that a person can read."""

# Page → why it asks again, and the act of REST that is the same. The other way round: what is not here asks
# nobody.
_CLIENT = "applications/{application_id}/clients/{client_id}"
_GROUP, _USER = "groups/{group_id}", "users/{user_id}"
_MEMBER = "groups/<uuid:group_id>/members/<uuid:user_id>"
_PROVIDER = "settings/identity-providers/<provider_key:provider_key>"
_OF_PROVIDER = "identity-providers/{provider_key}"
NOWHERE = ""  # a person's own matter, or the platform's: the page alone does it
PAGES = {
    "account/copy": ("all about oneself at once", NOWHERE),
    "account/factors/<uuid:factor_id>/remove": ("own factors", NOWHERE),
    "account/factors/<uuid:factor_id>/rename": ("own factors", NOWHERE),
    "account/factors/app": ("own factors", NOWHERE),
    "account/factors/codes": ("own factors", NOWHERE),
    "account/factors/passkey": ("own factors", NOWHERE),
    "applications/<client_id:application_id>/certificates/new": (
        "credentials",
        f"POST {_CLIENT}/certificates",
    ),
    "applications/<client_id:application_id>/certificates/new-subject": (
        "credentials",
        f"POST {_CLIENT}/certificates",
    ),
    "applications/<client_id:application_id>/clients/<client_id:client_id>": (
        "its proof, and where codes go",
        f"PATCH {_CLIENT}",
    ),
    "applications/<client_id:application_id>/issuers/new": ("credentials", f"POST {_CLIENT}/trusted-issuers"),
    "applications/<client_id:application_id>/keys/new": ("credentials", f"POST {_CLIENT}/keys"),
    "applications/<client_id:application_id>/manifest/edit": (
        "what roles hold",
        "PUT applications/{application_id}/manifest",
    ),
    "applications/<client_id:application_id>/public-client": (
        "where codes go",
        "POST applications/{application_id}/clients",
    ),
    "applications/<client_id:application_id>/retire": ("for good", "DELETE applications/{application_id}"),
    "applications/<client_id:application_id>/secrets/new": ("credentials", f"POST {_CLIENT}/secrets"),
    "assignments/<uuid:assignment_id>/withdraw": ("roles", "DELETE assignments/{assignment_id}"),
    "assignments/add": ("roles", "POST assignments"),
    "contracts/<uuid:contract_id>/accept": ("required roles", "POST contracts/{contract_id}/accept"),
    "contracts/<uuid:contract_id>/amend": (
        "what a partner may, and narrowing takes effect at once",
        "POST contracts/{contract_id}/amendments",
    ),
    "contracts/<uuid:contract_id>/amendments/<uuid:amendment_id>/accept": (
        "what a partner may",
        "POST contracts/{contract_id}/amendments/{amendment_id}/accept",
    ),
    "contracts/<uuid:contract_id>/confirm": ("what a partner may", "POST contracts/{contract_id}/confirm"),
    "contracts/<uuid:contract_id>/end": ("for good", "POST contracts/{contract_id}/end"),
    # Whoever auto-accepts our offers has it at once; the wizard can propose with its last button.
    "contracts/<uuid:contract_id>/propose": ("what a partner may", "POST contracts/{contract_id}/propose"),
    "contracts/new": ("what a partner may", "POST contracts/{contract_id}/propose"),
    "create-role": ("roles", "POST roles"),
    "groups/<uuid:group_id>": ("roles, by membership", f"PUT {_GROUP}/members/{{user_id}}"),
    "groups/<uuid:group_id>/delete": ("for good, and many lose its roles", f"DELETE {_GROUP}"),
    "groups/<uuid:group_id>/move": ("roles, by place", f"POST {_GROUP}/move"),
    f"{_MEMBER}/change": ("roles, by membership", f"PUT {_GROUP}/members/{{user_id}}"),
    f"{_MEMBER}/remove": ("roles, by membership", f"DELETE {_GROUP}/members/{{user_id}}"),
    "partners/<uuid:partnership_id>/accepting": (
        "contracts, unseen",
        "PUT partnerships/{partnership_id}/auto-accept",
    ),
    "partners/<uuid:partnership_id>/confirm": (
        "who is trusted",
        "POST partnerships/{partnership_id}/confirm",
    ),
    "partners/<uuid:partnership_id>/end": ("for good", "POST partnerships/{partnership_id}/end"),
    "platform/keys/<str:kid>/withdraw": ("keys", NOWHERE),
    "platform/keys/rotate": ("keys", NOWHERE),
    "platform/organizations/<uuid:organization_id>/invite-again": (
        "the first administrator",
        "POST organizations/{organization_id}/resend-invitation",
    ),
    "platform/organizations/<uuid:organization_id>/suspend": (
        "shuts everybody out",
        "POST organizations/{organization_id}/suspend",
    ),
    "platform/organizations/create": ("the first administrator", "POST organizations"),
    "register-application": ("credentials", "POST applications"),
    "roles/<role_key:key>/delete": ("roles", "DELETE roles/{key}"),
    "roles/<role_key:key>/edit": ("roles", "PUT roles/{key}"),
    "account/identities/link": ("another way in", NOWHERE),
    "account/identities/<provider_key:provider_key>/add": ("another way in", NOWHERE),
    "account/identities/<provider_key:provider_key>/remove": ("own ways in", NOWHERE),
    "settings/new-identity-provider": ("who vouches for people", "POST identity-providers"),
    f"{_PROVIDER}/change": ("who vouches for people", f"PATCH {_OF_PROVIDER}"),
    f"{_PROVIDER}/delete": ("for good", f"DELETE {_OF_PROVIDER}"),
    f"{_PROVIDER}/mappers/new": ("roles, by groups", f"POST {_OF_PROVIDER}/mappers"),
    f"{_PROVIDER}/mappers/<uuid:mapper_id>": (
        "roles, by groups",
        f"PUT {_OF_PROVIDER}/mappers/{{mapper_id}}",
    ),
    f"{_PROVIDER}/mappers/<uuid:mapper_id>/delete": (
        "roles, by groups",
        f"DELETE {_OF_PROVIDER}/mappers/{{mapper_id}}",
    ),
    f"{_PROVIDER}/people/add": ("lets somebody in", f"PUT {_OF_PROVIDER}/people/{{user_id}}"),
    f"{_PROVIDER}/people/<uuid:user_id>/remove": (
        "shuts somebody out",
        f"DELETE {_OF_PROVIDER}/people/{{user_id}}",
    ),
    "settings/life-times": ("sign-in rules", "PATCH lifetimes"),
    "settings/passwords": ("sign-in rules", "PATCH password-rules"),
    "settings/second-factors": ("sign-in rules", "PUT second-factors"),
    "settings/workbook": (
        "what roles hold, who is in groups, what providers move",
        "POST configuration:apply",
    ),
    "users/<uuid:user_id>/copy": ("all about a person at once", f"POST {_USER}/export"),
    "users/<uuid:user_id>/change": ("the mailbox gets links to set a password", f"PATCH {_USER}"),
    "users/<uuid:user_id>/delete": ("for good", f"DELETE {_USER}"),
    "users/<uuid:user_id>/reactivate": ("gives roles back", f"POST {_USER}/reactivate"),
    "users/<uuid:user_id>/reset-factors": ("somebody's factors", f"POST {_USER}/reset-factors"),
    "users/invite": ("lets somebody in", "POST users"),
    "scim-tokens/new": ("credentials", "POST scim-tokens"),
    "webhooks/<uuid:webhook_id>/edit": ("where events go", "PATCH webhooks/{webhook_id}"),
    # Pausing asks nobody: it is taken back by a click. What listens for intruders must not end by one.
    "webhooks/<uuid:webhook_id>/end": ("for good", "DELETE webhooks/{webhook_id}"),
    "webhooks/<uuid:webhook_id>/secrets/new": ("secrets", "POST webhooks/{webhook_id}/secrets"),
    "webhooks/new": ("secrets", "POST webhooks"),
}
REST_ALONE = {"POST assignments:batch"}  # several acts of those at once
