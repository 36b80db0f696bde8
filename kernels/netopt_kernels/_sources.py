"""What compiled code was made from: the source of a module and those of the kernel modules that it imports.

Code of functions from other modules becomes part of what is compiled, and numbers defined there, too. An edit
of any of these sources must keep what was compiled before it from being loaded.
"""

import ast
import hashlib
import os
import sys
from collections.abc import Iterator
from functools import cache
from importlib.util import resolve_name
from pathlib import Path

Digests = dict[str, bytes]  # of contents, by path from the folder of the module


@cache
def digest(source: Path) -> bytes:
    """Hash a file as it is when this is first asked: the sooner, the surer that it is what runs."""
    try:
        return hashlib.sha256(source.read_bytes()).digest()
    except OSError:
        return b""


@cache
def digests(module: str) -> Digests:
    """Hash the sources of a loaded module and, at any remove, of those that it imports.

    Of the imports those count that are in the folder of the module or in that of this one.
    """
    own = _source(module)
    if own is None:
        return {}
    folders = {own.parent, Path(__file__).parent}
    found: dict[Path, str] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        source = _source(name)
        if source is not None and source.parent in folders and source not in found:
            found[source] = name
            waiting += _imports(name, source)
    return {os.path.relpath(source, own.parent): digest(source) for source in sorted(found)}


def are_current(module: str, known: Digests) -> bool:
    """Whether the sources of a module are still those of known hashes. Reads them, but parses nothing."""
    own = _source(module)
    if own is None or own.name not in known:
        return False
    paths = {Path(os.path.normpath(own.parent / path)): contents for path, contents in known.items()}
    return all(digest(path) == contents for path, contents in paths.items())


def _source(module: str) -> Path | None:
    path = getattr(sys.modules.get(module), "__file__", None)
    return None if path is None else Path(path)


def _imports(module: str, source: Path) -> Iterator[str]:
    """Names of what a module may import; some are of functions or numbers, not of modules."""
    package = getattr(sys.modules[module], "__package__", None) or ""
    for node in ast.walk(ast.parse(source.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            name = resolve_name("." * node.level + (node.module or ""), package)
            yield name
            yield from (f"{name}.{alias.name}" for alias in node.names)
