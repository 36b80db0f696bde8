"""Write the generated instances of docs/rwa.md: ``python benchmarks/rwa_instances.py DIR``.

Tori, grids and random graphs, two directed edges per fiber; each ordered pair of nodes requests a lightpath
with a given probability, several times over where there are rounds.
"""

import argparse
import random
from pathlib import Path
from typing import Any, TypeAlias

import networkx as nx

Graph: TypeAlias = "nx.Graph[Any]"


def write(path: Path, graph: Graph, probability: float, seed: int, rounds: int = 1) -> None:
    rng, n_nodes = random.Random(seed), graph.number_of_nodes()
    fibers = nx.convert_node_labels_to_integers(graph).edges
    edges = [pair for a, b in fibers for pair in ((a, b), (b, a))]
    pairs = [(a, b) for a in range(n_nodes) for b in range(n_nodes) if a != b]
    requests = [pair for _ in range(rounds) for pair in pairs if rng.random() < probability]
    lines = [f"{n_nodes} {len(edges)} {len(requests)}", *(f"{a} {b}" for a, b in edges + requests)]
    path.write_text("\n".join(lines) + "\n")


def torus(rows: int, columns: int) -> Graph:
    graph: Graph = nx.grid_2d_graph(rows, columns, periodic=True)
    return graph


def random_graph(nodes: int, fibers: int, seed: int) -> Graph:
    """Connected, with at least two fibers at every node."""
    while True:
        graph: Graph = nx.gnm_random_graph(nodes, fibers, seed)
        if nx.is_connected(graph) and min(degree for _, degree in graph.degree) >= 2:
            return graph
        seed += 1000


def main() -> None:
    parser = argparse.ArgumentParser(description="Write RWA instances.")
    parser.add_argument("directory", type=Path)
    folder: Path = parser.parse_args().directory
    folder.mkdir(parents=True, exist_ok=True)
    write(folder / "torus-10x10-020.txt", torus(10, 10), 0.2, 1)
    write(folder / "torus-8x8-060.txt", torus(8, 8), 0.6, 4)
    write(folder / "torus-7x9-100.txt", torus(7, 9), 1.0, 4)
    write(folder / "torus-4x25-020.txt", torus(4, 25), 0.2, 2)
    write(folder / "grid-6x17-020.txt", nx.grid_2d_graph(6, 17), 0.2, 3)
    write(folder / "regular-100x4-020.txt", nx.random_regular_graph(4, 100, 0), 0.2, 0)
    write(folder / "regular-100x4-040.txt", nx.random_regular_graph(4, 100, 1), 0.4, 1)
    write(folder / "random-100x250-020.txt", random_graph(100, 250, 2), 0.2, 2)
    write(folder / "random-100x250-040.txt", random_graph(100, 250, 3), 0.4, 3)
    write(folder / "random-100x250-100.txt", random_graph(100, 250, 4), 1.0, 4)
    write(folder / "random-50x100-080.txt", random_graph(50, 100, 11), 0.8, 11)
    write(folder / "random-30x60-180.txt", random_graph(30, 60, 9), 0.9, 9, rounds=2)
    write(folder / "random-20x35-240.txt", random_graph(20, 35, 9), 0.8, 10, rounds=3)
    write(folder / "random-14x21-320.txt", random_graph(14, 21, 9), 0.8, 12, rounds=4)


if __name__ == "__main__":
    main()
