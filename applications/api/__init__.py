"""REST: application management."""
