"""The one place where numba's options are set, and how much of its compiler runs for what.

Functions whose names begin with an underscore are inner, the others entries: `_libraries` says what becomes
of them.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

from numba import njit as _njit
from numba import types as _types

from ._libraries import ENTRY, INNER
from ._shelf import EntryCache
from ._sources import digest

P = ParamSpec("P")
R = TypeVar("R")


# numba has type hints for little of what follows
njit: Any = _njit
unliteral: Any = _types.unliteral

_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy"}


def _compiled(function: Callable[P, R], **options: bool) -> Callable[P, R]:
    inner = function.__name__.startswith("_")
    dispatcher = njit(**_OPTIONS, **(INNER if inner else ENTRY), **options)(function)
    if hasattr(dispatcher, "get_call_template"):  # not without the compiler
        digest(Path(function.__code__.co_filename))
        _generalise(dispatcher)
        if not inner:
            dispatcher._cache = cast(Any, EntryCache)(function)
    return cast(Callable[P, R], dispatcher)


def _generalise(dispatcher: Any) -> None:
    """Compile a function once for all constants among its arguments, not once for each of them."""
    ordinary = dispatcher.get_call_template

    def get_call_template(args: Any, kws: Any) -> Any:
        return ordinary(tuple(map(unliteral, args)), {name: unliteral(kind) for name, kind in kws.items()})

    dispatcher.get_call_template = get_call_template


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function on its first call, keeping its Python type for the type checker.

    The result releases the GIL, and divides by IEEE 754 rules instead of raising on zero. That of a function
    whose name does not begin with an underscore is cached on disk; the others are part of it.

    Parameters
    ----------
    function : callable
        A function over scalars and contiguous arrays.

    Returns
    -------
    callable
        The compiled function, typed as the original.
    """
    return _compiled(function)


def lean(function: Callable[P, R]) -> Callable[P, R]:
    """Compile as `kernel` does, without counting references: for what allocates nothing and is called often.

    Counting takes an atomic operation per array argument and call, more than the work of a small function.
    numba refuses to compile a function that allocates.
    """
    return _compiled(function, _nrt=False)
