"""Notices a client whose last events are mostly wrong, so that it does not fill the dead letters."""


class Recent:
    """Counts by source. share, window: as the settings refused_share and refused_window."""

    def __init__(self, share: float, window: int):
        self._share, self._window = share, window
        self._counts: dict[str, tuple[float, float]] = {}  # source: (events, wrong ones)

    def is_wrong(self, source: str, good: int, bad: int) -> bool:
        """Notes a request. True: most of it is wrong, and most of what came before it."""
        seen, wrong = self._counts.get(source, (0.0, 0.0))
        seen, wrong = seen + good + bad, wrong + bad
        scale = min(1.0, self._window / seen) if seen else 1.0
        self._counts[source] = seen * scale, wrong * scale
        return bad > self._share * (good + bad) and wrong > self._share * seen and seen >= self._window / 10
