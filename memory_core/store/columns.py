"""Arrow columns to plain values and vectors, and back. Knows no tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from memory_core.ports import Matrix, Vector


def checked_vector(vector: Vector | None, dimension: int, what: str) -> Vector | None:
    """Give `vector` as float32[dimension], a copy nobody else writes to.

    Raises:
        ValueError: Another shape, or a value that is not finite.
    """
    if vector is None:
        return None
    copy = np.array(vector, dtype=np.float32)
    if copy.shape != (dimension,):
        raise ValueError(f"{what} has shape {copy.shape}, the store's dimension is {dimension}")
    if not np.isfinite(copy).all():
        raise ValueError(f"{what} holds a value that is not finite")
    copy.setflags(write=False)
    return copy


def checked_rows(rows: Matrix, dimension: int) -> Matrix:
    """Give `rows` as float32[N, dimension].

    Raises:
        ValueError: Another shape, or a value that is not finite.
    """
    copy = np.array(rows, dtype=np.float32)
    if copy.ndim != 2 or copy.shape[1] != dimension or not np.isfinite(copy).all():
        raise ValueError(f"rows of shape {copy.shape} are no vectors of dimension {dimension}")
    return copy


def plain_values(column: Any) -> list[Any]:
    """Give a column as plain values; lists of structs are taken apart by column, which is fast."""
    kind = column.type
    if not (pa.types.is_list(kind) and pa.types.is_struct(kind.value_type)):
        return cast("list[Any]", column.to_pylist())
    result: list[Any] = []
    for chunk in column.chunks:
        flat = chunk.flatten()
        names = [f.name for f in kind.value_type]
        parts = zip(*(part.to_pylist() for part in flat.flatten()), strict=True)
        rows = [dict(zip(names, part, strict=True)) for part in parts]
        start = 0
        for length in chunk.value_lengths().fill_null(0).to_pylist():
            result.append(rows[start : start + length])
            start += length
    return result


def vector_array(vectors: Sequence[Vector | None], dimension: int) -> Any:
    """Give a nullable fixed-size list array; None becomes null."""
    flat = np.zeros((len(vectors), dimension), dtype=np.float32)
    for index, vector in enumerate(vectors):
        if vector is not None:
            flat[index] = vector
    mask = pa.array([vector is None for vector in vectors], type=pa.bool_())
    return pa.FixedSizeListArray.from_arrays(pa.array(flat.ravel()), dimension, mask=mask)


def _matrix_of(column: Any) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Give a vector column as (float32[N, d], bool[N] present); absent rows are zeros."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
    width = array.type.list_size
    present = np.asarray(array.is_valid().to_numpy(zero_copy_only=False), dtype=np.bool_)
    flat = array.values.slice(array.offset * width, len(array) * width)
    matrix = np.array(flat.fill_null(0).to_numpy(zero_copy_only=False), dtype=np.float32)
    matrix = matrix.reshape(len(array), width)
    matrix[~present] = 0.0
    return matrix, present


def vectors_of(table: Any, name: str) -> list[Vector | None]:
    """Give a vector column row by row, None where it is null or does not exist."""
    if name not in table.column_names or not table.num_rows:
        return [None] * table.num_rows
    matrix, present = _matrix_of(table.column(name))
    matrix.setflags(write=False)
    return [matrix[i].copy() if there else None for i, there in enumerate(present)]
