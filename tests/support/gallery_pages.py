"""Which pages the gallery shows, found by following the lists of the portal itself."""

from typing import NamedTuple

from playwright.sync_api import Page

STATES = (
    *("in_force", "paused", "scheduled", "proposed", "draft"),
    *("declined", "ended", "withdrawn", "lapsed"),
)


class Shot(NamedTuple):
    """One page; ``clicks`` open a menu, a dialog or a later step on it first."""

    name: str
    path: str
    clicks: tuple[str, ...] = ()


OUTSIDE = [
    Shot("organization", "/"),
    Shot("organization-asked", "/asked"),
    Shot("sign-in", "/t/acme/sign-in"),
    Shot("sign-in-ended", "/t/acme/sign-in?ended=yes"),
    Shot("set-password", "/t/acme/set-password?token=none"),
    Shot("join", "/join"),
    Shot("signed-out", "/auth/realms/acme/protocol/openid-connect/logout"),
    Shot("not-found", "/nothing-here"),
]
_PLAIN = [
    ("overview", ""),
    ("account", "account"),
    ("search-found", "search?q=a"),
    ("refused", "users"),
    ("refused-contracts", "contracts"),
    ("refused-activity", "activity"),
    ("not-found", "groups/00000000-0000-0000-0000-000000000000"),
]
WHOLE = [
    ("overview", ""),
    ("applications", "applications"),
    ("applications-none", "applications?q=nothing-like-this"),
    ("application-register", "register-application"),
    ("contracts", "contracts"),
    ("contracts-none", "contracts?state=lapsed&side=provided&q=nothing-like-this"),
    ("contracts-ending", "contracts?show=ending"),
    ("contracts-unused", "contracts?show=unused"),
    ("overview-all-tasks", "?tasks=all"),
    ("wizard", "contracts/new"),
    ("network", "network"),
    ("network-planned", "network?at=2027-12-01T12:00"),
    ("network-none", "network?at=2020-01-01T00:00"),
    ("users", "users"),
    ("user-invite", "users/invite"),
    ("groups", "groups"),
    ("group-create", "groups/create"),
    ("assignments", "assignments"),
    ("roles", "roles"),
    ("role-create", "create-role"),
    ("role-of-portal", "roles/of/iam-portal/access-manager"),
    ("role-of-portal-holders", "roles/of/iam-portal/access-manager/holders"),
    ("assignment-whom", "assignments/add"),
    ("access", "access"),
    ("access-portal", "access?application=iam-portal"),
    ("access-compared", "access?application=iam-portal&at=2020-01-01T00:00&other=2040-01-01T00:00"),
    ("access-no-moment", "access?application=iam-portal&at=yesterday"),
    ("access-decision", "access/decision"),
    ("access-decision-many", "access/decision?who=a&application=iam-portal&privilege=read"),
    ("access-token", "access/token"),
    ("partners", "partners"),
    ("partner-invite", "partners/invite"),
    ("partner-redeem", "partners/redeem"),
    ("events", "events"),
    ("events-contracts", "events?kind=contract&since=2020-01-01T00:00"),
    ("events-none", "events?subject=nothing-like-this"),
    ("webhooks", "webhooks"),
    ("webhook-new", "webhooks/new"),
    ("scim-tokens", "scim-tokens"),
    ("scim-token-new", "scim-tokens/new"),
    ("activity", "activity"),
    ("activity-contracts", "activity?group=contracts"),
    ("activity-searched", "activity?actor=a&action=contract.*"),
    ("reports", "reports"),
    ("report-administrators", "reports/administrators"),
    ("report-accounts", "reports/idle-accounts?days=1"),
    ("report-credentials", "reports/credentials"),
    ("report-contracts", "reports/contracts-in-force"),
    ("report-unused", "reports/unused-contracts?days=400"),
    ("account", "account"),
    ("account-change", "account/change"),
    ("account-copy", "account/copy"),
    ("account-password", "account/password"),
    ("account-address", "account/email"),
    ("account-address-spent", "account/email/prove"),
    ("account-end-others", "account/sessions/end-others"),
    ("settings-passwords", "settings/passwords"),
    ("search", "search"),
    ("search-found", "search?q=a"),
    ("search-none", "search?q=nothing-like-this"),
    ("search-role", "search?q=viewer"),
    ("settings", "settings"),
    ("settings-branding", "settings/branding"),
    ("identity-providers", "settings/identity-providers"),
    ("identity-provider-create", "settings/new-identity-provider"),
    ("settings-logo", "settings/branding/logo"),
    ("settings-lifetimes", "settings/life-times"),
    ("settings-deleted-people", "settings/deleted-people"),
    ("settings-second-factors", "settings/second-factors"),
    ("settings-workbook", "settings/workbook"),
    ("factors", "account/factors"),
    ("own-identities", "account/identities"),
    ("factor-app", "account/factors/app"),
    ("factor-passkey", "account/factors/passkey"),
    ("identity-confirm", "account/confirm"),
    ("not-found", "contracts/00000000-0000-0000-0000-000000000000"),
]

