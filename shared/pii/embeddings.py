"""Word embeddings computed once for each word: spaCy's first layers without repeated work, bit for bit.

The first layers of spaCy's models turn a few hashes of a token (its norm, prefix, suffix, shape …) into a
vector, without looking at its neighbours: the same hashes always give the same vector. They take a third of
a model's time, and most words of a text have been seen before. Here each row of hashes is computed once and
looked up from then on.

The vectors must be exactly those that stock computes, or findings could differ. That holds where the matrix
product treats every row alike, however many there are, which depends on the processor: `reuse_rows` tries it
out on this machine and leaves a model as it is where a single bit differs.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from thinc.api import Model, noop
from thinc.types import Ragged

from shared.pii.encoders import NormedMaxout
from shared.pii.products import Floats

MAX_ROWS = 20_000
"""Words that are kept, 400 bytes each; then the table starts anew."""

_TRIAL_ROWS = (2, 3, 4, 5, 6, 7, 8, 9, 13, 16, 21, 34, 46, 64, 97, 128, 255, 600)
_TRIAL_PLACES = (0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 15, 20, 33, 45, 63, 96, 127, 200, 254, 511, 599)
_EMBED_LAYERS = (
    "extract_features",
    "list2ragged",
    "with_array(",
    "with_array(maxout>>layernorm",
    "ragged2list",
)


class _Table:
    """Vectors by the bytes of their hashes. Rows are written before they can be found, and never change."""

    __slots__ = ("places", "vectors")

    def __init__(self, width: int) -> None:
        self.places: dict[bytes, int] = {}
        self.vectors: NDArray[np.float32] = np.zeros((MAX_ROWS, width), dtype=np.float32)


class RowTable:
    """The two layers of a model that make vectors of hashes, with what they have made so far."""

    def __init__(self, hashing: Model[Ragged, Ragged], mixing: Model[Ragged, Ragged]) -> None:
        self._hashing = hashing
        self._mixing = mixing
        self._flat = _flatten(hashing, mixing)
        self._width = int(mixing.get_dim("nO"))
        self._lock = threading.Lock()
        self._table = _Table(self._width)

    def stock(self, rows: NDArray[np.uint64]) -> Floats:
        """What the layers themselves make of the rows."""
        ragged = Ragged(rows, np.asarray([len(rows)], dtype="i"))  # type: ignore[arg-type]
        vectors: Any = self._mixing.predict(self._hashing.predict(ragged)).data
        return np.asarray(vectors, dtype=np.float32)

    def compute(self, rows: NDArray[np.uint64]) -> Floats:
        """The same, without the table."""
        return self.stock(rows) if self._flat is None or not len(rows) else self._flat.compute(rows)

    def look_up(self, rows: NDArray[np.uint64]) -> Floats:
        """The same from the table, which learns what it lacks."""
        step = rows.shape[1] * rows.itemsize
        raw = rows.tobytes()
        keys = [raw[start : start + step] for start in range(0, len(raw), step)]
        table = self._table
        try:
            return table.vectors[[table.places[key] for key in keys]]
        except KeyError:
            missing = {key: place for place, key in enumerate(keys) if key not in table.places}
        table = self._learn(rows, missing)
        if any(key not in table.places for key in keys):
            return self.compute(rows)  # more different words than a table holds
        return table.vectors[[table.places[key] for key in keys]]

    def _learn(self, rows: NDArray[np.uint64], missing: dict[bytes, int]) -> _Table:
        vectors = self.compute(rows[list(missing.values())])
        with self._lock:
            table = self._table
            if len(table.places) + len(missing) > MAX_ROWS:
                table = self._table = _Table(self._width)
            for key, vector in zip(missing, vectors, strict=True):
                place = len(table.places)
                if key not in table.places and place < MAX_ROWS:
                    table.vectors[place] = vector
                    table.places[key] = place
            return table


class _Flat:
    """The two layers as one function: hash embeddings side by side, then a `NormedMaxout`."""

    __slots__ = ("_embeddings", "_mix", "_ops")

    def __init__(self, hashing: Model[Any, Any], mixing: Model[Any, Any]) -> None:
        """Raises ValueError where the layers are not built as expected."""
        (concatenated,), (normed,) = hashing.layers, mixing.layers
        (maxout, norm), _dropout = normed.layers[0].layers, normed.layers[1]
        self._ops: Any = maxout.ops
        self._mix = NormedMaxout(maxout, norm)
        self._embeddings = []
        for pick, embed in (chain.layers for chain in concatenated.layers):
            if (pick.name, embed.name) != ("ints-getitem", "hashembed"):
                raise ValueError("expected a hash embedding of one column")
            self._embeddings.append((embed.attrs["column"], embed.attrs["seed"], embed.get_param("E")))

    def compute(self, rows: NDArray[np.uint64]) -> Floats:
        """Vectors of at least one row."""
        ops, columns = self._ops, np.ascontiguousarray(rows.T)
        parts = [
            ops.gather_add(vectors, ops.hash(columns[column], seed) % len(vectors))
            for column, seed, vectors in self._embeddings
        ]
        return self._mix.apply(np.concatenate(parts, axis=1))


def _flatten(hashing: Model[Any, Any], mixing: Model[Any, Any]) -> _Flat | None:
    try:
        return _Flat(hashing, mixing)
    except (ValueError, KeyError, AttributeError, IndexError):
        return None


def reuse_rows(model: Model[Any, Any]) -> int:
    """Put tables into a model wherever it embeds hashes of tokens; returns how many were put in."""
    used = 0
    for embed in list(_embedding_chains(model)):
        _, _, hashing, mixing, _ = embed.layers
        table = RowTable(hashing, mixing)
        if is_exact(table, len(embed.layers[0].attrs["columns"])):
            embed.replace_node(mixing, noop())
            embed.replace_node(hashing, Model("reused_rows", _forward, attrs={"table": table}))
            used += 1
    return used


def is_exact(table: RowTable, columns: int) -> bool:
    """True where rows of every trial are bit for bit what each is on its own, and what the layers make."""
    rng = np.random.default_rng(20_240_229)
    rows = rng.integers(0, 2**64 - 1, size=(max(_TRIAL_ROWS), columns), dtype=np.uint64)
    alone = {place: table.compute(rows[place : place + 1])[0] for place in _TRIAL_PLACES}
    for count in _TRIAL_ROWS:
        together = table.compute(rows[:count])
        if not np.array_equal(together, table.stock(rows[:count])):
            return False
        if any(not np.array_equal(together[at], alone[at]) for at in _TRIAL_PLACES if at < count):
            return False
    return True


def _embedding_chains(model: Model[Any, Any]) -> Iterator[Model[Any, Any]]:
    """spaCy's MultiHashEmbed layers without static vectors."""
    for node in model.walk():
        names = [layer.name for layer in node.layers]
        if len(names) == len(_EMBED_LAYERS) and all(map(str.startswith, names, _EMBED_LAYERS)):
            yield node


def _forward(model: Model[Ragged, Ragged], rows: Ragged, is_train: bool) -> tuple[Ragged, Any]:
    if is_train:
        raise RuntimeError("a model with reused rows cannot be trained")
    if not len(rows.data):
        return Ragged(model.attrs["table"].compute(rows.data), rows.lengths), None
    return Ragged(model.attrs["table"].look_up(rows.data), rows.lengths), None
