"""The one place where numba's options are set."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

from numba import njit

P = ParamSpec("P")
R = TypeVar("R")

_compile = njit(cache=True, nogil=True, error_model="numpy")


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function on its first call, keeping its Python type for the type checker.

    The result is cached on disk, releases the GIL, and divides by IEEE 754 rules
    instead of raising on zero.

    Parameters
    ----------
    function : callable
        A function over scalars and contiguous arrays.

    Returns
    -------
    callable
        The compiled function, typed as the original.
    """
    return cast(Callable[P, R], _compile(function))
