"""`scholarstream scorer`: terms as one process."""

from services import worker


async def run_scorer(settings) -> None:
    """Runs until a signal or an error. Errors: AlreadyRunning, LogError, ProtocolViolation."""
    await worker.run_stages(settings, "scorer", worker.SCORER)
