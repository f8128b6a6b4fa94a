"""Shared Signals (OpenID SSF 1.0, CAEP 1.0): what an application is told about people who work with it."""
