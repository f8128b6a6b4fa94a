"""Partnerships, below ``/iam/application-management/v1/``."""

from django.urls import path

from tenants.api import partnerships as api

app_name = "tenant-api"

_partnerships = "tenants/<uuid:tenant_id>/partnerships"

urlpatterns = [
    path(_partnerships, api.Partnerships.as_view(), name="partnership-list"),
    path(f"{_partnerships}:redeem", api.Redeem.as_view(), name="partnership-redeem"),
    path(f"{_partnerships}/<uuid:partnership_id>", api.OnePartnership.as_view(), name="partnership-read"),
    *(
        path(
            f"{_partnerships}/<uuid:partnership_id>/{act}",
            api.PartnershipAct.as_view(),
            {"act": act},
            name=f"partnership-{act}",
        )
        for act in api.PartnershipAct.acts
    ),
    path(
        f"{_partnerships}/<uuid:partnership_id>/auto-accept",
        api.AutoAccept.as_view(),
        name="partnership-auto-accept",
    ),
]
