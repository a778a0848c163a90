"""`scholarstream consumer`: catalogue, directory, citations, cohorts and authors as one process."""

from services.runtime.process import run_stages
from services.runtime.topology import CONSUMER


async def run_consumer(settings) -> None:
    """Runs until a signal or an error. Errors: AlreadyRunning, LogError, ProtocolViolation."""
    await run_stages(settings, "consumer", CONSUMER)
