"""Reports: what a scenario holds and what a plan costs, as plain data and as text."""

from __future__ import annotations

import math
from collections.abc import Mapping

from netopt_heur.report.describe import describe

__all__ = ["describe", "json_safe"]


def json_safe(value: object) -> object:
    """Turn a document into what strict JSON can hold.

    Parameters
    ----------
    value
        Mappings, sequences, numbers (numpy scalars included) and text.

    Returns
    -------
    object
        The same document of dicts, lists, Python numbers and text; NaN and infinities become ``None``.

    Examples
    --------
    >>> json_safe({"gap": float("inf"), "ids": ("a", "b")})
    {'gap': None, 'ids': ['a', 'b']}
    """
    if isinstance(value, Mapping):
        return {str(key): json_safe(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [json_safe(each) for each in value]
    if value is None or isinstance(value, bool | int | str):
        return value
    item = getattr(value, "item", None)
    number = item() if callable(item) else value
    if isinstance(number, float):
        return number if math.isfinite(number) else None
    return number if isinstance(number, bool | int | str) else str(number)
