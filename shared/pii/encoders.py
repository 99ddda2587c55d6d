"""spaCy's convolution layers as one function: the same operations in the same order, fewer calls between.

A model of spaCy's passes its vectors through four times [window, maxout, layer norm, residual], each of them
an object that prepares for training. On short texts the preparations take as long as a fifth of the
arithmetic. `fuse_layers` replaces them where the result is, bit for bit, what the layers themselves give.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from thinc.api import Model

from shared.pii.products import Floats, Product

_RESIDUAL = "residual(expand_window>>maxout>>layernorm>>dropout)"
_TRIAL_ROWS = (1, 2, 5, 9, 46, 131)


class NormedMaxout:
    """thinc's `maxout` and `layernorm` in inference, over rows of any width."""

    __slots__ = ("_bias", "_gain", "_norm_bias", "_ops", "_pieces", "_product", "width")

    def __init__(self, maxout: Model[Any, Any], norm: Model[Any, Any]) -> None:
        """Raises KeyError, ValueError or AttributeError for other layers."""
        self._ops: Any = maxout.ops
        self.width = int(maxout.get_dim("nO"))
        self._pieces = int(maxout.get_dim("nP"))
        outputs = self.width * self._pieces
        weights: Any = maxout.get_param("W")
        self._product = Product(self._ops, weights.reshape((outputs, -1)))
        bias: Any = maxout.get_param("b")
        self._bias: Floats = bias.reshape(outputs)
        self._gain: Any = norm.get_param("G")
        self._norm_bias: Any = norm.get_param("b")

    def apply(self, rows: Floats) -> Floats:
        """Vectors of `width` for rows of the layer's inputs."""
        products = self._product(rows)
        products += self._bias
        best, _ = self._ops.maxout(products.reshape(len(rows), self.width, self._pieces))
        mean = np.add.reduce(best, axis=1, keepdims=True)
        mean /= np.float32(self.width)
        best -= mean
        variance = np.add.reduce(np.square(best), axis=1, keepdims=True)
        variance /= np.float32(self.width)
        variance += np.float32(1e-08)
        best *= variance ** np.float32(-0.5)
        best *= self._gain
        best += self._norm_bias
        normed: Floats = best
        return normed


class Convolution:
    """One layer: each vector together with its neighbours, through a `NormedMaxout`, added to itself."""

    __slots__ = ("_mix", "_ops")

    def __init__(self, residual: Model[Any, Any]) -> None:
        """Raises ValueError where the layer is not built as expected."""
        window, (maxout, norm) = _parts(residual)
        if window.attrs["window_size"] != 1:
            raise ValueError("expected a window of one token to either side")
        self._ops: Any = maxout.ops
        self._mix = NormedMaxout(maxout, norm)

    @property
    def width(self) -> int:
        """Of the vectors, before and after."""
        return self._mix.width

    def apply(self, vectors: Floats) -> Floats:
        """thinc's `seq2col`, `maxout`, `layernorm` and `residual`, in inference."""
        mixed = self._mix.apply(self._ops.seq2col(vectors, 1))
        mixed += vectors
        return mixed


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
        vectors = rng.standard_normal((rows, layers[0].width)).astype(np.float32)
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
