"""Reads and follows the author profiles of a scholarstream service."""

from scholarstream_client.client import Client
from scholarstream_client.errors import ClientError, NotFound, Refused, Unavailable
from scholarstream_client.models import Change, Found, Paper, Profile

__all__ = [
    "Change",
    "Client",
    "ClientError",
    "Found",
    "NotFound",
    "Paper",
    "Profile",
    "Refused",
    "Unavailable",
]
