"""How files hold records. Each has a reader in `services.producer.readers`."""

from enum import StrEnum


class Container(StrEnum):
    """The record that a format gets: JSON a dict; XML an lxml element; CSV a dict by the names of the header;
    BIBTEX an Entry of bibtexparser; RIS a dict of tag to list of texts.
    """

    JSON = "json"
    XML = "xml"
    CSV = "csv"
    BIBTEX = "bibtex"
    RIS = "ris"
