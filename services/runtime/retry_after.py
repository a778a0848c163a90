"""When a client that was refused may ask again (Retry-After, RFC 9110, 10.2.3)."""

BUSY_SECONDS = 2  # the viewer catches up, has too much to do, or its log does not answer
FULL_SECONDS = 5  # there are too many connections


def retry_after(seconds: int) -> dict[str, str]:
    """The header."""
    return {"Retry-After": str(seconds)}
