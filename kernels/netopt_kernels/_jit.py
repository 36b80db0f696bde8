"""The one place where numba's options are set, and how much of its compiler runs for what.

By itself numba optimises every function and turns it into machine code, together with all that it calls: the
innermost of ten functions ten times. Most functions here are called by compiled code only. Those, told by
the underscore that their names begin with, are *inner*: they stay as they were lowered until a function that
Python calls, an *entry*, has gathered all inner ones in reach, and only that whole is optimised.
"""

import ctypes
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

from numba import njit as _njit
from numba import types as _types
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler

P = ParamSpec("P")
R = TypeVar("R")


# numba has type hints for little of what follows
njit: Any = _njit
unliteral: Any = _types.unliteral

# Where Python calls what only compiled code may: a TypeError instead of a jump to nowhere.
_REFUSE = cast(int, ctypes.cast(ctypes.pythonapi.PyErr_BadArgument, ctypes.c_void_p).value)


class _NoEngine:
    """Takes the place of the machine that runs code, which never sees what is inner."""

    @staticmethod
    def set_env(name: str, environment: object) -> None:
        """Have nothing to tell."""


class _InnerLibrary(JITCodeLibrary):
    """Code of one inner function, as lowered, and references to what it calls."""

    codegen = _NoEngine

    def finalize(self) -> None:
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:
        return _REFUSE

    def _get_module_for_linking(self) -> Any:
        if self._shared_module is None:
            for function in self._final_module.functions:
                if not function.is_declaration and function.linkage.name == "external":
                    function.linkage = "linkonce_odr"  # several entries may hold it
            self._shared_module = self._final_module
        return self._shared_module


class _EntryLibrary(JITCodeLibrary):
    """Code of an entry and of all inner functions in its reach."""

    def finalize(self) -> None:
        reached = dict.fromkeys(self._linking_libraries)  # in order: the same code every time
        waiting = list(reached)
        while waiting:
            library = waiting.pop()
            if isinstance(library, _InnerLibrary):
                new = [other for other in dict.fromkeys(library._linking_libraries) if other not in reached]
                reached.update(dict.fromkeys(new))
                waiting += new
        self._linking_libraries = list(reached)
        cast(Any, super()).finalize()


class _InnerCompiler(Compiler):
    library_type: Any = _InnerLibrary

    def define_pipelines(self) -> Any:
        state = self.state
        if state.library is None:
            state.library = self.library_type(state.targetctx.codegen(), state.func_id.func_qualname)
            state.library.enable_object_caching()
        return cast(Any, super()).define_pipelines()


class _EntryCompiler(_InnerCompiler):
    library_type: Any = _EntryLibrary


_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}
_ENTRY: dict[str, Any] = {**_OPTIONS, "cache": True, "pipeline_class": _EntryCompiler}
_INNER: dict[str, Any] = {**_OPTIONS, "no_cpython_wrapper": True, "pipeline_class": _InnerCompiler}


def _compiled(function: Callable[P, R], **options: bool) -> Callable[P, R]:
    inner = function.__name__.startswith("_")
    dispatcher = njit(**(_INNER if inner else _ENTRY), **options)(function)
    if hasattr(dispatcher, "get_call_template"):  # not without the compiler
        _generalise(dispatcher)
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
