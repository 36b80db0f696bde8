"""Numba kernels of netopt-heur: typed arrays in, typed arrays out.

Every public kernel takes C-contiguous, writable arrays of fixed dtypes (``int64``, ``float64``,
``bool``, ``uint64``) and therefore compiles to exactly one signature. Modules whose names begin
with an underscore hold what is compiled into the others; an edit of one has all that use it compiled again.
Importing this package loads nothing heavy; import the module that you need.
"""

__version__ = "0.1.0"


def is_compiled(part: str = "grooming") -> bool:
    """Whether a module's kernels of an earlier run are in one of the places where numba keeps them.

    Also where nothing is compiled at all.
    """
    import os
    from pathlib import Path

    if os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
        return True
    changed = max(source.stat().st_mtime for source in Path(__file__).parent.glob("*.py"))
    places = [Path(__file__).parent / "__pycache__", Path.home() / ".cache" / "numba"]
    if chosen := os.environ.get("NUMBA_CACHE_DIR"):
        places = [Path(chosen)]
    return any(
        kept.stat().st_mtime >= changed for place in places for kept in place.rglob(f"{part}.py*.kernels")
    )
