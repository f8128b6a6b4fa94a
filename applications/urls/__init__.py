"""Addresses: pages of the console, and the REST APIs."""
