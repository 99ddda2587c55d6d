"""The two products of spaCy's parser and entity recognizer, before they go from token to token, made faster.

`linear` makes a token's vector smaller; `precomputable_affine` says what each token would add to a state, at
each of its places. Both are a matrix product (`products`) with little around it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from thinc.api import Model

from shared.pii.products import Floats, Product

_TRIAL_ROWS = (1, 2, 5, 9, 46, 131)


class _Linear:
    """thinc's `linear`."""

    def __init__(self, layer: Model[Any, Any]) -> None:
        weights: Any = layer.get_param("W")
        self._product = Product(layer.ops, weights)
        self._bias: Any = layer.get_param("b")

    def __call__(self, rows: Floats) -> Floats:
        made = self._product(rows)
        made += self._bias
        return made


class _Precomputed:
    """spaCy's `precomputable_affine`: one more row than tokens, the first for a place without a token."""

    def __init__(self, layer: Model[Any, Any]) -> None:
        weights: Any = layer.get_param("W")  # places, outputs, pieces, inputs
        self._shape = weights.shape[:3]
        self._product = Product(layer.ops, weights.reshape((-1, weights.shape[3])))
        padding: Any = layer.get_param("pad")
        self._padding: Floats = padding.reshape((1, -1))

    def __call__(self, rows: Floats) -> Floats:
        made = np.concatenate((self._padding, self._product(rows)))
        return made.reshape((len(made), *self._shape))


_FASTER: dict[str, type[_Linear | _Precomputed]] = {"linear": _Linear, "precomputable_affine": _Precomputed}


def speed_up_affines(model: Model[Any, Any]) -> int:
    """Replace the two layers of a `parser_model`; returns how many were replaced."""
    if model.name != "parser_model":
        return 0
    used = 0
    for layer in [*model.layers[0].layers, model.get_ref("lower")]:
        faster = _FASTER.get(layer.name)
        if faster is not None and is_exact(layer, made := faster(layer)):
            model.replace_node(layer, _twin(layer, made))
            used += 1
    return used


def is_exact(layer: Model[Any, Any], made: _Linear | _Precomputed) -> bool:
    """True where the trials come out bit for bit as from the layer itself."""
    rng = np.random.default_rng(20_240_229)
    rows = rng.standard_normal((max(_TRIAL_ROWS), layer.get_dim("nI"))).astype(np.float32)
    return all(np.array_equal(layer.predict(rows[:count]), made(rows[:count])) for count in _TRIAL_ROWS)


def _twin(layer: Model[Any, Any], made: _Linear | _Precomputed) -> Model[Any, Any]:
    """A layer with the same name, sizes and weights: spaCy's parser asks it for them."""
    dims = {name: layer.maybe_get_dim(name) for name in layer.dim_names}
    params: dict[str, Any] = {name: layer.get_param(name) for name in layer.param_names}
    return Model(layer.name, _forward, dims=dims, params=params, attrs={"made": made})


def _forward(model: Model[Any, Any], rows: Floats, is_train: bool) -> tuple[Floats, Any]:
    if is_train:
        raise RuntimeError("a model with faster layers cannot be trained")
    return model.attrs["made"](rows), None
