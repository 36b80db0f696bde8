"""Entries of a module compiled together into one file, from which a process that needs one loads them all.

numba keeps a file per function, and before it reads the first one it prepares for compiling: it imports and
registers its implementations of Python and numpy, and compiles its memory management, which takes several
times as long as loading does. Code that is complete needs none of that.
"""

import os
import pickle
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, cast

import numba
from llvmlite import binding
from numba import typeof as _typeof
from numba import types
from numba.core import runtime as _runtime
from numba.core import serialize as _serialize
from numba.core.caching import FunctionCache, NullCache
from numba.core.compiler import CompileResult
from numba.core.compiler_lock import global_compiler_lock

from ._libraries import EntryCompiler, EntryLibrary, InnerCompiler
from ._sources import Digests, are_current, digests

# numba has no type hints for these
runtime: Any = _runtime
serialize: Any = _serialize
typeof: Any = _typeof

SUFFIX = f".py{sys.version_info[0]}{sys.version_info[1]}.kernels"

Kernel = Any  # numba's dispatcher
Call = tuple[Kernel, tuple[Any, ...]]  # what to compile, for which arguments: values, or numba's types

_UNREADABLE = (
    OSError,
    EOFError,
    pickle.UnpicklingError,
    ValueError,
    LookupError,
    AttributeError,
    ImportError,
    TypeError,
)
_shelves: dict[Path, "_Shelf"] = {}


class _Shelf(NamedTuple):
    """Entries by name and types of arguments, and the code that they share."""

    library: EntryLibrary
    entries: dict[tuple[str, tuple[Any, ...]], tuple[Any, Any, Any]]


class _Content(NamedTuple):
    """What a file holds, after the mark that says for what it is valid."""

    name: str
    machine_code: bytes
    bitcode: bytes
    defined: list[str]
    entries: list[tuple[str, Any, Any, Any]]  # name, signature, description, environment
    environments: tuple[Any, ...]  # of inner functions with constants that are objects of Python


class EntryCache(FunctionCache):
    """Looks for an entry among those compiled together, then where numba keeps single ones."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Load the entry compiled for these types, if there is one."""
        shelf = _shelf(self, target_context)
        found = None if shelf is None else shelf.entries.get((self._py_func.__qualname__, tuple(sig)))
        if shelf is None or found is None:
            self._heed_imports()
            return cast(Any, super()).load_overload(sig, target_context)
        return _result(target_context, shelf.library, *found)

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep an entry that was compiled by itself."""
        self._heed_imports()
        cast(Any, super()).save_overload(sig, data)

    def path(self) -> Path:
        """Where the module's entries are together."""
        return Path(self.cache_path) / (Path(self._py_func.__code__.co_filename).stem + SUFFIX)

    def mark(self, target_context: Any, sources: Digests) -> Any:
        """What a file must have been compiled for to be valid: versions, processor, sources."""
        machine = target_context.codegen().magic_tuple()
        return numba.__version__, binding.llvm_version_info, machine, sources

    @property
    def module(self) -> str:
        """Name of the module that holds the entry."""
        return cast(str, self._py_func.__module__)

    def _heed_imports(self) -> None:
        """Have numba take what it kept as out of date after an edit of an imported source, too."""
        self._cache_file._source_stamp = digests(self.module)


@global_compiler_lock  # type: ignore[untyped-decorator]
def compile_together(calls: Iterable[Call]) -> None:
    """Compile entries of one module into one library, and keep it for other processes."""
    wanted = [(kernel, tuple(map(_type, arguments))) for kernel, arguments in calls]
    cache, context = wanted[0][0]._cache, wanted[0][0].targetctx
    shelf = _shelf(cache, context)
    if (
        shelf is not None
        and {(kernel.__qualname__, kinds) for kernel, kinds in wanted} <= shelf.entries.keys()
    ):
        with suppress(OSError):
            cache.path().touch()  # newer than any source, so that `is_compiled` knows
        return
    lowered = _lower(wanted)
    for result in lowered:
        for name in (result.fndesc.llvm_cpython_wrapper_name, result.fndesc.llvm_func_name):
            result.library.export(name)
    library = EntryLibrary.of(context.codegen(), cache.path().stem, [result.library for result in lowered])
    results = [
        _result(context, library, result.signature, result.fndesc, result.environment) for result in lowered
    ]
    for (kernel, _), result in zip(wanted, results, strict=True):
        kernel._reset_overloads()
        context.insert_user_function(result.entry_point, result.fndesc, [library])
        kernel.add_overload(result)
    _write(cache, context, results)


