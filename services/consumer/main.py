"""`scholarstream consumer`: catalogue, directory, citations, cohorts and authors as one process."""

from services import worker


async def run_consumer(settings) -> None:
    """Runs until a signal or an error. Errors: AlreadyRunning, LogError, ProtocolViolation."""
    await worker.run_stages(settings, "consumer", worker.CONSUMER)
