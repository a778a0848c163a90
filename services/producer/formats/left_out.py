"""What a format leaves out of a record, in plain words. `ingest` counts each; docs/sources.md lists them."""

from enum import StrEnum


class LeftOut(StrEnum):
    """One member for each kind of thing that our events have no place for, or that would make numbers
    wrong.
    """

    # whole records
    KIND = "records of a kind that is no paper of its authors"
    NOTICE = "notices about another paper"
    ERROR = "messages of the source instead of records"
    DELETED = "records that stand for deleted ones"
    RECORD_WITHOUT_ID = "records without an id"
    RECORD_REPEATED = "records given twice"
    NO_EVENT = "records that say nothing that we count"
    WORK = "lists of works that do not tell their authors"
    HIDDEN = "records that their owner hides"
    # authors
    AUTHOR_WITHOUT_NAME = "authors without a name"
    EDITOR = "editors and other contributors that are not authors"
    AUTHOR_ID = "author ids that stand for nobody, or for several people"
    NAME_CUT = "names above 500 characters, cut"
    ALIAS = "other names that only turn a name around"
    AFFILIATION = "affiliations above the limits"
    AFFILIATION_IN_LINE = "affiliations in one line with all authors"
    # references
    REFERENCE_WITHOUT_ID = "references without an id"
    REFERENCE_TO_ITSELF = "references of a paper to itself"
    REFERENCE_REPEATED = "references given twice"
    REFERENCE_TO_DELETED = "references to deleted records"
    CITATION = "citations of which a record names only one end"
    # fields
    IDENTIFIER = "identifiers that are not valid"
    FURTHER_IDENTIFIER = "further identifiers that may be of another paper"
    DATE = "dates that cannot be read"
    DATE_AHEAD = "dates of publication more than two years ahead"
    TEXT_CUT = "texts above the limits, cut"
    LIST_CUT = "entries of lists above the limits"
    FIELD_TOO_LONG = "values above the limits"
    COUNT = "counts without a day"
    INHERITED = "fields that stand in another record"
    MERGE = "merges into a deleted record"