def _type(argument: Any) -> Any:
    return argument if isinstance(argument, types.Type) else typeof(argument)


def _lower(wanted: list[tuple[Kernel, tuple[Any, ...]]]) -> list[Any]:
    """Take entries as far as inner functions go."""
    caches = {kernel: kernel._cache for kernel, _ in wanted}
    for kernel in caches:
        kernel._reset_overloads()
        kernel._cache, kernel._compiler.pipeline_class = NullCache(), InnerCompiler
    try:
        for kernel, kinds in wanted:
            kernel.compile(kinds)
    finally:
        for kernel, cache in caches.items():
            kernel._cache, kernel._compiler.pipeline_class = cache, EntryCompiler
    return [kernel.overloads[kinds] for kernel, kinds in wanted]


def _result(context: Any, library: EntryLibrary, signature: Any, description: Any, environment: Any) -> Any:
    """What numba's compiler would return for an entry of the library."""
    values = {
        "typing_context": context.typing_context,
        "target_context": context,
        "entry_point": context.get_executable(library, description, environment),
        "type_annotation": "",
        "signature": signature,
        "objectmode": False,
        "lifted": (),
        "fndesc": description,
        "library": library,
        "environment": environment,
        "reload_init": (),
    }
    return CompileResult(*map(values.get, CompileResult._fields))


def _write(cache: EntryCache, context: Any, results: list[Any]) -> None:
    """Keep the results' library and what Python needs to call it."""
    library = results[0].library
    if library.has_dynamic_globals or library._reload_init:
        raise RuntimeError("a kernel holds addresses of this process")
    if missing := library.missing():
        raise RuntimeError(f"kernels of {cache.module} call what is not there: {', '.join(missing)}")
    for result in results:
        result.fndesc.typemap = result.fndesc.calltypes = None  # for the compiler only
    name, _, (machine_code, bitcode) = library.serialize_using_object_code()
    content = _Content(
        name,
        machine_code,
        bitcode,
        sorted(library.defined()),
        [
            (result.fndesc.qualname.rpartition(".")[2], result.signature, result.fndesc, result.environment)
            for result in results
        ],
        # Empty ones, which nothing asks for, would have the modules of numba's own functions imported.
        tuple(each for each in results[0]._find_referenced_environments() if each.consts),
    )
    mark = cache.mark(context, digests(cache.module))
    path = cache.path()
    new = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new.write_bytes(pickle.dumps(mark) + serialize.dumps(tuple(content)))
        new.replace(path)  # whole or not at all
    except OSError:  # no room, or no right to write: what was compiled runs all the same
        with suppress(OSError):
            new.unlink(missing_ok=True)


def _shelf(cache: EntryCache, context: Any) -> _Shelf | None:
    """Load the file of a cache's module, once."""
    path = cache.path()
    if path not in _shelves:
        try:
            with path.open("rb") as file:
                mark = pickle.load(file)
                if mark != cache.mark(context, mark[-1]) or not are_current(cache.module, mark[-1]):
                    return None
                _shelves[path] = _load(_Content(*pickle.load(file)), context)
        except _UNREADABLE:  # not there, or damaged: compiled again
            return None
    return _shelves[path]


def _load(content: _Content, context: Any) -> _Shelf:
    for name, address in runtime.nrt._nrt.c_helpers.items():  # numba's memory management
        binding.add_symbol(name if name.startswith("_") else f"NRT_{name}", address)
    code = content.machine_code, content.bitcode, set(content.defined)
    library = EntryLibrary.load(context.codegen(), content.name, *code)
    for environment in content.environments:
        context.codegen().set_env(environment.env_name, environment)
    return _Shelf(
        library,
        {(name, tuple(signature.args)): (signature, *rest) for name, signature, *rest in content.entries},
    )
