"""Addresses of the app: pages and REST."""
