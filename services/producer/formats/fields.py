"""Reads fields of foreign records. A refusal names the field as the record does."""

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from shared.contracts.refusals import Reason
from shared.errors import InputRefused

Record = dict[str, Any]  # a JSON object: a foreign record, or our event
Count = Callable[[str], None]  # called with the kind (`LeftOut`) of each part that a format leaves out


def ignore(_: str) -> None:
    """A Count that does not count."""


class Fields:
    """A record of a data set, field by field. of: the name of the data set. Errors: InputRefused."""

    def __init__(self, record: Mapping[str, Any], of: str, path: str = ""):
        self.record, self.of, self.path = record, of, path

    def text(self, name: str) -> str:
        value = self.optional_text(name)
        if value is None:
            self.refuse(name, "must be a string")
        return value

    def optional_text(self, name: str) -> str | None:
        """None for null or an absent field."""
        value: str | None = self._typed(name, self.record.get(name), str, "must be a string")
        return value

    def integer(self, name: str, least: int, most: int) -> int | None:
        value = self.record.get(name)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool):
            self.refuse(name, "must be an integer")
        if not least <= value <= most:
            self.refuse(name, f"must be from {least} to {most}", Reason.INVALID_VALUE)
        return value

    def list_of(self, name: str, kind: type, what: str) -> list[Any]:
        """[] for null or an absent field."""
        values: list[Any] = self._typed(name, self.record.get(name), list, "must be an array") or []
        for index, value in enumerate(values):
            if not isinstance(value, kind):
                self.refuse(f"{name}.{index}", what)
        return values

    def objects(self, name: str) -> list["Fields"]:
        path = f"{self.path}{name}."
        return [
            Fields(value, self.of, f"{path}{n}.")
            for n, value in enumerate(self.list_of(name, dict, "must be an object"))
        ]

    def _typed(self, name: str, value: Any, kind: type, what: str) -> Any:
        if value is None or isinstance(value, kind):
            return value
        self.refuse(name, what)

    def refuse(self, name: str, hint: str, reason: Reason = Reason.WRONG_TYPE) -> NoReturn:
        raise InputRefused(reason, f"{self.path}{name}", f"{hint} ({self.of} record)")
