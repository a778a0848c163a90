"""Opens live sources by their addresses: one line for each kind."""

import random
from collections.abc import Callable

from pydantic import SecretStr

from services.producer.bookmark import PROGRESS_FOLDER
from services.producer.live.address import Address, parsed
from services.producer.live.arxiv import ArXiv
from services.producer.live.crossref import Crossref
from services.producer.live.fetch import Fetcher, Limits
from services.producer.live.openalex import OpenAlex
from services.producer.live.semanticscholar import SemanticScholar
from services.producer.live.source import LiveSource
from services.producer.live.times import Clock
from services.producer.live.upstream import Upstream
from shared.errors import UsageError
from shared.settings import Settings

Make = Callable[[Address, Settings], Upstream]
KINDS: dict[str, Make] = {
    "arxiv": lambda address, settings: ArXiv(address),
    "crossref": lambda address, settings: Crossref(address, settings.contact),
    "openalex": lambda address, settings: OpenAlex(address, _told(settings.openalex_key), settings.contact),
    "semanticscholar": lambda address, settings: SemanticScholar(
        address, _told(settings.semanticscholar_key), settings.data_dir / PROGRESS_FOLDER
    ),
}


def open_live(
    spec: str,
    settings: Settings,
    *,
    clock: Clock | None = None,
    limits: Limits | None = None,
    chance: Callable[[], float] = random.random,
) -> LiveSource:
    """The live source at NAME+https://…, not asked yet. Error: UsageError."""
    address = parsed(spec)
    if address.name not in KINDS:
        known = ", ".join(f"{name}+https:" for name in KINDS)
        raise UsageError(f"{spec}: there is no live source {address.name}; there are {known}")
    upstream = KINDS[address.name](address, settings)
    clock = clock or Clock()
    secrets = [key for key in map(_told, (settings.openalex_key, settings.semanticscholar_key)) if key]
    fetcher = Fetcher(clock, gap=upstream.GAP, contact=settings.contact, secrets=secrets, limits=limits)
    return LiveSource(upstream, fetcher, poll_seconds=settings.poll_seconds, clock=clock, chance=chance)


def _told(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value().strip() if secret else None
