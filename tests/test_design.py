"""Paths in arrays behave as the list of them."""

from __future__ import annotations

import copy
import pickle

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from netopt_heur.construct.ip_layer import IpLayer
from netopt_heur.design import Path, Paths

PATHS = st.lists(st.none() | st.lists(st.integers(0, 9), max_size=4).map(tuple), max_size=6)


def kept(paths: list[Path | None]) -> Paths:
    return IpLayer.of(paths, [None] * len(paths)).primary


@settings(deadline=None)
@given(PATHS)
def test_paths_are_a_list(paths: list[Path | None]) -> None:
    found = kept(paths)
    assert len(found) == len(paths)
    assert found.count(None) == paths.count(None)
    assert list(found) == paths == found
    assert found.count(None) == paths.count(None)
    assert found[1:] == paths[1:]
    assert list(pickle.loads(pickle.dumps(found))) == paths


@settings(deadline=None)
@given(PATHS.filter(bool))
def test_copies_change_on_their_own(paths: list[Path | None]) -> None:
    found = kept(paths)
    early = copy.copy(found)
    found[0] = (7, 7)
    late = copy.copy(found)
    late[-1:] = [None, (1,)]
    late.insert(0, None)
    del late[1]
    assert list(early) == paths
    assert list(found) == [(7, 7), *paths[1:]]
    assert late == [None, *found[1:-1], None, (1,)][-len(late) :]
    assert len(late) == len(paths) + 1


@settings(deadline=None)
@given(PATHS, st.data())
def test_layers_of_paths(paths: list[Path | None], data: st.DataObject) -> None:
    backup = data.draw(st.lists(st.sampled_from([None, (3, 1)]), min_size=len(paths), max_size=len(paths)))
    layer = IpLayer.of(paths, backup)
    both = list(zip(paths, backup, strict=True))
    assert (list(layer.primary), list(layer.backup)) == (paths, backup)
    assert layer.rank()[0] == paths.count(None)
    used = {key for pair in both for path in pair for key in path or ()}
    assert layer.links() == used
    assert layer.link_keys().tolist() == sorted(used)
    some = data.draw(st.lists(st.integers(0, 12), max_size=3))
    hit = [p is not None and not set(some).isdisjoint((*p, *(b or ()))) for p, b in both]
    assert layer.uses(np.array(some, dtype=np.int64)).tolist() == hit
    left = layer.without(np.array(hit, dtype=np.bool_))
    assert list(left.primary) == [None if out else p for p, out in zip(paths, hit, strict=True)]
