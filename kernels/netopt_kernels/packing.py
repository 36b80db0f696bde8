"""How densely single demands can fill a link: knapsacks with a row per sample, over several sizes."""

import numpy as np
import numpy.typing as npt

from ._jit import kernel

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_TOLERANCE = 1e-9  # relative, by which a load may exceed a size
_ROUNDS = 60
_FIRST_STEP = 3.0
_FADING = 0.15


@kernel
def densest(load: FloatArray, value: FloatArray, size: FloatArray, most_nodes: int) -> float:
    """Largest value per size of a set of items that fits one of the sizes in every row.

    Each size is a knapsack with one row per sample. It is relaxed to a single row, a mixture of all found by
    subgradient steps (surrogate relaxation: Kellerer, Pferschy and Pisinger, Knapsack Problems, 2004,
    chapter 9), whose fractional optimum bounds depth-first search.

    Parameters
    ----------
    load : float64[n_rows, n_items]
        What an item asks for in a row, at least 0.
    value : float64[n_items]
        At least 0.
    size : float64[n_sizes]
        Above 0.
    most_nodes : int
        Nodes of the search over all sizes; what is left then counts with its relaxation.

    Returns
    -------
    float
        The maximum over sizes of value / size, 0 if nothing fits; above it only if nodes ran out.

    Examples
    --------
    >>> import numpy as np
    >>> load, value = np.array([[3.0, 1.0, 2.0], [1.0, 3.0, 2.0]]), np.array([3.0, 3.0, 2.0])
    >>> densest(load, value, np.array([4.0]), 1000)
    1.5
    """
    n_sizes, n_items = size.shape[0], value.shape[0]
    ratio, weight = np.empty(n_sizes), np.empty((n_sizes, n_items))
    for s in range(n_sizes):
        ratio[s] = _mixture(load, value, size[s], weight[s]) / size[s]
    best, nodes = 0.0, most_nodes
    for s in _falling(ratio):
        if ratio[s] <= best:
            break
        if nodes > 0:
            found, nodes = _search(load, value, size[s], weight[s], best * size[s], nodes)
            best = max(best, min(found / size[s], ratio[s]))
        else:
            best = ratio[s]
    return best


@kernel
def _falling(key: FloatArray) -> IntArray:
    """Indices by falling key, the lower index first among equals."""
    order = np.empty(key.shape[0], np.int64)
    for i in range(key.shape[0]):
        place = i
        while place > 0 and key[order[place - 1]] < key[i]:
            order[place] = order[place - 1]
            place -= 1
        order[place] = i
    return order


@kernel
def _fractional(
    value: FloatArray, weight: FloatArray, order: IntArray, first: int, room: float
) -> tuple[float, int, float]:
    """Fractional knapsack of the items from ``first`` on in ``order``: value, item cut in two, part of it."""
    total = 0.0
    for i in range(first, order.shape[0]):
        item = order[i]
        if weight[item] > room:
            part = max(room, 0.0) / max(weight[item], 1e-300)
            return total + part * value[item], i, part
        room -= weight[item]
        total += value[item]
    return total, order.shape[0], 0.0


@kernel
def _densities(value: FloatArray, weight: FloatArray) -> FloatArray:
    density = np.empty(value.shape[0])
    for item in range(value.shape[0]):
        density[item] = value[item] / max(weight[item], 1e-300)
    return density


@kernel
def _mixture(load: FloatArray, value: FloatArray, size: float, best_weight: FloatArray) -> float:
    """Value of the best single-row relaxation found; fills in its weights."""
    n_rows, n_items = load.shape
    share, weight = np.full(n_rows, 1.0 / n_rows), np.empty(n_items)
    best = np.inf
    for step in range(_ROUNDS):
        weight[:] = 0.0
        for row in range(n_rows):
            for item in range(n_items):
                weight[item] += share[row] * load[row, item]
        order = _falling(_densities(value, weight))
        total, cut, part = _fractional(value, weight, order, 0, size)
        if total < best:
            best = total
            for item in range(n_items):  # to assign a slice compiles what its error would say, for 2 s
                best_weight[item] = weight[item]
        fullest, norm = 0.0, 0.0
        for row in range(n_rows):
            used = 0.0
            for i in range(cut):
                used += load[row, order[i]]
            if cut < n_items:
                used += part * load[row, order[cut]]
            fullest = max(fullest, used)
            share[row] *= np.exp(_FIRST_STEP / (1.0 + _FADING * step) * (used - size) / size)
            norm += share[row]
        if fullest <= size:  # the fractional set fits every row: no mixture says more
            break
        for row in range(n_rows):
            share[row] /= norm
    return best


@kernel
def _search(
    load: FloatArray, value: FloatArray, size: float, weight: FloatArray, known: float, most_nodes: int
) -> tuple[float, int]:
    """Best value above ``known``, else ``known``, and the nodes left; inf if they ran out."""
    n_rows, n_items = load.shape
    order = _falling(_densities(value, weight))
    column = np.empty((n_items, n_rows))
    for i in range(n_items):
        for row in range(n_rows):
            column[i, row] = load[row, order[i]]
    used = np.zeros((n_items + 1, n_rows))  # by the number of items taken
    taken, branch = np.zeros(n_items, np.int64), np.zeros(n_items + 1, np.int64)
    depth, n_taken, total, room, best = 0, 0, 0.0, size * (1.0 + _TOLERANCE), known
    largest = room
    while depth >= 0:
        if branch[depth] == 0:  # seen first
            most_nodes -= 1
            if most_nodes < 0:
                return np.inf, 0
            best = max(best, total)
            if depth == n_items or total + _fractional(value, weight, order, depth, room)[0] <= best:
                depth -= 1
                continue
            branch[depth] = 1
            fits = True
            for row in range(n_rows):
                used[n_taken + 1, row] = used[n_taken, row] + column[depth, row]
                fits = fits and used[n_taken + 1, row] <= largest
            if fits:
                item = order[depth]
                taken[depth] = 1
                n_taken, total, room = n_taken + 1, total + value[item], room - weight[item]
                depth += 1
                branch[depth] = 0
        elif branch[depth] == 1:  # back from taking the item, or it did not fit: leave it out
            branch[depth] = 2
            if taken[depth] == 1:
                item = order[depth]
                taken[depth] = 0
                n_taken, total, room = n_taken - 1, total - value[item], room + weight[item]
            depth += 1
            branch[depth] = 0
        else:
            depth -= 1
    return best, most_nodes
