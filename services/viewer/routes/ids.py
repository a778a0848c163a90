"""Several authors in one question."""

from collections.abc import Iterator
from http import HTTPStatus
from urllib.parse import unquote_plus

from starlette.exceptions import HTTPException
from starlette.requests import Request

from services.viewer.profile_index import ProfileIndex
from services.viewer.web.parameters import Parameter


def ids_parameter(most: int, description: str, *, required: bool = False) -> Parameter:
    """The parameter `ids`. `ids_of` reads it."""
    return Parameter(
        "ids",
        {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": most},
        f"{description} At most {most} ids with commas between them, or several parameters `ids`. A comma in "
        "an id is %2C.",
        f"1 to {most} ids with commas between them",
        lambda text: text or None,
        required=required,
    )


def ids_of(request: Request, index: ProfileIndex, parameter: Parameter, least: int = 1) -> list[str]:
    """The ids that are asked for, each once. A literal comma separates two; an escaped one belongs to an id
    that is known. Error: HTTPException 400 for fewer than `least`, or too many.
    """
    wanted = dict[str, None]()
    for name, value in _raw_parameters(request):
        for raw in value.split(",") if name == parameter.name else ():
            one = unquote_plus(raw).strip()
            parts = [one] if index.known(one) in index or "," not in one else one.split(",")
            wanted.update(dict.fromkeys(part.strip() for part in parts if part.strip()))
    if not least <= len(wanted) <= parameter.schema["maxItems"]:
        raise HTTPException(HTTPStatus.BAD_REQUEST, f"{parameter.name}: {parameter.right}")
    return list(wanted)


def _raw_parameters(request: Request) -> Iterator[tuple[str, str]]:
    """Names and values of the query, not decoded."""
    for pair in request.scope.get("query_string", b"").decode("latin-1").split("&"):
        name, _, value = pair.partition("=")
        yield name, value
