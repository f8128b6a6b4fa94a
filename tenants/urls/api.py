"""Partnerships and organizations, below ``/iam/application-management/v1/``."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from tenants.api import organizations
from tenants.api import partnerships as api

app_name = "tenant-api"


class Act(StringConverter):
    """One of the acts on a partnership."""

    regex = "|".join(api.PartnershipAct.acts)


register_converter(Act, "partnership_act")

_partnerships = "tenants/<uuid:tenant_id>/partnerships"
_organizations = "tenants/<uuid:tenant_id>/organizations"
_one = f"{_organizations}/<uuid:organization_id>"

urlpatterns = [
    path(_partnerships, api.Partnerships.as_view(), name="partnership-list"),
    path(f"{_partnerships}:preview", api.Preview.as_view(), name="partnership-preview"),
    path(f"{_partnerships}:redeem", api.Redeem.as_view(), name="partnership-redeem"),
    path(f"{_partnerships}/<uuid:partnership_id>", api.OnePartnership.as_view(), name="partnership-read"),
    path(
        f"{_partnerships}/<uuid:partnership_id>/<partnership_act:act>",
        api.PartnershipAct.as_view(),
        name="partnership-act",
    ),
    path(
        f"{_partnerships}/<uuid:partnership_id>/impact",
        api.PartnershipImpact.as_view(),
        name="partnership-impact",
    ),
    path(_organizations, organizations.Organizations.as_view(), name="organization-list"),
    path(_one, organizations.OneOrganization.as_view(), name="organization-read"),
    path(
        f"{_one}/resend-invitation",
        organizations.OrganizationInvitation.as_view(),
        name="organization-invite-again",
    ),
    path(f"{_one}/impact", organizations.OrganizationImpact.as_view(), name="organization-impact"),
    path(f"{_one}/suspend", organizations.OrganizationSuspend.as_view(), name="organization-suspend"),
    path(f"{_one}/resume", organizations.OrganizationResume.as_view(), name="organization-resume"),
    path(
        f"{_partnerships}/<uuid:partnership_id>/auto-accept",
        api.AutoAccept.as_view(),
        name="partnership-auto-accept",
    ),
]
