"""The ACL Anthology Network (AAN): one record a paper, references within the network.

{"id": "C65-1001", "title": …, "authors": ["Abraham, S."], "venue": …, "year": 1965, "month": null or 1 to 12, "doi": null or …,
"references": ["C65-1002", …]}, and more that is not used. Authors have no ids: they are told apart by name.
"""


def recognises(record: dict) -> bool:
    return "id" in record and "references" in record and "venue" in record and "year" in record and _names(record.get("authors"))


def adapt(record: dict) -> dict:
    """The event of papers.v1 for a record. Errors: KeyError, TypeError, ValueError for a record with other types."""
    year, month = record["year"], record.get("month")
    return {
        "event": "paper.published",
        "paper_id": record["id"],
        "title": record["title"],
        "published": None if year is None else f"{year:04d}-{month:02d}" if month else f"{year:04d}",
        "venue": record["venue"],
        "doi": record.get("doi"),
        "authors": [{"name": name} for name in record["authors"]],
        "references": record["references"],
    }


def _names(authors: object) -> bool:
    return isinstance(authors, list) and all(isinstance(name, str) for name in authors)
