"""spaCy's convolution layers as one function: the same operations in the same order, fewer calls between.

A model of spaCy's passes its vectors through four times [window, maxout, layer norm, residual], each of them
an object that prepares for training. On short texts the preparations take as long as a fifth of the
arithmetic. `fuse_layers` replaces them where the result is, bit for bit, what the layers themselves give.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from thinc.api import Model

Floats = NDArray[np.float32]

_RESIDUAL = "residual(expand_window>>maxout>>layernorm>>dropout)"
_TRIAL_ROWS = (1, 2, 5, 9, 46, 131)


class Convolution:
    """The parameters of one layer, and what it does to vectors."""

    __slots__ = ("_bias", "_gain", "_norm_bias", "_ops", "_pieces", "_weights", "_width")

    def __init__(self, residual: Model[Any, Any]) -> None:
        """Raises ValueError where the layer is not built as expected."""
        window, (maxout, norm) = _parts(residual)
        if window.attrs["window_size"] != 1:
            raise ValueError("expected a window of one token to either side")
        self._ops = maxout.ops
        self._width = int(maxout.get_dim("nO"))
        self._pieces = int(maxout.get_dim("nP"))
        outputs = self._width * self._pieces
        self._weights = self._ops.reshape2f(maxout.get_param("W"), outputs, maxout.get_dim("nI"))
        self._bias = self._ops.reshape1f(maxout.get_param("b"), outputs)
        self._gain = norm.get_param("G")
        self._norm_bias = norm.get_param("b")

    def apply(self, vectors: Floats) -> Floats:
        """thinc's `seq2col`, `maxout`, `layernorm` and `residual`, in inference."""
        ops = self._ops
        products = ops.gemm(ops.seq2col(vectors, 1), self._weights, trans2=True)
        products += self._bias
        best, _ = ops.maxout(ops.reshape3f(products, len(vectors), self._width, self._pieces))
        mean = np.add.reduce(best, axis=1, keepdims=True)
        mean /= np.float32(self._width)
        centred = best - mean
        variance = np.add.reduce(np.square(centred), axis=1, keepdims=True)
        variance /= np.float32(self._width)
        variance += np.float32(1e-08)
        centred = centred * variance ** np.float32(-0.5)
        scaled = centred * self._gain
        scaled += self._norm_bias
        fused: Floats = vectors + scaled
        return fused


def fuse_layers(model: Model[Any, Any]) -> int:
    """Replace runs of convolution layers in a model; returns how many runs were replaced."""
    used = 0
    for chain in list(_convolution_chains(model)):
        try:
            layers = [Convolution(residual) for residual in chain.layers]
        except (ValueError, KeyError, AttributeError):
            continue
        if is_exact(chain, layers):
            model.replace_node(chain, Model("fused_layers", _forward, attrs={"layers": layers}))
            used += 1
    return used


def is_exact(chain: Model[Any, Any], layers: list[Convolution]) -> bool:
    """True where the trials come out bit for bit as from the layers themselves."""
    rng = np.random.default_rng(20_240_229)
    for rows in _TRIAL_ROWS:
        vectors = rng.standard_normal((rows, layers[0]._width)).astype(np.float32)
        if not np.array_equal(chain.predict(vectors), _run(layers, vectors)):
            return False
    return True


def _parts(residual: Model[Any, Any]) -> tuple[Any, tuple[Any, Any]]:
    window, normed, _dropout = _flat(residual.layers[0])
    return window, (normed[0], normed[1])


def _flat(chain: Model[Any, Any]) -> tuple[Any, Any, Any]:
    """`expand_window>>(maxout>>layernorm>>dropout)` with its nested chains taken apart."""
    window, rest = chain.layers
    normed, dropout = rest.layers
    return window, tuple(normed.layers), dropout


def _convolution_chains(model: Model[Any, Any]) -> Iterator[Model[Any, Any]]:
    for node in model.walk():
        if node.layers and all(layer.name == _RESIDUAL for layer in node.layers):
            yield node


def _run(layers: list[Convolution], vectors: Floats) -> Floats:
    for layer in layers:
        vectors = layer.apply(vectors)
    return vectors


def _forward(model: Model[Any, Any], vectors: Floats, is_train: bool) -> tuple[Floats, Any]:
    if is_train:
        raise RuntimeError("a model with fused layers cannot be trained")
    if not len(vectors):
        return vectors, None
    return _run(model.attrs["layers"], vectors), None
