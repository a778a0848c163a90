"""Webhooks: tells other services when an author's numbers change."""
