import json
import math
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netopt_heur.errors import InputError, UsageError
from netopt_heur.rwa import check_solution, read_instance, run_rwa, solve_rwa, to_dict
from netopt_heur.rwa.bound import BoundTask, cut_bound, price_bound
from netopt_heur.rwa.network import build_network
from tests.naive import rwa as naive
from tests.rwa.instances import Edge, make_instance, ring, small_cases

SHARED = Path(__file__).parents[3] / "shared" / "data" / "rwa_set_w"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared RWA files are not here")


@settings(deadline=None, max_examples=60)
@given(small_cases(5, 7), st.integers(0, 5))
def test_small_instances_are_solved_to_optimality(
    case: tuple[int, list[Edge], list[Edge]], seed: int
) -> None:
    _, edges, requests = case
    instance = make_instance(*case)
    optimum = naive.fewest_wavelengths(edges, requests)
    result = solve_rwa(instance, seed=seed, iterations=1000, time_limit_s=20.0)
    assert check_solution(instance, to_dict(result)) == []
    assert result.lower_bound <= optimum == result.wavelengths
    assert (result.stopped_by == "bound") == (result.lower_bound == optimum)


@settings(deadline=None, max_examples=60)
@given(small_cases(5, 7), st.data())
def test_no_prices_prove_too_much(case: tuple[int, list[Edge], list[Edge]], data: st.DataObject) -> None:
    _, edges, requests = case
    instance = make_instance(*case)
    optimum = naive.fewest_wavelengths(edges, requests)
    price = data.draw(st.lists(st.integers(0, 5), min_size=len(edges), max_size=len(edges)))
    assert price_bound(build_network(instance), np.array(price, np.int64)) <= optimum
    assert cut_bound(instance) <= optimum


def test_the_flow_bound_sees_a_cut_that_no_node_sees() -> None:
    # Two full triangles joined by one edge each way; five requests cross.
    inner = [(a, b) for a in range(3) for b in range(3) if a != b]
    edges = inner + [(a + 3, b + 3) for a, b in inner] + [(0, 3), (3, 0)]
    requests = [(1, 4), (2, 5), (1, 5), (2, 4), (0, 3)]
    instance = make_instance(6, edges, requests)
    assert cut_bound(instance) == 1
    with BoundTask(instance, build_network(instance), 20.0) as task:
        task.wait(20.0)
        assert task.bound == 5
    assert solve_rwa(instance).wavelengths == 5


def test_the_bound_may_stop_early() -> None:
    n_nodes = 60
    edges = ring(n_nodes) + [(b, a) for a, b in ring(n_nodes)]
    requests = [(a, b) for a in range(n_nodes) for b in range(n_nodes) if a != b]
    instance = make_instance(n_nodes, edges, requests)
    with BoundTask(instance, build_network(instance), 20.0) as task:
        pass
    assert 30 <= task.bound <= 450  # n^2 / 8 wavelengths suffice on a bidirectional ring of even length


def test_no_request_needs_no_wavelength() -> None:
    result = solve_rwa(make_instance(2, ring(2), []))
    assert to_dict(result) == {"wavelengths": 0, "lightpaths": []}
    assert (result.lower_bound, result.stopped_by) == (0, "bound")


def test_parallel_edges_each_carry_every_wavelength() -> None:
    instance = make_instance(2, [(0, 1), (0, 1), (0, 1)], [(0, 1)] * 7)
    result = solve_rwa(instance)
    assert (result.wavelengths, result.lower_bound) == (3, 3)
    assert check_solution(instance, to_dict(result)) == []


def torus_with_requests(seed: int) -> tuple[int, list[Edge], list[Edge]]:
    side, rng = 4, np.random.default_rng(seed)
    node = [(x, y) for x in range(side) for y in range(side)]
    steps = ((0, 1), (1, 0), (0, side - 1), (side - 1, 0))
    edges = [(side * x + y, side * ((x + a) % side) + (y + b) % side) for x, y in node for a, b in steps]
    pairs = rng.integers(0, side * side, (120, 2)).tolist()
    return side * side, edges, [(a, b) for a, b in pairs if a != b]


