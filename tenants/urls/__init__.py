"""Addresses of the app: the entry, and the pages of one organization."""
