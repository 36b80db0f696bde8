"""Lower bounds on the number of wavelengths, each certified by integer edge prices.

Give every directed edge a price. A wavelength carries each edge at most once, so its lightpaths together
cost at most the sum of all prices, and a request costs at least its cheapest path. Hence
``wavelengths >= sum of cheapest paths / sum of prices``. The best prices are the duals of the
multicommodity flow of least congestion (Shahrokhi and Matula 1990), which is solved here as a linear
program whose flows are aggregated by source. Its prices are rounded to integers and evaluated exactly, so
the tolerances of the solver cannot make a bound too large.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from netopt_heur.rwa.instance import I64, RwaInstance
from netopt_heur.rwa.network import Network

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["BoundTask", "cut_bound", "flow_prices", "price_bound"]

LP_GAP = 1e-4  # a third faster than the default of 1e-8; it can only make a bound too small
PRICE_STEPS = 1_000_000  # a rounded price is this many units at most
MAX_LP_FLOWS = 3_000_000  # larger programs would not end within minutes


def price_bound(network: Network, price: I64) -> int:
    """Wavelengths that non-negative integer edge prices prove necessary.

    Parameters
    ----------
    network
        The instance.
    price
        Prices, int64 of shape (edges,).

    Returns
    -------
    int
        The bound; 0 if all prices are 0.
    """
    total = int(price.sum())
    if total == 0:
        return 0
    source, _, row = network.requests
    return -(-int(network.to_go(price)[row, source].sum()) // total)


def cut_bound(instance: RwaInstance) -> int:
    """Wavelengths that the edges out of or into one node prove necessary; at least 1 for any request."""
    best = min(1, instance.n_requests)
    for at_request, at_edge in ((instance.source, instance.tail), (instance.target, instance.head)):
        requests = np.bincount(at_request, minlength=instance.n_nodes)
        edges = np.bincount(at_edge, minlength=instance.n_nodes)
        used = requests > 0
        if used.any():
            best = max(best, int((-(-requests[used] // edges[used])).max()))
    return best


def flow_prices(instance: RwaInstance, solver: Any) -> NDArray[np.float64] | None:
    """Edge prices that maximise the bound, from the duals of the least-congested flow.

    Parameters
    ----------
    instance
        An instance with requests.
    solver
        A fresh ``highspy.Highs``, with its time limit set.

    Returns
    -------
    float64 of shape (edges,), or None
        The prices; None if the solver stopped before it had any.
    """
    import highspy

    program = _congestion_program(instance)
    solver.passModel(program)
    solver.run()
    solution = solver.getSolution()
    if not solution.dual_valid and solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    # The capacity rows come last: load - congestion <= 0, so their duals are not positive.
    duals = np.asarray(solution.row_dual, np.float64)[-instance.n_edges :]
    return np.maximum(-duals, 0.0)


def _congestion_program(instance: RwaInstance) -> Any:
    """Least congestion: one flow variable per (source, edge), then the congestion itself."""
    import highspy

    tail, head, source, target = _fewer_sources(instance)
    sources, row_of = np.unique(source, return_inverse=True)
    n_sources, n_nodes, n_edges = sources.size, instance.n_nodes, instance.n_edges
    demand = np.zeros((n_sources, n_nodes))
    np.add.at(demand, (row_of, target), 1.0)
    # The balance at the source itself follows from the others.
    demand[np.arange(n_sources), sources] = -np.inf
    n_balance = n_sources * n_nodes
    block = np.arange(n_sources)[:, None] * n_nodes
    capacity_row = n_balance + np.arange(n_edges)
    shared = np.broadcast_to(capacity_row, (n_sources, n_edges))
    row = np.stack([block + head, block + tail, shared], axis=2)
    value = np.broadcast_to(np.array([1.0, -1.0, 1.0]), row.shape)
    n_flows = n_sources * n_edges

    program = highspy.HighsLp()
    program.num_col_, program.num_row_ = n_flows + 1, n_balance + n_edges
    program.col_cost_ = np.concatenate([np.zeros(n_flows), [1.0]])
    program.col_lower_ = np.zeros(n_flows + 1)
    program.col_upper_ = np.full(n_flows + 1, np.inf)
    program.row_lower_ = np.concatenate([demand.ravel(), np.full(n_edges, -np.inf)])
    free_at_source = np.where(np.isfinite(demand), demand, np.inf)
    program.row_upper_ = np.concatenate([free_at_source.ravel(), np.zeros(n_edges)])
    program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    start = np.append(np.arange(n_flows + 1) * 3, 3 * n_flows + n_edges)
    program.a_matrix_.start_ = start.astype(np.int32)
    program.a_matrix_.index_ = np.concatenate([row.ravel(), capacity_row]).astype(np.int32)
    program.a_matrix_.value_ = np.concatenate([value.ravel(), np.full(n_edges, -1.0)])
    return program


def _fewer_sources(instance: RwaInstance) -> tuple[I64, I64, I64, I64]:
    """Tail, head, source, target; everything turned round if that leaves fewer different sources."""
    if np.unique(instance.source).size <= np.unique(instance.target).size:
        return instance.tail, instance.head, instance.source, instance.target
    return instance.head, instance.tail, instance.target, instance.source


class BoundTask:
    """The linear program's bound, computed in a thread of its own; a context manager that ends the thread.

    Parameters
    ----------
    instance, network
        The instance, twice.
    time_limit_s
        Most seconds for the linear program.
    """

    def __init__(self, instance: RwaInstance, network: Network, time_limit_s: float) -> None:
        import highspy

        self._instance = instance
        self._network = network
        self._bound = cut_bound(instance)
        self._error: BaseException | None = None
        self._solver: Any = highspy.Highs()  # type: ignore[no-untyped-call]
        for option, value in (
            ("output_flag", False),
            ("solver", "ipm"),
            ("run_crossover", "off"),
            ("ipm_optimality_tolerance", LP_GAP),
            ("threads", 1),
            ("time_limit", time_limit_s),
        ):
            self._solver.setOptionValue(option, value)
        self._solver.HandleUserInterrupt = True
        self._thread = threading.Thread(target=self._run, name="rwa-bound")

    def _run(self) -> None:
        try:
            price = flow_prices(self._instance, self._solver)
            if price is not None and price.max() > 0:
                whole = np.rint(price * (PRICE_STEPS / price.max())).astype(np.int64)
                self._bound = max(self._bound, price_bound(self._network, whole))
        except BaseException as error:  # handed over to the thread that asks for the bound
            self._error = error

    def __enter__(self) -> BoundTask:
        """Start the thread, unless the program is empty or too large."""
        n_sources = min(np.unique(self._instance.source).size, np.unique(self._instance.target).size)
        if 0 < n_sources * self._instance.n_edges <= MAX_LP_FLOWS:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the thread; the solver stops at its next iteration."""
        self._solver.cancelSolve()
        self.wait(None)

    @property
    def bound(self) -> int:
        """Best bound proven so far."""
        if self._error is not None:
            raise self._error
        return self._bound

    def wait(self, timeout_s: float | None) -> None:
        """Wait until the bound is final, but no longer than ``timeout_s``."""
        if self._thread.is_alive():
            self._thread.join(timeout_s)