def test_the_seed_decides_the_result() -> None:
    instance = make_instance(*torus_with_requests(1))
    runs = [solve_rwa(instance, seed=seed, iterations=400, time_limit_s=30.0) for seed in (3, 3, 4)]
    assert runs[0].lightpaths == runs[1].lightpaths != runs[2].lightpaths
    assert runs[0].lower_bound == runs[2].lower_bound
    assert all(check_solution(instance, to_dict(run)) == [] for run in runs)


def test_the_time_limit_holds_where_nothing_can_be_proven() -> None:
    # Each request takes two edges of the directed ring, so it conflicts with its two neighbours.
    edges, requests = ring(5), [(v, (v + 2) % 5) for v in range(5)]
    instance = make_instance(5, edges, requests)
    assert naive.fewest_wavelengths(edges, requests) == 3  # an odd cycle of conflicts; its congestion is 2
    result = solve_rwa(instance, time_limit_s=0.3)
    assert (result.wavelengths, result.lower_bound, result.stopped_by) == (3, 2, "time_limit")
    assert 0.3 <= result.runtime_s < 5.0 and result.found_s < result.runtime_s


def test_an_interrupted_search_returns_its_best(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("netopt_heur.rwa.search._EjectionSearch.step", interrupt)
    instance = make_instance(*torus_with_requests(1))
    result = solve_rwa(instance)
    assert result.stopped_by == "interrupted"
    assert check_solution(instance, to_dict(result)) == []


@pytest.mark.parametrize(
    "arguments",
    [
        {"time_limit_s": 0.0},
        {"time_limit_s": math.inf},
        {"time_limit_s": math.nan},
        {"seed": -1},
        {"iterations": -1},
    ],
)
def test_arguments_without_sense_are_refused(arguments: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        solve_rwa(make_instance(2, ring(2), []), **arguments)  # type: ignore[arg-type]


def test_run_rwa_writes_a_checked_solution(tmp_path: Path) -> None:
    path, out = tmp_path / "ring.txt", tmp_path / "out.json"
    path.write_text("3 3 2\n0 1\n1 2\n2 0\n0 2\n1 0\n")
    out.write_text("old")
    summary = run_rwa(path, 5.0, 0, out)
    solution = json.loads(out.read_text())
    assert check_solution(read_instance(path), solution) == []
    assert solution["wavelengths"] == summary["wavelengths"] == summary["lower_bound"] == 2
    assert solution["lightpaths"][1] == {
        "request": 1,
        "path": [1, 2, 0],
        "wavelength": 1 - _wave(solution, 0),
    }
    assert summary["optimal"] is True and summary["solution"] == str(out)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["out.json", "ring.txt"]
    json.dumps(summary, allow_nan=False)


def _wave(solution: dict[str, list[dict[str, int]]], request: int) -> int:
    return solution["lightpaths"][request]["wavelength"]


def test_run_rwa_fails_before_the_search(tmp_path: Path) -> None:
    path = tmp_path / "ring.txt"
    path.write_text("3 3 2\n0 1\n1 2\n2 0\n0 2\n1 0\n")
    with pytest.raises(IsADirectoryError):
        run_rwa(path, out=tmp_path)
    with pytest.raises(FileNotFoundError):
        run_rwa(path, out=tmp_path / "none" / "out.json")
    if os.geteuid() != 0:  # root may write anywhere
        tmp_path.chmod(0o500)
        with pytest.raises(PermissionError):
            run_rwa(path, out=tmp_path / "out.json")
        tmp_path.chmod(0o700)
    path.write_text("3 3")
    with pytest.raises(InputError):
        run_rwa(path, out=tmp_path / "out.json")
    assert not (tmp_path / "out.json").exists()


PROVEN = {
    "EON.n20e78t373": 22,
    "NSF-01.n14e42t284": 22,
    "NSF-12.n14e42t551": 38,
    "NSF2-48.n14e44t547": 39,
    "Finland.n31e102t930": 46,
    "Brasil.n27e140t1370": 48,
}


@needs_shared
@pytest.mark.parametrize("name", PROVEN)
def test_published_instances_are_solved_to_proven_optimality(name: str) -> None:
    instance = read_instance(SHARED / f"{name}.txt")
    result = solve_rwa(instance, seed=1, time_limit_s=10.0)
    assert check_solution(instance, to_dict(result)) == []
    assert (result.wavelengths, result.lower_bound, result.stopped_by) == (
        PROVEN[name],
        PROVEN[name],
        "bound",
    )
