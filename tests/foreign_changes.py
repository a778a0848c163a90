"""Change records with one field in another form than the contract's, as another client may write them."""

WRONG = {
    "author_id": (None, 5, ["a:1"], "another"),
    "generation": (None, True, "1", 1.5, []),
    "version": (None, False, "2", {}),
    "as_of": (5, ["2026-01-01"], {}),
    "before": ("x", 7, ["papers"], {"papers": "many"}, {"papers": {"2020": 1}}),
    "after": ("x", 7, {"papers": [1]}, {"h_index": True}),
    "changed": (7, "h_index", {"h_index": 1}, [["h_index"]], [None]),
    "causes": ("x", {"kind": "cited"}, ["cited"], [None], [{"kind": 5}], [{"kind": "cited", "by": [1]}]),
    "causes_total": ("many", None, 1.5, [], True),
}


def changes_of_others(good: dict) -> list[dict]:
    """Copies of a change record, each with one wrong field."""
    return [good | {field: value} for field, values in WRONG.items() for value in values]
