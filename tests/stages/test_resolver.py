"""Who stands for whom: the incremental resolver against following every claim from the start."""

from hypothesis import given
from hypothesis import strategies as st

from services.consumer.aliases.claims import Resolver
from shared.columns.dictionary import Dictionary
from tests.oracle import canonical

AUTHORS = 7
claims = st.lists(st.tuples(st.integers(0, AUTHORS - 1), st.integers(-1, AUTHORS - 1)), max_size=30)


def resolver_of(*names: str) -> Resolver:
    keys = Dictionary()
    keys.intern(names)
    resolver = Resolver(keys)
    resolver.resize(len(names))
    return resolver


def test_chains_are_followed_and_undone():
    resolver = resolver_of("a", "b", "c")
    assert resolver.claim(0, 1) == {0: 0}
    assert resolver.claim(1, 2) == {0: 1, 1: 1}, "who was merged into b follows b"
    assert resolver.claim(1, -1) == {0: 2, 1: 2}
    assert resolver.canonical.view.tolist() == [1, 1, 2]
    assert resolver.claim(0, -1) == {0: 1} and resolver.claim(0, -1) == {}


def test_a_loop_stands_for_its_smallest_member_by_name():
    resolver = resolver_of("z", "m", "a", "before")
    for author, target in ((3, 0), (0, 1), (1, 2), (2, 0)):
        resolver.claim(author, target)
    assert resolver.canonical.view.tolist() == [2, 2, 2, 2]
    resolver.claim(2, -1)  # the loop is a chain again
    assert resolver.canonical.view.tolist() == [2, 2, 2, 2]
    resolver.claim(1, 1)
    assert resolver.canonical.view.tolist() == [1, 1, 2, 1], "who is said to be himself is himself"


@given(st.permutations("cgabefd"), claims, st.integers(0, 30))
def test_any_claims_end_as_if_followed_from_the_start(names, claims, saved_after):
    resolver, into = resolver_of(*names), {}
    for number, (author, target) in enumerate(claims):
        before = resolver.canonical.view.tolist()
        changed = resolver.claim(author, target)
        into |= {names[author]: names[target]}
        if target < 0:
            del into[names[author]]
        after = resolver.canonical.view.tolist()
        assert [names[other] for other in after] == [canonical(name, into) for name in names]
        assert changed == {one: before[one] for one in range(AUTHORS) if before[one] != after[one]}
        assert [after[other] for other in after] == after, "invariant I11"
        if number == saved_after:
            again = resolver_of(*names)
            for column in ("target", "canonical"):
                getattr(again, column).load(getattr(resolver, column).dump())
            again.restored()
            resolver = again
