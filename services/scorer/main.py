"""`scholarstream scorer`: terms as one process."""

from services.runtime.process import run_stages
from services.runtime.topology import SCORER


async def run_scorer(settings) -> None:
    """Runs until a signal or an error. Errors: AlreadyRunning, LogError, ProtocolViolation."""
    await run_stages(settings, "scorer", SCORER)
