"""A literature that is always there, so that continuous integration has one too."""

from services.producer.simulate import simulate


def simulated(papers: int = 800, seed: int = 11) -> list[bytes]:
    """A simulated literature: heavy-tailed citations, references to papers that come later or never, some
    revisions and withdrawals.
    """
    return list(simulate(papers, seed))
