"""
Named tuples of arrays and numbers as kernels take them: one address instead of hundreds of numbers.

To numba an array is seven numbers or more, and a tuple of arrays all of those of its arrays, at every call.
`pack` writes down once where the arrays are and hands over the address of that table, whose entries kernels
read by name. They own nothing, so that nobody counts who refers to what.
"""

import struct
from typing import Any, TypeVar, cast

import numpy as np
from numba import config as _config
from numba import types as _types
from numba.core import cgutils as _cgutils
from numba.core.typing.templates import AttributeTemplate as _AttributeTemplate
from numba.extending import NativeValue as _NativeValue
from numba.extending import infer_getattr as _infer_getattr
from numba.extending import lower_getattr_generic as _lower_getattr_generic
from numba.extending import models
from numba.extending import register_model as _register_model
from numba.extending import unbox as _unbox

# numba has no type hints for these
cgutils: Any = _cgutils
config: Any = _config
types: Any = _types
AttributeTemplate: Any = _AttributeTemplate
infer_getattr: Any = _infer_getattr
lower_getattr_generic: Any = _lower_getattr_generic
native_value: Any = _NativeValue
register_model: Any = _register_model
unbox: Any = _unbox

Packed = TypeVar("Packed", bound=tuple[Any, ...])


class StructureType(types.Type):  # type: ignore[misc]
    """Type, inside kernels, of a packed tuple.

    Parameters
    ----------
    name : str
        Name of the tuple.
    fields : tuple of (str, numba type)
        Its fields: arrays in C order, int64 or float64.
    """

    def __init__(self, name: str, fields: tuple[tuple[str, Any], ...]) -> None:
        self.fields = dict(fields)
        kinds = ", ".join(f"{getattr(kind, 'dtype', kind)}:{_n_words(kind)}" for _, kind in fields)
        super().__init__(name=f"{name}({kinds})")


class _Structure:
    """A packed tuple outside kernels; the arrays live as long as it does."""

    def __init__(self, fields: tuple[Any, ...]) -> None:
        self._numba_type_ = packed_type(fields)
        words: list[int] = []
        for value in fields:
            if not isinstance(value, np.ndarray):
                words.append(_word(value))
            elif value.flags.c_contiguous:
                words += [value.__array_interface__["data"][0], *value.shape]
            else:
                raise ValueError("kernels take arrays in C order only")
        self._fields, self._table = fields, np.array(words, np.int64)
        self.address = self._table.__array_interface__["data"][0]


def pack(fields: Packed) -> Packed:
    """Turn a named tuple into what kernels take; both share the arrays' memory.

    Parameters
    ----------
    fields : named tuple
        Arrays in C order, and numbers.

    Returns
    -------
    named tuple
        The same to kernels, and to the type checker; the tuple itself without the compiler.

    Raises
    ------
    ValueError
        If an array is not in C order.
    """
    return fields if config.DISABLE_JIT else cast(Packed, _Structure(fields))


_known: dict[tuple[Any, ...], StructureType] = {}


def packed_type(fields: tuple[Any, ...]) -> StructureType:
    """Type, inside kernels, of what `pack` would return."""
    kinds = tuple(
        (value.dtype.str, value.ndim) if isinstance(value, np.ndarray) else type(value) for value in fields
    )
    found = _known.get((type(fields), kinds))
    if found is None:
        names = cast(Any, fields)._fields
        found = StructureType(type(fields).__name__, tuple(zip(names, map(_kind, fields), strict=True)))
        _known[type(fields), kinds] = found
    return found


def _kind(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return types.Array(_dtype(value), value.ndim, "C")
    return types.float64 if isinstance(value, float) else types.int64


def _dtype(array: np.ndarray[Any, Any]) -> Any:
    from numba.np.numpy_support import from_dtype

    return from_dtype(array.dtype)


def _word(value: float) -> int:
    """Bits of a number."""
    return cast(int, struct.unpack("q", struct.pack("d" if isinstance(value, float) else "q", value))[0])


def _n_words(kind: Any) -> int:
    """Entries of the table: of an array where it is and its shape."""
    return 1 + getattr(kind, "ndim", 0)


register_model(StructureType)(models.OpaqueModel)


@infer_getattr
class _Fields(AttributeTemplate):  # type: ignore[misc]
    key = StructureType

    def generic_resolve(self, structure: StructureType, name: str) -> Any:
        """Type of a field."""
        return structure.fields.get(name)


@lower_getattr_generic(StructureType)  # type: ignore[untyped-decorator]
def _read(context: Any, builder: Any, structure: StructureType, address: Any, name: str) -> Any:
    """Read a field from the table: nothing there changes while kernels run."""
    from numba.np import arrayobj

    fill: Any = arrayobj.populate_array
    names = list(structure.fields)
    first = sum(_n_words(structure.fields[other]) for other in names[: names.index(name)])
    kind = structure.fields[name]

    def word(at: int, as_type: Any) -> Any:
        table = builder.bitcast(address, as_type.as_pointer())
        loaded = builder.load(builder.gep(table, [cgutils.intp_t(first + at)], inbounds=True))
        loaded.set_metadata("invariant.load", builder.module.add_metadata([]))
        return loaded

    if not isinstance(kind, types.Array):
        return word(0, context.get_value_type(kind))
    array = context.make_array(kind)(context, builder)
    data = word(0, context.get_data_type(kind.dtype).as_pointer())
    shape = [word(1 + axis, cgutils.intp_t) for axis in range(kind.ndim)]
    itemsize = cgutils.intp_t(context.get_abi_sizeof(context.get_data_type(kind.dtype)))
    strides = [itemsize]
    for extent in shape[:0:-1]:
        strides.insert(0, builder.mul(strides[0], extent))
    fill(array, data=data, shape=shape, strides=strides, itemsize=itemsize, meminfo=None)
    return array._getvalue()


@unbox(StructureType)  # type: ignore[untyped-decorator]
def _take(structure: StructureType, packed: Any, c: Any) -> Any:
    """Take the address from a packed tuple."""
    address = c.pyapi.object_getattr_string(packed, "address")
    pointer = c.pyapi.long_as_voidptr(address)
    c.pyapi.decref(address)
    return native_value(pointer, is_error=c.pyapi.c_api_error())
