"""Pages of roles and assignments, and what they add to the pages of people and groups."""