PLATFORM = "platform"
_OPERATED = [
    ("organizations", "organizations"),
    ("organizations-suspended", "organizations?state=suspended"),
    ("organizations-none", "organizations?q=nothing-like-this"),
    ("organization-create", "organizations/create"),
    ("organization-slug-taken", "organizations/create?slug=acme"),
    ("jobs", "jobs"),
    ("keys", "keys"),
    ("keys-rotate", "keys/rotate"),
    ("system", "system"),
]

_WHY = (".held .more:last-of-type > summary", ".held .more:first-of-type > summary")


def pages_of(page: Page, base: str, slug: str, *, whole: bool) -> list[Shot]:
    """Everything that this person can open; ``whole`` for who may see everything."""
    root = f"/t/{slug}/"
    if slug == PLATFORM:
        return _operated(_Finder(page, base, f"{root}platform/"))
    shots = [Shot(name, root + path) for name, path in (WHOLE if whole else _PLAIN)]
    if not whole:
        return shots
    finder = _Finder(page, base, root)
    typing = Shot("overview-search", root, (".shell-search input",))
    menu = Shot("overview-account-menu", root, (".shell-top .menu-end > summary",))
    asked = Shot("sign-out-asked", f"/auth/realms/{slug}/protocol/openid-connect/logout")
    further, named = "button[value='next']", f"{root}register-application?display_name=Gate&name=gate"
    steps = [
        Shot("application-register-kind", named, (further,)),
        Shot("application-register-web", named, (further, "input[value='web']", further)),
        Shot("application-register-key", named, (further, "input[value='key']", further)),
    ]
    why = Shot("access-portal-why", f"{root}access?application=iam-portal", _WHY)
    shots += [menu, typing, asked, why, *steps]
    return [*shots, *_contracts(finder), *_applications(finder), *_people(finder)]


class _Finder:
    """Follows the first link of a list."""

    def __init__(self, page: Page, base: str, root: str) -> None:
        self.page, self.base, self.root = page, base, root

    def first(self, path: str, selector: str = "td.table-name a", text: str = "") -> str:
        """The path behind the first link of a page, or an empty string."""
        self.page.goto(self.base + self.root + path)
        link = self.page.locator(selector)
        link = link.filter(has_text=text) if text else link
        return (link.first.get_attribute("href") or "") if link.count() else ""


def _operated(finder: _Finder) -> list[Shot]:
    shots = [Shot(name, finder.root + path) for name, path in _OPERATED]
    for state, acts in (
        ("active", ("rename", "suspend")),
        ("suspended", ("resume",)),
        ("invited", ("invite-again",)),
    ):
        path = finder.first(f"organizations?state={state}")
        if path:
            shots.append(Shot(f"organization-{state}", path))
            shots += [Shot(f"organization-{state}-{act}", f"{path}/{act}") for act in acts]
    withdraw = finder.first("keys", "td.table-act a, td a.btn")
    return [*shots, *([Shot("keys-withdraw", withdraw)] if withdraw else [])]


