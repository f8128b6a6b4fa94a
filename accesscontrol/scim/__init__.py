"""SCIM 2.0 (RFC 7643, RFC 7644) as a language: filters, paths, patches, schemas. Knows no rows."""
