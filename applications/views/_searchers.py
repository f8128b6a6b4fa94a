"""What the search finds of applications, contracts and subscriptions."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from applications import policies
from applications.http import address
from applications.models import (
    Amendment,
    Application,
    ClientKey,
    Contract,
    ContractType,
    ServiceAccount,
)
from applications.policies import RESOURCES, either
from applications.views import _webhook
from applications.views._application import visible
from applications.views._contracts_named import contracts_named
from applications.views._standing import STANDINGS, standing
from applications.views._titles import titles
from iam_portal.gate import Privilege
from iam_portal.spelled import Spelled
from tenants.http.pages import TenantPage
from tenants.http.searching import MOST, Found, Kind, Pasted, finding, register

_WORDS = dict(STANDINGS)
COUNTED = 100  # contracts: each that fits is looked at with its roles


def find_applications(page: TenantPage, wanted: str) -> tuple[Sequence[Found], int]:
    """By id, either name, or the owner's."""
    rows, count = _APPLICATIONS(tenant=page.tenant.pk, wanted=wanted)
    return [_application(page, *row) for row in rows], count


def know_application(page: TenantPage, pasted: Pasted) -> Sequence[Found]:
    """By its id, that of its public client, its audience, a service account of it here, or a key of its."""
    name = pasted.word
    if pasted.urn is not None:
        kind, parts = pasted.urn
        name = parts[0] if kind == "application" else ""
    if not name and pasted.uuid is None:
        return ()
    own, account = name.removesuffix("-frontend"), pasted.uuid or UUID(int=0)
    rows = _KNOWN.rows(tenant=page.tenant.pk, own=own, key=name, account=account)
    return [_application(page, *row) for row in rows]


def find_contracts(page: TenantPage, wanted: str) -> tuple[Sequence[Found], int]:
    """By partner, application, role or note, as the list of contracts does: of many, among the newest."""
    if not _types(page):
        return [], 0
    ids, count = contracts_named(
        wanted, tenant_id=page.tenant.id, types=_types(page), most=COUNTED + 1, shown=MOST
    )
    return _contracts(page, ids), count


def know_contract(page: TenantPage, pasted: Pasted) -> Sequence[Found]:
    """By its id, or that of an amendment."""
    if pasted.uuid is None:
        return ()
    amended = Amendment.objects.filter(pk=pasted.uuid).values("contract")
    ids = _readable(page).filter(Q(pk=pasted.uuid) | Q(pk__in=amended)).values_list("pk", flat=True)
    return _contracts(page, list(ids))


def know_webhook(page: TenantPage, pasted: Pasted) -> Sequence[Found]:
    """By its id."""
    if pasted.uuid is None:
        return ()
    rows = _webhook.living(page.tenant).filter(pk=pasted.uuid)
    url = address("webhook-detail", page.slug, webhook_id=pasted.uuid)
    return [Found(_webhook.name_of(row), url, _("Webhook")) for row in rows]


def _readable(page: TenantPage) -> Any:
    """Contracts of the types that the person may read."""
    return policies.contracts_of(page.tenant).filter(type__in=_types(page))


def _types(page: TenantPage) -> list[str]:
    return [kind for kind in ContractType.values if page.can(f"{RESOURCES[kind]}:read")]


def _application(page: TenantPage, pk: str, display_name: str, name: str, owner: str) -> Found:
    url = address("application-detail", page.slug, application_id=pk)
    return Found(display_name or name, url, f"{pk} · {owner}")


def _known(*, tenant: UUID, own: str, key: str, account: UUID) -> QuerySet[Application, Any]:
    accounts = ServiceAccount.objects.filter(tenant=tenant, pk=account)
    keys = ClientKey.objects.filter(kid=key, client__application__owner=tenant)
    rows = visible(tenant).filter(
        Q(pk=own)
        | Q(Exists(accounts.filter(application=OuterRef("pk"))))
        | Q(Exists(keys.filter(client__application=OuterRef("pk"))))
    )
    return rows.values_list(*_TOLD)[:MOST]


_TOLD = ("pk", "display_name", "name", "owner__name")
_KNOWN = Spelled(_known, tenant=UUID, own=str, key=str, account=UUID)


def _named(*, tenant: UUID, wanted: str) -> QuerySet[Application]:
    words = Q(id__icontains=wanted) | Q(name__icontains=wanted) | Q(display_name__icontains=wanted)
    return visible(tenant).filter(words | Q(owner__name__icontains=wanted), during__endswith=None)


_APPLICATIONS = finding(_named, by="display_name", told=_TOLD, tenant=UUID)


def _contracts(page: TenantPage, ids: Sequence[UUID]) -> list[Found]:
    """Those that are found, in this order. Three queries."""
    rows = Contract.objects.filter(pk__in=ids).prefetch_related("pauses").in_bulk()
    known = titles(ids, page.tenant)
    return [_contract(page, rows[pk], known[pk].text) for pk in ids if pk in rows and pk in known]


def _contract(page: TenantPage, row: Contract, title: str) -> Found:
    url = address("contract-detail", page.slug, contract_id=row.id)
    return Found(title, url, str(_WORDS.get(standing(row, page.at), "")))


def register_all() -> None:
    """For ``AppConfig.ready``."""
    register(
        Kind(
            "applications",
            gettext_lazy("Applications"),
            "apps",
            "Modules:read",
            10,
            know_application,
            find_applications,
            "applications:application-list",
        ),
        Kind(
            "contracts",
            gettext_lazy("Contracts"),
            "contract",
            either(Privilege.READ),
            20,
            know_contract,
            find_contracts,
            "applications:contract-list",
            counted=COUNTED,
        ),
        Kind("webhooks", gettext_lazy("Webhooks"), "bell", "Webhooks:read", 80, know_webhook),
    )
