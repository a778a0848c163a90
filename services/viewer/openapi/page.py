"""The page /docs/api: the OpenAPI document for people, without scripts."""

from typing import Any

from services.viewer.pages.html import Html, tag
from services.viewer.pages.layout import page
from services.viewer.urls import API

OPENAPI = "/openapi.json"


def api_page(described: dict[str, Any]) -> str:
    """The page. described: the document of `document`."""
    paths = [(path, one["get"]) for path, one in described["paths"].items()]
    return page(
        "HTTP interface",
        tag("h1", "HTTP interface"),
        [tag("p", text) for text in described["info"]["description"].split("\n\n")],
        tag("p", "For programs: ", tag("a", OPENAPI, href=OPENAPI), " (OpenAPI 3.1)."),
        tag("ul", [tag("li", tag("a", API + path, href=f"#{one['operationId']}")) for path, one in paths]),
        [_address(path, one) for path, one in paths],
        [_type(name, schema) for name, schema in sorted(described["components"]["schemas"].items())],
    )


def _address(path: str, one: dict[str, Any]) -> Html:
    parameters = one["parameters"]
    return tag(
        "section",
        tag("h2", "GET ", tag("code", API + path), id=one["operationId"]),
        tag("p", one["summary"], ". ", one.get("description", "")),
        parameters
        and _table(
            ("parameter", "what it may be", ""),
            [
                (tag("code", p["name"]), _in_words(p["schema"], p["in"]), p.get("description", ""))
                for p in parameters
            ],
        ),
        tag("p", "Answers ", _answers(one["responses"]), "."),
    )


def _answers(responses: dict[str, Any]) -> list[Html | str]:
    (content,) = responses["200"]["content"].items()
    media, schema = content[0], content[1]["schema"]
    return [
        media,
        ": ",
        _link(schema.get("contentSchema", schema)),
        "; ",
        ", ".join(sorted(set(responses) - {"200"})),
    ]


def _type(name: str, schema: dict[str, Any]) -> Html:
    rows = [
        (tag("code", field), _link(one), one.get("description", ""))
        for field, one in schema.get("properties", {}).items()
    ]
    return tag(
        "section",
        tag("h2", name, id=f"type-{name}"),
        tag("p", schema.get("description", "")),
        rows and _table(("field", "type", ""), rows),
    )


def _table(heads: tuple[str, ...], rows: list[tuple[Any, ...]]) -> Html:
    head = tag("tr", [tag("th", text, scope="col") for text in heads])
    return tag(
        "div",
        tag(
            "table",
            tag("thead", head),
            tag("tbody", [tag("tr", [tag("td", cell) for cell in row]) for row in rows]),
        ),
        class_="wide",
    )


def _in_words(schema: dict[str, Any], where: str) -> str:
    """The right values of a parameter."""
    if "enum" in schema:
        words = ", ".join(schema["enum"])
    elif schema["type"] == "integer":
        words = f"{schema['minimum']} to {schema['maximum']}"
    elif schema["type"] == "array":
        words = f"at most {schema['maxItems']} words with commas between them"
    else:
        words = "true or false" if schema["type"] == "boolean" else "text"
    default = f"; default {str(schema['default']).lower()}" if "default" in schema else ""
    return words + default + (f" (in the {where})" if where != "query" else "")


def _link(schema: dict[str, Any]) -> Html | str | list[Any]:
    """A type with links to the types that it names."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return tag("a", name, href=f"#type-{name}")
    for both in ("anyOf", "oneOf"):
        if both in schema:
            pieces: list[Any] = []
            for one in schema[both]:
                pieces += [" or ", _link(one)] if pieces else [_link(one)]
            return pieces
    if schema.get("type") == "array":
        return ["array of ", _link(schema.get("items", {}))]
    if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), dict):
        return ["object of ", _link(schema["additionalProperties"])]
    if "const" in schema or "enum" in schema:
        return ", ".join(str(one) for one in schema.get("enum", [schema.get("const")]))
    return str(schema.get("type", "any"))
