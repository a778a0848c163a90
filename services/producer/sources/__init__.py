"""Where events come from: one module for each kind of source, and `open_source`."""

from services.producer.sources.demo import DemoSource
from services.producer.sources.file import FileSource
from services.producer.sources.source import PacedSource, Source, SourceItem
from services.producer.sources.stream import StreamSource
from shared.errors import UsageError

KNOWN = {
    "file:PATH": "JSON Lines or a JSON array, also as .gz: our own events, AAN or VIS records (a bare PATH "
    "means the same)",
    "-": "JSON Lines from standard input",
    "demo:": "one real author and an endless simulated literature that cites him",
}

__all__ = ["KNOWN", "FileSource", "PacedSource", "Source", "SourceItem", "open_source"]


def open_source(spec: str) -> Source:
    """The source that `spec` names. Checks it without reading it.

    Errors: UsageError when there is no such source, or its file is missing, a folder or not readable.
    """
    if spec == "-":
        return StreamSource.stdin()
    kind, colon, rest = spec.partition(":")
    if kind == "demo" and colon:
        return DemoSource(_seed(rest))
    if kind == "file" and colon and rest:
        return open_path(rest)
    if spec and (not colon or "/" in kind or kind == ""):
        return open_path(spec)
    known = "\n".join(f"  {name:<10} {meaning}" for name, meaning in KNOWN.items())
    raise UsageError(f"no source {spec!r}; there are:\n{known}")


def open_path(path: str) -> Source:
    """A source for a path: a file, or a stream for a pipe or terminal."""
    source = FileSource(path)
    return source if source.regular else StreamSource.pipe(path)


def _seed(text: str) -> int:
    if not text:
        return 1
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise UsageError(
            f"demo:{text}: the part after the colon is a seed, an integer of at most nine digits"
        )
    return int(text)
