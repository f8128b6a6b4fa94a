"""Pages of an organization: signing in, people, groups, partners, the record."""
