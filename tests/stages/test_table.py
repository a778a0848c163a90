"""Tables: a column that is declared is resized, saved and measured, without a second list."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.consumer.aliases.stage import Aliases
from services.consumer.authors.stage import Authors
from services.consumer.cohorts.stage import Cohorts
from services.consumer.directory.stage import Directory
from shared.columns.column import Column
from shared.columns.dictionary import Dictionary
from shared.columns.grouping import I8, I16, I32, I64
from shared.columns.lists import CounterLists, ListColumn
from shared.columns.table import PerSource, State, Table, declared_parts, joined
from shared.stages.stage import Layout

MAKERS = {
    "column": lambda: Column(I32, -1),
    "wide": lambda: Column(I64, width=3),
    "lists": lambda: ListColumn(I32),
    "growing": lambda: ListColumn(I32, I8, growing=True),
    "counters": CounterLists,
    "table": lambda: Table(first=I8, last=I16),
    "per_source": lambda: PerSource(lambda: Column(I32, -1)),
}
declarations = st.lists(st.sampled_from(sorted(MAKERS)), min_size=1, max_size=8)


def made(kinds):
    table = Table(**{f"{kind}_{place}": MAKERS[kind]() for place, kind in enumerate(kinds)})
    for column in table.columns().values():
        if isinstance(column, PerSource):
            column.add()
            column.add()
    return table


@given(declarations, st.integers(0, 200))
def test_every_declared_column_is_resized_saved_and_measured(kinds, size):
    table = made(kinds)
    table.resize(size)
    parts = table.parts("table")
    expected = {f"table.{kind}_{place}" for place, kind in enumerate(kinds)}
    ends = ("first", "last", "0", "1")
    tables = {name.removesuffix(f".{end}") for name in parts for end in ends if name.endswith(f".{end}")}
    assert tables | {name for name in parts if name.count(".") == 1} == expected
    assert {part.size for part in parts.values()} == {size}
    assert table.nbytes == sum(part.nbytes for part in parts.values()) > 0
    loaded = made(kinds)
    for name, part in loaded.parts("table").items():
        part.load(parts[name].dump())
    for name, part in loaded.parts("table").items():
        for array, values in parts[name].canonical().items():
            assert np.array_equal(part.canonical()[array], values)
    if kinds[0] != "per_source":
        assert loaded.size == table.size == size


def test_a_subclass_declares_its_columns_as_attributes():
    class Papers(Table):
        derived = ("authors",)

        def __init__(self, authors):
            self.authors = authors
            self.year = Column(I16, -1)
            self.counted = PerSource(lambda: Table(count=I32))
            self.newest = 0

    class Stage(State):
        def __init__(self):
            self.authors = Dictionary()
            self.papers = Papers(self.authors)

    stage = Stage()
    stage.papers.resize(3)
    counted = stage.papers.counted.add(stage.papers.size)
    assert counted["count"].size == 3 and stage.papers.year.view.tolist() == [-1, -1, -1]
    assert list(stage.parts()) == ["authors", "papers.year", "papers.counted.0.count"]
    stage.papers.year = Column(I16)  # one that takes the place of another is state as well
    stage.papers.resize(4)
    assert stage.parts()["papers.year"] is stage.papers.year and stage.papers.year.size == 4


def test_what_would_not_be_saved_or_resized_is_refused():
    class Forgotten(State):
        def __init__(self):
            self.sums = [Column(I32)]

    with pytest.raises(TypeError, match="sums holds parts in a list"):
        declared_parts(Forgotten())
    names = Table(year=I16)
    names.names = Dictionary()
    with pytest.raises(TypeError, match="names cannot be resized"):
        names.resize(1)
    with pytest.raises(TypeError, match="cannot be named 'size'"):
        Table(size=I32)
    with pytest.raises(TypeError, match="not a plain column"):
        Table(lists=ListColumn(I32))["lists"]
    with pytest.raises(KeyError):
        Table(year=I16)["month"]


def _attributes(holder, found, seen):
    """Every column that is reached from an object of ours, by identity."""
    for held in vars(holder).values() if hasattr(holder, "__dict__") else ():
        for one in (
            held.values() if isinstance(held, dict) else held if isinstance(held, list | tuple) else [held]
        ):
            if id(one) in seen or not type(one).__module__.startswith(("shared.", "services.")):
                continue
            seen.add(id(one))
            if isinstance(one, Column):
                found.append(one)
            else:
                _attributes(one, found, seen)
    return found


@pytest.mark.parametrize("stage", [Authors, Cohorts, Directory, Aliases], ids=lambda stage: stage.name)
def test_every_column_of_a_stage_is_saved(stage):
    made = stage(0, Layout(authors=2), "fingerprint")
    if stage is Authors:
        made.prepare({"sources": 2, "day": 20261128})
    saved = [id(column) for part in made.parts().values() for column in _columns_of(part)]
    assert len(saved) == len(set(saved)), "a column is saved twice"
    assert {id(column) for column in _attributes(made, [], set())} == set(saved)


def _columns_of(part):
    return [part] if isinstance(part, Column) else _attributes(part, [], set())


@pytest.mark.parametrize("stage", [Authors, Cohorts, Directory, Aliases], ids=lambda stage: stage.name)
def test_every_column_of_a_table_of_a_stage_is_resized(stage):
    made = stage(0, Layout(authors=2), "fingerprint")
    tables = [held for held in _objects(made, []) if isinstance(held, Table)]
    assert tables
    for table in tables:
        table.resize(5)
        sizes = {name: getattr(column, "size", None) for name, column in table.columns().items()}
        assert {size for size in sizes.values() if isinstance(size, int)} <= {5}, (type(table), sizes)


def _objects(holder, found):
    for held in vars(holder).values():
        if isinstance(held, State) and held not in found:
            found.append(held)
            _objects(held, found)
    return found


def test_two_parts_with_one_name_are_refused():
    """One of them would be missing in every checkpoint."""
    first, second = Table(count=I32), Table(count=I32)
    assert set(joined(first.parts("a"), second.parts("b"))) == {"a.count", "b.count"}
    with pytest.raises(ValueError, match=r"the name a\.count"):
        joined(first.parts("a"), second.parts("a"))
