"""Brings edges of one citing paper together that stand anywhere in a file: an external sort in bounded
memory.
"""

import heapq
import tempfile
from collections.abc import Iterator
from itertools import groupby
from typing import IO

import orjson

RUN = 200_000  # edges sorted in memory
RUNS = 32  # files merged at once
MOST = 20_001  # cited papers given for one citing paper; the contract takes one less

Edge = tuple[str, int, str]  # citing, number of the edge, cited


class Edges:
    """Takes edges, then gives each citing paper once with the papers that it cites, in the order of
    the file.
    """

    def __init__(self) -> None:
        self._run: list[Edge] = []
        self._files: list[IO[bytes]] = []
        self._count = 0

    def add(self, citing: str, cited: str) -> None:
        self._count += 1
        self._run.append((citing, self._count, cited))
        if len(self._run) >= RUN:
            self._run.sort()
            self._files.append(_written(iter(self._run)))
            self._run = []
            if len(self._files) >= RUNS:
                merged = _written(heapq.merge(*map(_edges, self._files)))
                for file in self._files:
                    file.close()
                self._files = [merged]

    def groups(self) -> Iterator[tuple[str, list[str], int]]:
        """(citing, cited, how many above MOST were left out), citing ascending. Once."""
        self._run.sort()
        edges = heapq.merge(*map(_edges, self._files), iter(self._run))
        for citing, group in groupby(edges, key=lambda edge: edge[0]):
            cited: list[str] = []
            more = 0
            for edge in group:
                if len(cited) < MOST:
                    cited.append(edge[2])
                else:
                    more += 1
            yield citing, cited, more
        for file in self._files:
            file.close()


def _written(edges: Iterator[Edge]) -> IO[bytes]:
    file = tempfile.TemporaryFile()  # noqa: SIM115 # it lives until it is merged
    file.writelines(orjson.dumps(edge) + b"\n" for edge in edges)
    file.seek(0)
    return file


def _edges(file: IO[bytes]) -> Iterator[Edge]:
    for line in file:
        citing, number, cited = orjson.loads(line)
        yield citing, number, cited
