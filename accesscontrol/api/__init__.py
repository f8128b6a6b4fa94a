"""REST: access management."""
