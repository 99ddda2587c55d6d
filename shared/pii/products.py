"""Matrix products with one set of weights, by NumPy where its sums are those of spaCy's library, bit for bit.

spaCy multiplies with a BLIS of its own. On processors that are newer than its release it falls back to
portable code: a multiplication, then an addition, one input after the other, in blocks of 256 inputs. NumPy's
OpenBLAS adds in the same order where it is told to use kernels without fused multiply-add (`loading` sets
`OPENBLAS_CORETYPE`), and is three times as fast. On processors that BLIS knows, its sums are rounded in
another way, and it is fast by itself. So each product is tried out against spaCy's own when a model is
loaded, and used only where no bit differs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

BLOCK_INPUTS = 256
"""BLIS adds up so many inputs before it adds their sum to the result."""

_TRIAL_ROWS = (2, 3, 4, 5, 6, 7, 8, 9, 13, 16, 21, 33, 46, 64, 97, 131, 256, 509)

_TINY: Floats = np.zeros(8, dtype=np.float32)
"""For a function of NumPy's that clears the upper halves of the vector registers, which OpenBLAS leaves in
use: code without AVX, such as spaCy's parser, runs at half its speed until somebody does."""


class Product:
    """`rows @ weights.T` for weights of shape (outputs, inputs), as `ops.gemm` of spaCy's models gives it."""

    __slots__ = ("_blocks", "_ops", "_weights", "is_fast")

    def __init__(self, ops: Any, weights: Floats) -> None:
        self._ops = ops
        self._weights = weights
        blocks = [slice(at, at + BLOCK_INPUTS) for at in range(0, weights.shape[1], BLOCK_INPUTS)]
        self._blocks = [(block, np.ascontiguousarray(weights[:, block].T)) for block in blocks]
        self.is_fast = self._is_exact()

    def __call__(self, rows: Floats) -> Floats:
        """The product of rows of shape (any, inputs)."""
        if not self.is_fast or len(rows) < 2:  # a single row is added up in another order
            return self._stock(rows)
        return self._multiply(rows)

    def _stock(self, rows: Floats) -> Floats:
        product: Floats = self._ops.gemm(rows, self._weights, trans2=True)
        return product

    def _multiply(self, rows: Floats) -> Floats:
        (first, first_weights), *others = self._blocks
        product: Floats = rows[:, first] @ first_weights
        for block, weights in others:
            product += rows[:, block] @ weights
        np.maximum(_TINY, _TINY)
        return product

    def _is_exact(self) -> bool:
        rng = np.random.default_rng(20_240_229)
        rows = rng.standard_normal((max(_TRIAL_ROWS), self._weights.shape[1])).astype(np.float32)
        trials = (rows[:count] for count in _TRIAL_ROWS)
        return all(np.array_equal(self._stock(trial), self._multiply(trial)) for trial in trials)
