"""REST: partnerships."""
