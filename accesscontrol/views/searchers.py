"""What the search finds of roles: those of applications that are known here, and the organization's own."""

from collections.abc import Sequence
from urllib.parse import urlencode

from django.db.models import BooleanField, Case, Q, QuerySet, Value, When
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accesscontrol.models import Assignment, TenantRole
from applications.models import ApplicationRole
from applications.models.applications import PORTAL_ID
from applications.policies import open_to
from applications.views import role_words
from tenants.http.pages import TenantPage
from tenants.http.searching import MOST, Found, Kind, Pasted, first_of, register
from tenants.views.wording import address


def find_roles(page: TenantPage, wanted: str) -> tuple[Sequence[Found], int]:
    """By name or key."""
    own_words = Q(name__icontains=wanted) | Q(key__icontains=wanted)
    own, own_count = first_of(_own(page).filter(own_words), wanted, by="name")
    words = role_words.called(wanted) | Q(key__icontains=wanted)
    # What is known here is looked up where a name fits, and not at all where none does.
    fits = Case(When(words, then=_known(page)), default=Value(False), output_field=BooleanField())
    rows = ApplicationRole.objects.at(page.at).filter(fits).select_related("application")
    declared, count = first_of(rows, wanted, by="name")
    hits = [*(_own_role(page, row) for row in own), *(_role(page, row) for row in declared)]
    return hits[:MOST], own_count + count


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
        *(_own_role(page, row) for row in own),
        *(_role(page, row) for row in declared),
        *(_held(page, row) for row in given),
    ]


def _of_urn(page: TenantPage, kind: str, parts: tuple[str, ...]) -> Sequence[Found]:
    """``urn:iam:tenant-role:<tenant>:<key>``, ``urn:iam:application-role:<tenant>:<application>:<key>``.

    Which tenant it stands for does not matter here: what it may is the same.
    """
    if kind == "tenant-role" and len(parts) == 2 and parts[0] == str(page.tenant.pk):
        return [_own_role(page, row) for row in _own(page).filter(key=parts[1])]
    if kind == "application-role" and len(parts) == 3:
        return [_role(page, row) for row in _declared(page).filter(application_id=parts[1], key=parts[2])]
    return ()


def _own(page: TenantPage) -> QuerySet[TenantRole]:
    return TenantRole.objects.at(page.at).filter(tenant=page.tenant)


def _declared(page: TenantPage) -> QuerySet[ApplicationRole]:
    return ApplicationRole.objects.at(page.at).filter(_known(page)).select_related("application")


def _known(page: TenantPage) -> Q:
    """Of the tenant's applications, of those that are or will be shared with it, and of the portal."""
    return Q(application__in=open_to(page.tenant, at=page.at)) | Q(application=PORTAL_ID)


def _own_role(page: TenantPage, row: TenantRole) -> Found:
    url = f"{_list(page)}?{urlencode({'q': row.name})}"
    return Found(row.name, url, _("%(key)s · of your organization") % {"key": row.key})


def _role(page: TenantPage, row: ApplicationRole) -> Found:
    name, application = role_words.shown(row), role_words.named(str(row.application), row.application_id)
    url = f"{_list(page)}?{urlencode({'application': row.application_id, 'q': name})}"
    return Found(name, url, f"{row.key} · {application}")


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
