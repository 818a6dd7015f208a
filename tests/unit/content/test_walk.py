"""The order of blocks under a root: the same for everybody, each once, and what is missing by name."""

import io

import pytest

from node.content.car import CarReader
from node.content.cid import DAG_PB, RAW, Cid, sha256
from node.content.dag import listing, trace
from node.content.edition import build_placeholder
from node.content.store import BlockStore, MissingBlockError
from node.content.unixfs import Target, directory, file
from node.content.walk import Walk, car_pieces, extent
from node.errors import ContentError


@pytest.fixture
def store(tmp_path):
    return BlockStore(tmp_path / "blocks")


@pytest.fixture
def tree(store):
    """A root over one folder twice, in which two names mean one file."""
    leaf, blocks = file(b"leaf")
    inner, more = directory({"a": leaf, "b": leaf})
    outer, most = directory({"0": inner, "1": inner, "2": leaf})
    store.put_all([*blocks, *more, *most])
    return outer.cid, inner.cid, leaf.cid


def walked(store, walk):
    found = []
    for cid in walk:
        found.append(cid)
        walk.enter(cid, store.get(cid.digest))
    return found


def test_walk__shared_folders_and_files__each_once_parents_first(store, tree):
    assert walked(store, Walk([tree[0]])) == list(tree)


def test_walk__repeat__every_occurrence_in_order(store, tree):
    outer, inner, leaf = tree
    assert walked(store, Walk([outer], repeat=True)) == [outer, inner, leaf, leaf, inner, leaf, leaf, leaf]


def test_walk__several_roots__in_the_order_given_without_what_came(store, tree):
    outer, inner, leaf = tree
    assert walked(store, Walk([leaf, outer])) == [leaf, outer, inner]
    assert walked(store, Walk([inner, outer])) == [inner, leaf, outer]


def test_walk__alone__nothing_below(store, tree):
    outer, _inner, leaf = tree
    assert walked(store, Walk([leaf], alone=[outer])) == [outer, leaf]


@pytest.mark.parametrize("repeat", [False, True])
def test_walk__more_than_the_most__refused(store, tree, repeat):
    with pytest.raises(ContentError, match="more than 2 blocks"):
        walked(store, Walk([tree[0]], most=2, repeat=repeat))


def test_incident_lido_oracle_757__garbage_called_a_directory__refused(store):
    digest = store.put(b"<html>504</html>")
    with pytest.raises(ContentError):
        walked(store, Walk([Cid(DAG_PB, digest)]))


def test_car_pieces__same_tree_from_two_stores__byte_identical_and_read_back(store, tmp_path):
    other = BlockStore(tmp_path / "other")
    root = Cid(DAG_PB, build_placeholder(store, "Tide", "", 1, 5))
    assert build_placeholder(other, "Tide", "", 1, 5) == root.digest
    first, second = (b"".join(car_pieces(each.get, [root], Walk([root]))) for each in (store, other))
    assert first == second
    reader = CarReader(io.BytesIO(first))
    names = [cid for cid, _ in reader]
    assert reader.roots == (root,)
    assert names[0] == root
    assert len(names) == len(set(names)) == 1 + 5 + 1


def test_car_pieces__block_missing_on_the_way__raises(store, tree):
    for found in store.path.rglob(f"*{str(Cid(RAW, tree[2].digest))[-10:]}"):
        found.unlink()
    with pytest.raises(MissingBlockError):
        b"".join(car_pieces(store.get, [tree[0]], Walk([tree[0]])))


def test_extent__whole_and_with_gaps__counted_and_named(store, tree):
    outer, inner, _leaf = tree
    whole = extent(store, Walk([outer]))
    assert (whole.blocks, whole.missing) == (3, ())
    assert whole.bytes == sum(len(store.get(cid.digest)) for cid in tree)
    ghost = Target(Cid(RAW, sha256(b"nobody has this")), 7)
    tree_with_gap, blocks = directory({"0": ghost, "1": Target(inner, 1)})
    store.put_all(blocks)
    gap = extent(store, Walk([tree_with_gap.cid]))
    assert (gap.blocks, gap.missing) == (3, (ghost.cid,))


def test_trace__path__every_step_and_the_end(store, tree):
    outer, inner, leaf = tree
    assert trace(store, outer, ["0", "a"]) == (outer, inner, leaf)
    assert trace(store, outer, []) == (outer,)
    assert listing(store, inner)[0].cid == leaf
