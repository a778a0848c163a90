"""OpenAPI 3.1, made from the registry of addresses and from the types of their answers."""

from collections.abc import Sequence
from importlib import metadata
from typing import Any

from pydantic import TypeAdapter

from services.viewer.routes.endpoint import EVENTS, JSON, Endpoint
from services.viewer.urls import API
from services.viewer.web.parameters import Parameter

SCHEMAS = "#/components/schemas/{model}"
PROBLEM = {
    "type": "object",
    "description": "Problem details (RFC 9457).",
    "required": ["title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong, and what would be right."},
    },
}
ERRORS = {
    400: "A parameter is wrong; `detail` names it and what would be right.",
    404: "There is no such thing in this log.",
    429: "Too many requests from this address. `Retry-After` says when to ask again.",
    502: "The newest snapshot does not follow the contract: another client wrote it.",
    503: "The viewer is catching up, has too much to do, or its log does not answer. `Retry-After` says when "
    "to ask again.",
}
IDENTITY = (
    "Any text, escaped as one part of the path. `.` and `..` cannot stand there: use `?id=..&part=papers`."
)
ABOUT = """Live profiles of authors, with papers, citations, fields and changes. Everything is read only.

An answer that did not change is a 304 if the request has its `ETag` in `If-None-Match`. Lists have pages
without a limit of depth: send `next_cursor` back as `cursor`. Lists, papers, fields and search come from a
store; `X-Store-Lag` says how many records it is behind the log. Snapshots of authors are always the
newest."""


def document(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """The document, as JSON values."""
    names = {endpoint.path: f"answer{number}" for number, endpoint in enumerate(endpoints)}
    inputs = [(names[one.path], "validation", TypeAdapter(one.answer)) for one in endpoints]
    answers, definitions = TypeAdapter.json_schemas(inputs, ref_template=SCHEMAS)  # type: ignore[arg-type]
    schemas = {**definitions.get("$defs", {}), "Problem": PROBLEM}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "scholarstream",
            "version": metadata.version("scholarstream"),
            "summary": "Live author metrics over an event log",
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": API}],
        "paths": {
            one.path: {"get": _operation(one, answers[names[one.path], "validation"])} for one in endpoints
        },
        "components": {"schemas": schemas},
    }


def _operation(endpoint: Endpoint, answer: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": _operation_id(endpoint.path),
        "summary": endpoint.summary,
        "tags": [endpoint.path.split("/")[1]],
        "parameters": [*_of_path(endpoint.path), *map(_parameter, endpoint.parameters)],
        "responses": {"200": _answer(endpoint, answer), **_errors(endpoint)},
    }
    if endpoint.description:
        operation["description"] = endpoint.description
    if endpoint.media == EVENTS:
        header = {"name": "Last-Event-ID", "in": "header", "required": False, "schema": {"type": "string"}}
        operation["parameters"].append(
            header | {"description": "The id of the last event that the client has."}
        )
    if endpoint.tagged:
        operation["responses"]["304"] = {"description": "The client has this version."}
    return operation


def _operation_id(path: str) -> str:
    parts = [part.strip("{}") for part in path.split("/") if part]
    return "get_" + "_".join("by_" + part if f"{{{part}}}" in path else part for part in parts)


def _of_path(path: str) -> list[dict[str, Any]]:
    described = {"id": IDENTITY, "name": "The name of a metric."}
    return [
        {"name": name, "in": "path", "required": True, "description": text, "schema": {"type": "string"}}
        for name, text in described.items()
        if f"{{{name}}}" in path
    ]


def _parameter(one: Parameter) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": one.name,
        "in": "query",
        "required": one.required,
        "description": one.description,
        "schema": dict(one.schema),
    }
    if one.schema.get("type") == "array":
        described |= {"style": "form", "explode": False}
    return described


def _answer(endpoint: Endpoint, schema: dict[str, Any]) -> dict[str, Any]:
    headers = {"RateLimit": {"description": "What is left to this client.", "schema": {"type": "string"}}}
    if endpoint.tagged:
        headers["ETag"] = {"description": "The name of this version.", "schema": {"type": "string"}}
    if endpoint.media == EVENTS:
        schema = {"type": "string", "description": "Server-sent events. The data of an event: "} | (
            {"contentMediaType": JSON, "contentSchema": schema}
        )
    return {
        "description": endpoint.summary + ".",
        "headers": headers,
        "content": {endpoint.media: {"schema": schema}},
    }


def _errors(endpoint: Endpoint) -> dict[str, Any]:
    problem = {"application/problem+json": {"schema": {"$ref": SCHEMAS.format(model="Problem")}}}
    codes = sorted({400, 429, 503, *endpoint.errors})
    return {str(code): {"description": ERRORS[code], "content": problem} for code in codes}
