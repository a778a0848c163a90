"""What can go wrong between client and service."""


class ClientError(Exception):
    """Base of all errors of this package. The message is for people."""


class Refused(ClientError):
    """The service refused the request. status: the HTTP status code."""

    def __init__(self, status: int, detail: str):
        super().__init__(f"{status}: {detail}")
        self.status = status


class NotFound(Refused):
    """The service has no such author, or no such address."""


class Unavailable(ClientError):
    """The service did not answer, or is too busy. The same call may succeed later.

    retry_after: seconds to wait, if the service said so.
    """

    def __init__(self, message: str, retry_after: float | None = None):
        super().__init__(message)
        self.retry_after = retry_after