def _contracts(finder: _Finder) -> list[Shot]:
    shots = []
    for side in ("provided", "received"):
        for state in STATES:
            path = finder.first(f"contracts?state={state}&side={side}")
            if not path:
                continue
            shots.append(Shot(f"contract-{state}-{side}", path))
            shots += [
                Shot(f"contract-{state}-{side}-{act}", f"{path}/{act}")
                for act in _ACTS.get((state, side), ())
            ]
            if (state, side) == ("in_force", "provided"):
                menu = ".page-actions .menu > summary"
                shots.append(Shot("contract-menu", path, (menu,)))
                shots.append(Shot("contract-dialog", path, (menu, ".page-actions a[href$='/pause']")))
            if state == "draft":
                further = "button[value='next']"
                shots.append(Shot("wizard-terms", f"{path}/edit", (further,)))
                shots.append(Shot("wizard-summary", f"{path}/edit", (further, further)))
    event = finder.first("events?kind=contract")
    shots += [Shot("event", event)] if event else []
    return shots


_ACTS = {
    ("in_force", "provided"): ("pause", "end", "amend"),
    ("in_force", "received"): ("end",),
    ("paused", "provided"): ("resume",),
    ("proposed", "provided"): ("withdraw",),
    ("proposed", "received"): ("accept", "decline"),
    ("draft", "provided"): ("propose", "edit"),
}


_OWNED = (
    *("served", "manifest", "manifest/edit", "credentials", "edit", "suspend", "retire", "secrets/new"),
    *("keys/new", "certificates/new", "certificates/new-subject", "issuers/new", "public-client"),
)
_DECLARED = ("resources", "calls", "callers")


def _applications(finder: _Finder) -> list[Shot]:
    shots = []
    for name, query in (
        ("owned", "relation=owned"),
        ("shared", "relation=shared&state=available"),
        ("unavailable", "state=unavailable"),
    ):
        path = finder.first(f"applications?{query}")
        if not path:
            continue
        shots += [Shot(f"application-{name}", path), Shot(f"application-{name}-access", f"{path}/access")]
        shots += [Shot(f"application-{name}-{part}", f"{path}/{part}") for part in _DECLARED]
        key = path.rpartition("/")[2]
        token = f"access/token?client={key}&grant=client_credentials&target=iam-portal"
        shots += [
            Shot(f"access-{name}", f"{finder.root}access?application={key}"),
            Shot(f"access-token-{name}", f"{finder.root}{token}"),
        ]
        if name == "owned":
            shots += [Shot(f"application-{each.replace('/', '-')}", f"{path}/{each}") for each in _OWNED]
            shots.append(Shot("client-settings", f"{path}/clients/{path.rpartition('/')[2]}"))
    return shots


_OF_ROLE = ("", "holders", "edit", "delete")


def _people(finder: _Finder) -> list[Shot]:
    user = finder.first("users")
    group = finder.first("groups", ".tree-row a")
    partner = finder.first("partners")
    role = finder.first("roles?kind=own")
    shots = []
    if role:
        shots += [Shot(f"role-{act or 'own'}", f"{role}/{act}".rstrip("/")) for act in _OF_ROLE]
    if user:
        shots += [Shot("user", user), Shot("user-deactivate", f"{user}/deactivate")]
        shots.append(Shot("user-delete", f"{user}/delete"))
        asked = f"who=user:{user.rsplit('/')[-1]}&application=iam-portal&resource=urn:iam:portal/"
        for name, resource in (("yes", "OwnAccount"), ("no", "Keys")):
            path = f"{finder.root}access/decision?{asked}{resource}&privilege=modify"
            shots.append(Shot(f"access-decision-{name}", path))
        shots.append(Shot("assignment-add", f"{finder.root}assignments/add?user={user.rsplit('/')[-1]}"))
    if group:
        shots += [Shot("group", group), Shot("group-delete", f"{group}/delete")]
    if partner:
        shots += [Shot("partner", partner), Shot("partner-end", f"{partner}/end")]
        shots.append(Shot("network-pair", finder.first("network")))
    return shots
