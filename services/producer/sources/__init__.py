"""Where events come from: one module for each kind of source, and `open_sources`."""

from pathlib import Path

from services.producer.conversion import OWN
from services.producer.formats.registry import names
from services.producer.items import SourceItem
from services.producer.sources.demo import DemoSource
from services.producer.sources.file import FileSource
from services.producer.sources.folder import files_of
from services.producer.sources.source import PacedSource, Source
from services.producer.sources.stream import StreamSource
from shared.errors import UsageError

KNOWN = {
    "file:PATH": "a file or folder whose records tell what they are (a bare PATH means the same): JSON "
    "Lines, one "
    "JSON array, XML, CSV, BibTeX or RIS, also as .gz and .zst",
    f"{OWN}:PATH": "our own events, nothing else",
    "NAME:PATH": "records of one format; NAME is one of ",
    "NAME+https:": "a live source, which never ends, for run and producer: openalex+https://… and others, "
    "see docs/sources.md",
    "-": "standard input; with a format NAME:-",
    "demo:": "one real author and an endless simulated literature that cites him",
}

__all__ = ["KNOWN", "FileSource", "PacedSource", "Source", "SourceItem", "open_source", "open_sources"]


def open_sources(spec: str, namespace: str | None = None) -> list[Source]:
    """The sources that `spec` names: one, or one for each file of a folder. Checks them without reading them.

    namespace: of ids that are private to a file. Errors: UsageError when there is no such source, or its file
    is missing or not readable.
    """
    if spec == "-":
        return [StreamSource.stdin(None, namespace)]
    kind, colon, rest = spec.partition(":")
    if kind.endswith(("+https", "+http")) and colon:
        raise UsageError(f"{spec} never ends; give it to run --source or producer --source")
    if kind == "demo" and colon:
        return [DemoSource(_seed(rest))]
    if kind == "file" and colon and rest:
        return _open_path(rest, None, namespace)
    if colon and rest and (kind == OWN or kind in names()):
        return [StreamSource.stdin(kind, namespace)] if rest == "-" else _open_path(rest, kind, namespace)
    if spec and (not colon or "/" in kind or kind == ""):
        return _open_path(spec, None, namespace)
    formats = ", ".join(names())
    known = "\n".join(
        f"  {name:<11} {meaning}{formats if name == 'NAME:PATH' else ''}" for name, meaning in KNOWN.items()
    )
    raise UsageError(f"no source {spec!r}; there are:\n{known}")


def open_source(spec: str) -> Source:
    """The one source that `spec` names. Error: UsageError, also for a folder with several files."""
    sources = open_sources(spec)
    if len(sources) > 1:
        raise UsageError(f"{spec} has {len(sources):,} files")
    return sources[0]


def _open_path(path: str, name: str | None, namespace: str | None) -> list[Source]:
    """A source for a path: a file, the files of a folder, or a stream for a pipe or terminal."""
    folder = Path(path).expanduser()
    if folder.is_dir():
        return [FileSource(file, name, namespace) for file in files_of(folder.absolute())]
    source = FileSource(path, name, namespace)
    return [source if source.regular else StreamSource.pipe(path, name, namespace)]


def _seed(text: str) -> int:
    if not text:
        return 1
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise UsageError(
            f"demo:{text}: the part after the colon is a seed, an integer of at most nine digits"
        )
    return int(text)
