"""Which files an ordinary run takes by turns: those that are dear, and all that stand on a running portal.

Every day others come, after some days all have; CI takes all of them every time. A file whose tests are many
alike says ``exhaustive(n)`` for them instead, and is there every day with a share.
"""

# By days: more than four seconds of a processor, more than two; the dearest first, so that days are alike.
_DEAR = {
    4: (
        "architecture/german",
        "accesscontrol/configuration/changes",
        "applications/pages",
        "accesscontrol/escalation",
        "architecture/conventions",
        "accesscontrol/configuration/escalation",
        "accesscontrol/configuration/document",
        "tenants/search",
        "applications/overview",
        "accesscontrol/oauth/token_preview",
        "applications/page_acts",
        "accesscontrol/oauth/attack_redirects",
        "tenants/walls",
        "applications/network",
        "accesscontrol/application_access_pages",
        "applications/amendments",
        "accesscontrol/oauth/code_flow",
        "tenants/nobody_is_shut_out",
        "tenants/second_step",
        "accesscontrol/oauth/people_tokens",
        "tenants/own_account",
        "accesscontrol/required_factors",
        "accesscontrol/impact_of_people",
        "applications/manifest_doors",
        "accesscontrol/required_roles",
        "tenants/passkeys",
        "accesscontrol/superseding",
        "accesscontrol/access_simulators",
        "accesscontrol/may_grant",
        "accesscontrol/oauth/authorize",
        "applications/amendment_doors",
        "tenants/merging",
        "tenants/sign_in_limits",
        "accesscontrol/oauth/access_review",
        "tenants/entry_pages",
        "accesscontrol/oauth/places_in_time",
        "architecture/ways_out",
        "tenants/branding",
        "accesscontrol/oauth/issue",
        "accesscontrol/oauth/refresh",
        "applications/client_credentials",
        "accesscontrol/role_pages",
    ),
    3: (
        "accesscontrol/reports",
        "accesscontrol/no_way_around",
        "accesscontrol/acl_delta",
        "accesscontrol/escalation_sharing",
        "accesscontrol/oauth/decisions",
        "applications/client_pages",
        "accesscontrol/last_administrator",
        "accesscontrol/own_resources",
        "applications/job",
        "applications/client_settings",
        "accesscontrol/platform_founding",
        "accesscontrol/oauth/attack_codes",
        "tenants/people_doors",
        "accesscontrol/oauth/revocation",
        "accesscontrol/administrators_by_plan",
        "accesscontrol/access_explorer",
        "tenants/member_spans",
        "accesscontrol/escalation_in_time",
        "applications/webhook_troubles",
        "tenants/idempotency",
        "applications/manifest_size",
        "tenants/http",
        "accesscontrol/role_editing",
        "accesscontrol/configuration/command",
        "applications/manifests_at_once",
        "accesscontrol/own_resource_lists",
        "applications/usage",
        "applications/registering",
        "tenants/plain_names",
        "accesscontrol/platform_organizations",
        "accesscontrol/oauth/client_key_attacks",
        "applications/manifest_hostile",
        "tenants/sessions",
        "accesscontrol/oauth/rotation",
        "accesscontrol/oauth/conformance_requests",
        "architecture/packaging",
        "accesscontrol/oauth/client_keys",
        "applications/impact_at_once",
        "applications/boundaries",
        "accesscontrol/oauth/userinfo",
        "accesscontrol/oauth/logout",
        "applications/public_clients",
        "tenants/recent_proof",
        "accesscontrol/oauth/doors",
    ),
}
# One group a day, so that one portal is started, and not one for each of a few tests.
_ON_PORTALS = (
    ("browser/story_of_administrator", "browser/story_of_contract_manager"),
    ("journeys/promptness", "journeys/secrets", "journeys/story", "journeys/watched", "journeys/at_once"),
    ("browser/network", "browser/platform", "browser/sign_in", "browser/apache_sign_in", "browser/own_look"),
    ("journeys/many_machines",),
    ("browser/story_of_user", "browser/story_of_operator"),
    (
        "journeys/floods",
        "journeys/openid_client",
        "journeys/python_clients",
        "journeys/snippets",
        "journeys/gateway",
        "journeys/introspecting_gateways",
    ),
    ("browser/pages",),
    (
        "journeys/no_stale_token",
        "journeys/certificates",
        "journeys/certificates_nginx",
        "journeys/integrations/application_suite",
        "journeys/integrations/fleet_platform",
        "journeys/integrations/identity_broker",
        "journeys/integrations/vehicle_gateway",
        "journeys/integrations/written_down",
    ),
    ("browser/roles", "browser/shell", "browser/openid_client"),
    ("browser/valid", "browser/live_view", "browser/passkeys"),
)


def _file(name: str) -> str:
    folder, _, file = name.rpartition("/")
    return f"tests/{folder}/test_{file}.py"


# File of tests → in how many days it comes once, and on which of them.
TURNS = {
    **{_file(name): (days, at % days) for days, names in _DEAR.items() for at, name in enumerate(names)},
    **{_file(name): (len(_ON_PORTALS), at) for at, names in enumerate(_ON_PORTALS) for name in names},
}


def turn(file: str, day: int) -> int | None:
    """The number of its turn, if it comes that day: whatever is in no table comes every day."""
    days, at = TURNS.get(file, (1, 0))
    return day // days if day % days == at else None
