"""OAuth 2.0: the token endpoint, introspection, keys and metadata of every tenant's issuer."""
