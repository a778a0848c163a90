"""State that is declared once. What is saved, resized and measured follows from the declaration.

A stage keeps its state in attributes. Each attribute that is a part (a column, a dictionary, …)
is state; nothing lists it a second time::

    class Papers(Table):
        def __init__(self) -> None:
            self.year = Column(I16)
            self.citations = Column(I32, ABSENT)  # -1: no such paper
            self.cited_by = ListColumn(I32, growing=True)
            self.counted = PerSource(lambda: Column(I32, ABSENT))

    papers = Papers()
    papers.resize(10)  # all columns
    papers.parts("papers")  # {"papers.year": …, "papers.citations": …, "papers.counted.0": …}
    papers.nbytes

Where the names of columns are data, they are arguments: `Table(first=I32, last=I32)["first"]`.

* `State`: parts of different lengths. Its parts are saved; it has no `resize`.
* `Table`: columns of one length. `resize` makes room in all of them.
* `PerSource`: one more column (or table, or state) for each source that counts.

An attribute that is not state (such as a part that another object saves) goes into `derived`::

    class Claims(Table):
        derived = ("authors",)  # the stage saves them

"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, Protocol, TypeVar

from numpy.typing import DTypeLike

from shared.columns.column import Arrays, Column


class Part(Protocol):
    """A piece of state that a checkpoint saves under one name."""

    @property
    def nbytes(self) -> int:
        """Bytes in memory, about."""
        ...

    def dump(self) -> Arrays:
        """The content as named arrays."""
        ...

    def canonical(self) -> Arrays:
        """The content as arrays that do not depend on the layout in memory (invariant I2)."""
        ...

    def load(self, arrays: Arrays) -> None:
        """Replaces the content by a dump. Errors: KeyError, ValueError."""
        ...


class Resizable(Protocol):
    """A part, table or list of these with one entry for each slot."""

    def resize(self, size: int, /) -> None:
        """Makes room for at least `size` entries; new ones hold the fill value."""
        ...


class State:
    """Parts and further states in attributes, in the order of their declaration."""

    derived: tuple[str, ...] = ()  # attributes that are not state

    def parts(self, name: str = "") -> dict[str, Part]:
        """Each part by its name in a checkpoint: `name.attribute`."""
        return declared_parts(self, name)

    @property
    def nbytes(self) -> int:
        """Bytes in memory, about."""
        return sum(part.nbytes for part in self.parts().values())


class Table(State):
    """Columns of one length that describe one sort of entry. Arguments: a dtype or a column for each name."""

    __slots__ = ("_resized",)  # not among the attributes that are state

    def __init__(self, **columns: DTypeLike | Resizable) -> None:
        column: Any
        for name, column in columns.items():
            if hasattr(type(self), name):
                raise TypeError(f"a column cannot be named {name!r}: a table has an attribute of that name")
            setattr(self, name, column if _is_state(column) else Column(column))

    def __getitem__(self, name: str) -> Column:
        """The plain column of that name. Errors: KeyError; TypeError for another part."""
        column = vars(self)[name]
        if not isinstance(column, Column):
            raise TypeError(f"{name!r} is a {type(column).__name__}, not a plain column")
        return column

    def columns(self) -> dict[str, Resizable]:
        """Each column by its name. Error: TypeError for a part without `resize`."""
        found: dict[str, Resizable] = {}
        for name, held in _declared(self):
            if not hasattr(held, "resize"):
                raise TypeError(
                    f"{type(self).__name__}.{name} cannot be resized: declare it outside the table"
                )
            found[name] = held
        return found

    def resize(self, size: int) -> None:
        """Makes room for at least `size` entries in every column."""
        columns: tuple[Resizable, ...] | None = getattr(self, "_resized", None)
        if columns is None:
            columns = self._resized = tuple(self.columns().values())
        for column in columns:
            column.resize(size)

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name != "_resized":
            super().__setattr__("_resized", None)

    @property
    def size(self) -> int:
        """Entries, as the first column has them."""
        return next((_size_of(column) for column in self.columns().values()), 0)


Held = TypeVar("Held")


class PerSource(Generic[Held]):
    """A list of like parts, tables or states: one for each source. make: returns a new one."""

    def __init__(self, make: Callable[[], Held]) -> None:
        self._make = make
        self._held: list[Held] = []

    def add(self, size: int = 0) -> Held:
        """Appends one with room for `size` entries; returns it."""
        new: Any = self._make()
        if size:
            new.resize(size)
        self._held.append(new)
        return self._held[-1]

    def resize(self, size: int) -> None:
        """Makes room for at least `size` entries in each."""
        held: Any
        for held in self._held:
            held.resize(size)

    def __len__(self) -> int:
        return len(self._held)

    def __iter__(self) -> Iterator[Held]:
        return iter(self._held)

    def __getitem__(self, source: int) -> Held:
        return self._held[source]


def joined(*several: Mapping[str, Part]) -> dict[str, Part]:
    """All these parts. Error: ValueError for a name that two have: one of them would not be saved."""
    found: dict[str, Part] = {}
    for parts in several:
        if both := found.keys() & parts.keys():
            raise ValueError(f"two parts of the state have the name {sorted(both)[0]}")
        found |= parts
    return found


def declared_parts(holder: object, name: str = "") -> dict[str, Part]:
    """Every part in the attributes of an object, by its name in a checkpoint: `name.attribute`.

    Error: TypeError for parts in a list, tuple or dictionary: they would not be saved.
    """
    found: dict[str, Part] = {}
    for attribute, held in vars(holder).items():
        if attribute not in getattr(holder, "derived", ()):
            _collect(f"{name}.{attribute}" if name else attribute, held, found)
    return found


def _collect(name: str, held: Any, found: dict[str, Part]) -> None:
    if isinstance(held, State):
        found.update(held.parts(name))
    elif isinstance(held, PerSource):
        for source, one in enumerate(held):
            _collect(f"{name}.{source}", one, found)
    elif _is_part(held):
        found[name] = held
    elif isinstance(held, list | tuple | dict):
        inside = held.values() if isinstance(held, dict) else held
        if any(map(_is_state, inside)):
            raise TypeError(f"{name} holds parts in a {type(held).__name__}: use Table or PerSource")


def _is_part(held: object) -> bool:
    return hasattr(held, "canonical")  # numpy arrays have dump, nbytes and resize too


def _is_state(held: object) -> bool:
    return isinstance(held, State | PerSource) or _is_part(held)


def _declared(table: Table) -> Iterator[tuple[str, Any]]:
    """Parts and tables in the attributes of a table."""
    for name, held in vars(table).items():
        if name not in table.derived and _is_state(held):
            yield name, held


def _size_of(column: Any) -> int:
    """Entries of a column. Error: TypeError where it does not say how many."""
    if not isinstance(size := getattr(column, "size", None), int):
        raise TypeError(f"a {type(column).__name__} does not say how many entries it has")
    return size
