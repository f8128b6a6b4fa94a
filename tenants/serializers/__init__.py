"""Shapes of the REST API of tenants."""
