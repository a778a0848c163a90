"""The vispubdata collection (VIS): papers of the IEEE visualisation conferences, with references by DOI.

{"doi": "10.1109/visual.1990.146359", "title": …, "abstract": …, "year": 1990, "publication_title": …,
"authors": [{"name": …, "affiliation": …}], "references": ["10.1063/1.857730", …], "internal_references": […among the former…]}.
A DOI means the same in either case, so ids are in lower case. What is no DOI among the references ("2", "2-u") is left out, and so is an
author without a name: two papers have one, and their references count all the same.
"""


def recognises(record: dict) -> bool:
    return "doi" in record and "publication_title" in record and "title" in record and isinstance(record.get("authors"), list)


def adapt(record: dict) -> dict:
    """The event of papers.v1 for a record. Errors: KeyError, TypeError, ValueError, AttributeError for a record with other types."""
    year = record.get("year")
    return {
        "event": "paper.published",
        "paper_id": "doi:" + record["doi"].lower(),
        "title": record["title"],
        "abstract": record.get("abstract") or None,
        "published": None if year is None else f"{year:04d}",
        "venue": record["publication_title"],
        "doi": record["doi"].lower(),
        "authors": [_author(author) for author in record["authors"] if author["name"].strip()],
        "references": _references(record),
    }


def _author(author: dict) -> dict:
    affiliation = author.get("affiliation")
    return {"name": author["name"], "affiliations": [affiliation] if affiliation else []}


def _references(record: dict) -> list[str]:
    """Every DOI cited, once each, in the order given."""
    cited = [*(record.get("references") or ()), *(record.get("internal_references") or ())]
    dois = ("".join(reference.split()).lower() for reference in cited)  # some have a blank inside: "10. 1126/science.1127647"
    return list(dict.fromkeys("doi:" + doi for doi in dois if doi.startswith("10.") and "/" in doi))
