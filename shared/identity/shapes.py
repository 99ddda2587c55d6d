"""Configuration into frozen models, with errors an operator can act on: expected this, got that."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

MAX_SHOWN_CHARS = 40

type Path = tuple[str | int, ...]
"""Keys and list positions from the top of the configuration to a value."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, and where: `path` is relative to what was read.

    `line` is set where it is not the line of the path's value.
    """

    path: Path
    message: str
    line: int | None = None

    def below(self, *prefix: str | int) -> Problem:
        """The same problem, seen from further up."""
        return Problem((*prefix, *self.path), self.message, self.line)


def read_model[Model: BaseModel](model: type[Model], data: object) -> tuple[Model | None, list[Problem]]:
    """The model of one flat mapping, or everything that is wrong with it.

    Each field's `description` completes the sentence "expected ...".
    """
    if not isinstance(data, Mapping):
        return None, [Problem((), f"expected a mapping, got {show(data)}")]
    try:
        return model.model_validate(dict(data)), []
    except ValidationError as error:
        details = error.errors(include_url=False)
    # pydantic counts a list's good items, so a wrong item can make the list too short as well: say it once.
    inside = {detail["loc"][:1] for detail in details if len(detail["loc"]) > 1}
    told = [detail for detail in details if len(detail["loc"]) != 1 or detail["loc"] not in inside]
    return None, [Problem(_path(model, detail), _explain(model, detail)) for detail in told]


def show(value: object) -> str:
    """A value as it may stand in an error message: short, and in the words of YAML and JSON."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    if isinstance(value, Mapping):
        return "a mapping"
    text = repr(value)
    return text if len(text) <= MAX_SHOWN_CHARS else f"{text[:MAX_SHOWN_CHARS]}…"


def suggest(word: str, known: Collection[str]) -> str:
    """`; did you mean 'X'?` where a known word is close, else nothing."""
    close = difflib.get_close_matches(word.upper(), {name.upper(): name for name in known}, n=1)
    found = next((name for name in known if close and name.upper() == close[0]), None)
    return f"; did you mean {found!r}?" if found else ""


def render_path(path: Path) -> str:
    """`('roles', 'Pii.Analyst', 'permissions', 2)` as `roles.Pii.Analyst.permissions[2]`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _path(model: type[BaseModel], detail: ErrorDetails) -> Path:
    # A rule about a whole model names its field in the error's context; pydantic gives it no place.
    context = detail.get("ctx") or {}
    named = context.get("field")
    if isinstance(named, str) and named in model.model_fields:
        return (*detail["loc"], named)
    # A rule about one entry of a mapping names the entry's key.
    key = context.get("key")
    return (*detail["loc"], key) if isinstance(key, str) else detail["loc"]


def _explain(model: type[BaseModel], detail: ErrorDetails) -> str:
    kind, loc, came = detail["type"], detail["loc"], show(detail["input"])
    field = model.model_fields.get(str(loc[0])) if loc else None
    expected = field.description if field is not None else None
    if kind == "extra_forbidden":
        name = str(loc[-1])
        return f"is not a field here{suggest(name, model.model_fields)}"
    if kind == "missing":
        return f"is missing: expected {expected or 'a value'}"
    if kind in ("rule", "value_error"):
        return detail["msg"].removeprefix("Value error, ")
    if len(loc) == 1 and expected:
        return f"expected {expected}, got {came}"
    return f"{_explain_item(detail)}, got {came}"


def _explain_item(detail: ErrorDetails) -> str:
    context: dict[str, Any] = detail.get("ctx") or {}
    if "expected" in context:
        return f"expected one of {context['expected']}"
    if "pattern" in context:
        return f"expected text like {context['pattern']}"
    return "expected text" if detail["type"] == "string_type" else f"expected another value ({detail['msg']})"
