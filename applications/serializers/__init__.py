"""Shapes of the REST API: what comes in is checked, what goes out is described for the schema."""
