"""Shapes of the REST API of access management."""
