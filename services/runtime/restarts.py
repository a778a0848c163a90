"""How long a failed stage waits before it starts anew."""

FIRST_SECONDS = 0.2
LONGEST_SECONDS = 10.0
FENCED_SECONDS = 3.0  # at least, after a fence; by then the group has assigned the partition anew
SETTLED_SECONDS = 60.0  # a stage that ran this long gets the first pause again


class Restarts:
    """The pauses of one stage. Each is twice the one before."""

    def __init__(self) -> None:
        self._next = FIRST_SECONDS

    def pause(self, ran_seconds: float, fenced: bool) -> float:
        """The seconds to wait after a failure.

        ran_seconds: how long the stage ran before it failed. fenced: another process has taken its place.
        """
        if ran_seconds > SETTLED_SECONDS:
            self._next = FIRST_SECONDS
        pause = max(self._next, FENCED_SECONDS) if fenced else self._next
        self._next = min(2 * pause, LONGEST_SECONDS)
        return pause
