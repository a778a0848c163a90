"""The formats: one line each. The names of modules, loaded when a file may need them."""

import functools
import importlib
from typing import cast

from services.producer.formats.containers import Container
from services.producer.formats.protocol import Format

# A more special format stands before a more general one: the first that recognises a record reads it.
MODULES = (
    "aan",
    "vis",
    "openalex",
    "openalex_ids",
    "crossref",
    "semanticscholar",
    "semanticscholar_citations",
    "s2orc",
    "unarxive",
    "inspire",
    "datacite",
    "arxiv_kaggle",
    "arxiv_oai",
    "arxiv_atom",
    "dblp",
    "bibtex",
    "ris",
    "csl",
    "orcid",
    "orcid_json",
    "retractionwatch",
    "opencitations",
    "opencitations_index",
    "merges",
)


@functools.cache
def formats() -> tuple[Format, ...]:
    """All formats."""
    return tuple(
        cast(Format, importlib.import_module(f"services.producer.formats.{name}")) for name in MODULES
    )


@functools.cache
def names() -> tuple[str, ...]:
    """The words before the colon on the command line, in alphabetical order. A name may have several
    formats.
    """
    return tuple(sorted({one.NAME for one in formats()}))


def formats_of(name: str | None, container: Container) -> tuple[Format, ...]:
    """The formats with this name, of files with this container; with any name for None."""
    return tuple(one for one in formats() if container == one.CONTAINER and name in (None, one.NAME))


def containers_of(name: str) -> tuple[Container, ...]:
    """How files of this name hold records."""
    return tuple(dict.fromkeys(one.CONTAINER for one in formats() if name == one.NAME))
