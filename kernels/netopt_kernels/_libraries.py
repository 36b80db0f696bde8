"""Compiled code, as numba's compiler hands it on: of inner functions, of entries, of many entries together.

By itself numba optimises every function and turns it into machine code, together with all that it calls: the
innermost of ten functions ten times. *Inner* functions, which only compiled code calls, stay as they were
lowered here until an *entry*, which Python calls, has gathered all of them in its reach. Only that whole is
optimised. Where several entries are compiled ahead, it is the whole of what any of them reaches.
"""

import ctypes
from collections.abc import Sequence
from functools import partial
from typing import Any, cast

from llvmlite.binding import address_of_symbol
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler
from numba.core.typing import templates

# Where Python calls what only compiled code may: a TypeError instead of a jump to nowhere.
_REFUSE = cast(int, ctypes.cast(ctypes.pythonapi.PyErr_BadArgument, ctypes.c_void_p).value)


class _NoEngine:
    """Takes the place of the machine that runs code, which never sees what is inner."""

    @staticmethod
    def set_env(name: str, environment: object) -> None:
        """Have nothing to tell."""


class InnerLibrary(JITCodeLibrary):
    """Code of one function, as lowered, and references to what it calls."""

    codegen = _NoEngine

    def finalize(self) -> None:
        """Leave the code as it is."""
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:
        """Point to what raises an error."""
        return _REFUSE

    def _get_module_for_linking(self) -> Any:
        if self._shared_module is None:
            for function in self._final_module.functions:
                if not function.is_declaration and function.linkage.name == "external":
                    function.linkage = "linkonce_odr"  # several entries may hold it
            self._shared_module = self._final_module
        return self._shared_module

    def export(self, name: str) -> None:
        """Have the whole that this becomes a part of keep a function for calls from outside."""
        self._get_module_for_linking().get_function(name).linkage = "external"


def _follow(library: Any, seen: set[Any], callees_first: list[Any]) -> None:
    """Note a library after what it calls and does not hold: finished ones hold copies of finished ones."""
    if library not in seen:
        seen.add(library)
        for other in library._linking_libraries:
            if isinstance(library, InnerLibrary) or isinstance(other, InnerLibrary):
                _follow(other, seen, callees_first)
        callees_first.append(library)


class EntryLibrary(JITCodeLibrary):
    """Code of one or more entries and of all inner functions in their reach."""

    _bitcode: bytes | None = None

    @classmethod
    def of(cls, codegen: Any, name: str, entries: Sequence[InnerLibrary]) -> Any:
        """Compile several entries together."""
        library: Any = cls(codegen, name)
        library.enable_object_caching()
        for entry in entries:
            library.add_linking_library(entry)
        library.finalize()
        return library

    @classmethod
    def load(cls, codegen: Any, name: str, machine_code: bytes, bitcode: bytes, defined: set[str]) -> Any:
        """Make what was compiled by another process ready to run."""
        library: Any = cls(codegen, name)
        library.enable_object_caching()
        library._set_compiled_object(machine_code)
        library._bitcode = bitcode
        library._finalize_final_module()
        codegen._engine._defined_symbols |= defined
        return library

    def finalize(self) -> None:
        """Gather, optimise, and generate machine code."""
        seen: set[Any] = set()
        callees_first: list[Any] = []
        for library in self._linking_libraries:
            _follow(library, seen, callees_first)
        # What nothing refers to yet is not linked: whatever calls comes before what it calls.
        self._linking_libraries = callees_first[::-1]
        cast(Any, super()).finalize()

    def _optimize_final_module(self) -> None:
        """Tell LLVM that nothing outside calls inner functions: they need not take what they do not use."""
        for function in self._final_module.functions:
            # numba goes by the names of its memory management to leave out what cancels
            if function.linkage.name == "linkonce_odr" and not function.name.startswith("NRT_"):
                function.linkage = "internal"
        cast(Any, super())._optimize_final_module()

    def missing(self) -> list[str]:
        """Names of functions that the code calls but neither holds nor finds in this process."""
        called = (function.name for function in self._final_module.functions if function.is_declaration)
        return [name for name in called if not name.startswith("llvm.") and address_of_symbol(name) is None]

    def defined(self) -> set[str]:
        """Names of what the code defines."""
        module = self._final_module
        values = (*module.functions, *module.global_variables)
        return {value.name for value in values if not value.is_declaration}

    def _get_module_for_linking(self) -> Any:
        if self._shared_module is None and self._bitcode is not None:
            from llvmlite.binding import parse_bitcode

            # only where other code calls what was loaded: reading this takes longer than all the rest
            self._shared_module = parse_bitcode(self._bitcode)
        return cast(Any, super())._get_module_for_linking()


class InnerCompiler(Compiler):
    """numba's compiler, into code that stays as it was lowered."""

    library_type: Any = InnerLibrary

    def define_pipelines(self) -> Any:
        """Choose the kind of library before numba does."""
        state = self.state
        if state.library is None:
            state.library = self.library_type(state.targetctx.codegen(), state.func_id.func_qualname)
            state.library.enable_object_caching()
        return cast(Any, super()).define_pipelines()


class EntryCompiler(InnerCompiler):
    """numba's compiler, into one entry's machine code."""

    library_type: Any = EntryLibrary


# Options of numba's decorator: who calls it without being compiled is Python, or nobody.
ENTRY: dict[str, Any] = {"no_cfunc_wrapper": True, "pipeline_class": EntryCompiler}
INNER: dict[str, Any] = {**ENTRY, "no_cpython_wrapper": True, "pipeline_class": InnerCompiler}


def compile_numpy_as_inner() -> None:
    """Take numba's own implementations of Python and numpy for inner functions from now on.

    By itself numba turns each of them into machine code, too. Code that another compiler class makes cannot
    call them any more: for a process that compiles kernels and does nothing else.
    """
    template = cast(Any, templates)._OverloadFunctionTemplate
    ordinary = template._get_jit_decorator

    def get_jit_decorator(self: Any) -> Any:
        return partial(ordinary(self), **INNER)

    template._get_jit_decorator = get_jit_decorator
