"""The types of what the service publishes. profile.py and change.py are generated from docs/schemas."""

from typing import TypedDict

from scholarstream_client.models.change import Change
from scholarstream_client.models.profile import Paper, Profile


class Found(TypedDict):
    """An author that a search found. papers, h_index: None where they are not known."""

    author_id: str
    name: str
    papers: int | None
    h_index: int | None


__all__ = ["Change", "Found", "Paper", "Profile"]
