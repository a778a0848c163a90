"""Fields of foreign records. What has a wrong type is refused by the name that it has in the record."""

from collections.abc import Callable, Mapping
from typing import Any

from shared.contracts.refusals import Reason
from shared.errors import InputRefused


class Fields:
    """A record of a data set (`of`), field by field. Errors: InputRefused, which names the field."""

    def __init__(self, record: Mapping[str, Any], of: str, path: str = ""):
        self.record, self.of, self.path = record, of, path

    def text(self, name: str) -> str:
        value = self.optional_text(name)
        return self.refuse(name, "must be a string") if value is None else value

    def optional_text(self, name: str) -> str | None:
        """null and absent are None."""
        return self._typed(name, self.record.get(name), str, "must be a string")

    def integer(self, name: str, least: int, most: int) -> int | None:
        value = self.record.get(name)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool):
            self.refuse(name, "must be an integer")
        if not least <= value <= most:
            self.refuse(name, f"must be from {least} to {most}", Reason.INVALID_VALUE)
        return value

    def list_of(self, name: str, kind: type, what: str) -> list:
        """null and absent are empty."""
        values = self._typed(name, self.record.get(name), list, "must be an array") or []
        for place, value in enumerate(values):
            if not isinstance(value, kind):
                self.refuse(f"{name}.{place}", what)
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
        return self.refuse(name, what)

    def refuse(self, name: str, hint: str, reason: Reason = Reason.WRONG_TYPE) -> Any:
        raise InputRefused(reason, f"{self.path}{name}", f"{hint} ({self.of} record)")


Count = Callable[[str], None]  # hears of each thing that an adapter leaves out
