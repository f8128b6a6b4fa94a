"""SCIM 2.0, below ``/iam/scim/v2/``. The names of resources are its own."""

from django.urls import path

from accesscontrol.api.scim import _door, bulk, described, resources

app_name = "scim"

_tenant = "tenants/<uuid:tenant_id>"

urlpatterns = [
    path(f"{_tenant}/ServiceProviderConfig", described.Configuration.as_view(), name="configuration"),
    path(f"{_tenant}/ResourceTypes", described.ResourceTypes.as_view(), name="type-list"),
    path(f"{_tenant}/ResourceTypes/<str:name>", described.ResourceTypes.as_view(), name="type-read"),
    path(f"{_tenant}/Schemas", described.Schemas.as_view(), name="schema-list"),
    path(f"{_tenant}/Schemas/<str:name>", described.Schemas.as_view(), name="schema-read"),
    path(f"{_tenant}/Users", resources.Users.as_view(), name="user-list"),
    path(f"{_tenant}/Users/.search", resources.UserSearch.as_view(), name="user-search"),
    path(f"{_tenant}/Users/<uuid:row_id>", resources.OneUser.as_view(), name="user"),
    path(f"{_tenant}/Groups", resources.Groups.as_view(), name="group-list"),
    path(f"{_tenant}/Groups/.search", resources.GroupSearch.as_view(), name="group-search"),
    path(f"{_tenant}/Groups/<uuid:row_id>", resources.OneGroup.as_view(), name="group"),
    path(f"{_tenant}/.search", resources.Search.as_view(), name="search"),
    path(f"{_tenant}/Bulk", bulk.Bulk.as_view(), name="bulk"),
    path(f"{_tenant}/<path:rest>", _door.Nowhere.as_view(), name="nowhere"),
]
