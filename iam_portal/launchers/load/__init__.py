"""Worlds of any size for measuring: rows written in bulk, the same on every machine."""
