"""Types of the arrays that kernels take."""

import numpy as np
import numpy.typing as npt

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]
Int32Array = npt.NDArray[np.int32]
BitArray = npt.NDArray[np.uint64]
FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]
Graph = tuple[IntArray, IntArray, IntArray]
"""first_arc, head, arc_edge of a multigraph of sites and fibers: see `paths`."""
