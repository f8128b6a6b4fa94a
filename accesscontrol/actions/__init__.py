"""Everything that changes who may do what."""
