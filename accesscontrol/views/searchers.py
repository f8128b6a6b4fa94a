"""What the search finds of roles: those of applications that are known here, and the organization's own."""

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import BooleanField, Case, F, Func, Q, QuerySet, TextField, Value, When
from django.db.models.functions import Coalesce, NullIf
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accesscontrol.models import Assignment, TenantRole
from applications.models import ApplicationRole
from applications.models.applications import PORTAL_ID
from applications.opened import open_to
from applications.views import role_words
from tenants.http.pages import TenantPage
from tenants.http.searching import MOST, Found, Kind, Pasted, finding, register
from tenants.models import Tenant
from tenants.views.wording import address


def find_roles(page: TenantPage, wanted: str) -> tuple[Sequence[Found], int]:
    """By name or key."""
    own, own_count = _OWN(tenant=page.tenant.pk, at=page.at, wanted=wanted)
    keys = "{" + ",".join(role_words.of_portal(wanted)) + "}"
    declared, count = _DECLARED(tenant=page.tenant.pk, at=page.at, wanted=wanted, keys=keys)
    hits = [*(_own_role(page, *row) for row in own), *(_role(page, *row) for row in declared)]
    return hits[:MOST], own_count + count


def _own_named(*, tenant: UUID, at: datetime, wanted: str) -> QuerySet[TenantRole]:
    names = Q(name__icontains=wanted) | Q(key__icontains=wanted)
    return TenantRole.objects.at(at).filter(names, tenant=tenant)


def _declared_named(*, tenant: UUID, at: datetime, wanted: str, keys: str) -> QuerySet[ApplicationRole]:
    """``keys`` of the portal's roles that the reader calls so, as an array in one text."""
    meant = Func(
        F("key"),
        Value(keys, output_field=TextField()),
        template="%(expressions)s::text[])",
        arg_joiner=" = ANY(",
        output_field=BooleanField(),
    )
    words = Q(name__icontains=wanted) | Q(key__icontains=wanted) | Q(meant, application=PORTAL_ID)
    # What is known here is looked up where a name fits, and not at all where none does.
    fits = Case(When(words, then=_known(tenant, at)), default=Value(False), output_field=BooleanField())
    said = Coalesce(NullIf("application__display_name", Value("")), "application__name")
    return ApplicationRole.objects.at(at).filter(fits).annotate(said=said)


_OWN = finding(_own_named, by="name", told=("name", "key"), tenant=UUID, at=datetime)
_DECLARED = finding(
    _declared_named,
    by="name",
    told=("name", "key", "application_id", "said"),
    tenant=UUID,
    at=datetime,
    keys=str,
)


def know_role(page: TenantPage, pasted: Pasted) -> Sequence[Found]:
    """By the name that tokens and ACLs have for it, or its id; also an assignment's, by whoever holds it."""
    if pasted.urn is not None:
        return _of_urn(page, *pasted.urn)
    if pasted.uuid is None:
        return ()
    own, declared = _own(page).filter(pk=pasted.uuid), _declared(page).filter(pk=pasted.uuid)
    given = Assignment.objects.filter(tenant=page.tenant, pk=pasted.uuid)
    given = given.select_related("user", "group", "application")
    return [
        *(_own_role(page, row.name, row.key) for row in own),
        *(_role(page, row.name, row.key, row.application_id, str(row.application)) for row in declared),
        *(_held(page, row) for row in given),
    ]


def _of_urn(page: TenantPage, kind: str, parts: tuple[str, ...]) -> Sequence[Found]:
    """``urn:iam:tenant-role:<tenant>:<key>``, ``urn:iam:application-role:<tenant>:<application>:<key>``.

    Which tenant it stands for does not matter here: what it may is the same.
    """
    if kind == "tenant-role" and len(parts) == 2 and parts[0] == str(page.tenant.pk):
        return [_own_role(page, row.name, row.key) for row in _own(page).filter(key=parts[1])]
    if kind == "application-role" and len(parts) == 3:
        rows = _declared(page).filter(application_id=parts[1], key=parts[2])
        return [_role(page, row.name, row.key, row.application_id, str(row.application)) for row in rows]
    return ()


def _own(page: TenantPage) -> QuerySet[TenantRole]:
    return TenantRole.objects.at(page.at).filter(tenant=page.tenant)


def _declared(page: TenantPage) -> QuerySet[ApplicationRole]:
    return (
        ApplicationRole.objects.at(page.at).filter(_known(page.tenant, page.at)).select_related("application")
    )


def _known(tenant: Tenant | UUID, at: datetime) -> Q:
    """Of the tenant's applications, of those that are or will be shared with it, and of the portal."""
    return Q(application__in=open_to(tenant, at=at)) | Q(application=PORTAL_ID)


def _own_role(page: TenantPage, name: str, key: str) -> Found:
    url = f"{_list(page)}?{urlencode({'q': name})}"
    return Found(name, url, _("%(key)s · of your organization") % {"key": key})


def _role(page: TenantPage, name: str, key: str, application_id: str, said: str) -> Found:
    name, application = (role_words.named(each, application_id) for each in (name, said))
    url = f"{_list(page)}?{urlencode({'application': application_id, 'q': name})}"
    return Found(name, url, f"{key} · {application}")


def _held(page: TenantPage, row: Assignment) -> Found:
    kind, who = next(
        (kind, found)
        for kind in ("user", "group", "application")
        if (found := getattr(row, kind)) is not None
    )
    return Found(str(who), address(page.slug, kind, str(who.pk)), _("Holds the role of this assignment"))


def _list(page: TenantPage) -> str:
    return f"/t/{page.slug}/assignments"


def register_all() -> None:
    """For ``AppConfig.ready``."""
    label = gettext_lazy("Roles")
    register(Kind("roles", label, "role", "Roles:read", 60, know_role, find_roles))
