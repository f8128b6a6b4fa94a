"""Delivery of events to webhooks: where to, signed how, by one request, in whose turn."""
