"""The configuration of a tenant as one document: read, compared, planned, carried out.

``shape`` (what it is) → ``state`` (what stands) → ``comparing`` (steps) → ``carrying`` (through the actions)
→ ``plans`` (tried and taken back, or for good).
"""
