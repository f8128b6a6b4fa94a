"""SCIM 2.0, below ``/iam/scim/v2/tenants/{tenantId}/``: a directory keeps people and groups of a tenant."""
