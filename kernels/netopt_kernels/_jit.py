"""The one place where numba's options are set."""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

from numba import njit

P = ParamSpec("P")
R = TypeVar("R")

_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy"}
_compile = njit(**_OPTIONS)
# without numba's runtime, which allocates and counts references
_LEAN_OPTIONS: dict[str, Any] = {**_OPTIONS, "_nrt": False}
_compile_lean = njit(**_LEAN_OPTIONS)


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


def lean(function: Callable[P, R]) -> Callable[P, R]:
    """Compile as `kernel` does, without counting references: for what allocates nothing and is called often.

    Counting takes an atomic operation per array argument and call, more than the work of a small function.
    numba refuses to compile a function that allocates.
    """
    return cast(Callable[P, R], _compile_lean(function))
