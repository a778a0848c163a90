"""What a format is: a module that recognises its records and turns each into events."""

from typing import Any, Protocol

from services.producer.formats.containers import Container
from services.producer.formats.fields import Count, Record, ignore


class Format(Protocol):
    """A module of this package. `services.producer.formats.registry` names each in one line.

    NAME: the word before the colon on the command line. CONTAINER: how files hold its records.

    A format that makes ids from keys which are private to one file takes the name of that file's collection
    as `events(record, leave_out, namespace=…)` and has `NAMESPACED = True`. It is None when the user gave
    none.

    A format whose records have no time of their own, but a release, takes its day as `events(…, release=…)`
    and has `RELEASED = True`. It is the last day in the path of the file (YYYY-MM-DD), or None.

    A format with kinds of record that do not count by default takes the setting `kinds` as
    `events(…, kinds=…)` and has `BY_KIND = True`. It asks before it looks for faults, so that such a record
    is left out and not refused. The frame leaves out papers of such kinds from other formats.

    A format of millions of records may have `events_of_line(raw, leave_out, kinds=…)`: what `events` makes of
    a record in bytes of JSON, without decoding the fields that it does not use. None, with nothing counted,
    for bytes that `recognises` and `events` must look at.
    """

    NAME: str
    CONTAINER: Container

    def recognises(self, record: Any) -> bool:
        """Whether the record has fields that this format alone has. It raises nothing, whatever the record
        is.
        """

    def events(self, record: Any, leave_out: Count = ignore) -> list[Record]:
        """The events of a record, in order; [] for a record that is left out.

        leave_out: called with a member of `LeftOut` for each thing left out. Texts, names and lists may be
        longer than the contract allows: the frame cuts them. Fields that are null or empty may be left out.
        Error: InputRefused for a record that cannot be used; its field is named as the record names it.
        """
