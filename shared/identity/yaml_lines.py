"""YAML with the line of every value, and without what surprises: aliases, tags, keys given twice."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import yaml

from shared.identity.shapes import Path, Problem, show


@dataclass(slots=True)
class Document:
    """A parsed document: its data, the line (from 1) of each path, and what was wrong on the way."""

    data: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def line_of(self, path: Path) -> int:
        """The line of a value, or of the nearest thing around it that is there."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read_yaml(text: str) -> Document:
    """Parse one YAML document. Never raises: what is wrong stands in `problems`, with its line."""
    document = Document(lines={(): 1})
    try:
        _refuse_aliases(text)
        _read_document(text, document)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        document.lines[()] = 1 if mark is None else mark.line + 1
        document.problems.append(Problem((), f"is not YAML here: {error.problem or error.context}"))
    except (yaml.YAMLError, RecursionError, ValueError):
        document.problems.append(Problem((), "is not YAML: a character or its nesting cannot be read"))
    return document


def _read_document(text: str, document: Document) -> None:
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        document.data = None if node is None else _read_node(loader, node, (), document)
    finally:
        loader.dispose()


def _refuse_aliases(text: str) -> None:
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise yaml.MarkedYAMLError(
                problem="aliases (*name) are not served; write the value out",
                problem_mark=event.start_mark,  # type: ignore[arg-type]  # the stubs know one of two kinds
            )


def _read_node(loader: yaml.SafeLoader, node: yaml.Node, path: Path, document: Document) -> Any:
    document.lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        return _read_mapping(loader, node, path, document)
    if isinstance(node, yaml.SequenceNode):
        return [_read_node(loader, item, (*path, number), document) for number, item in enumerate(node.value)]
    return loader.construct_object(node)


def _read_mapping(
    loader: yaml.SafeLoader, node: yaml.MappingNode, path: Path, document: Document
) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node)
        place: Path = (*path, key if isinstance(key, str) else key_node.value)
        line = key_node.start_mark.line + 1
        if not isinstance(key, str):
            document.lines.setdefault(place, line)
            document.problems.append(Problem(place, f"expected text as a key, got {show(key)}; quote it"))
        elif key in data:
            first = document.lines[place]
            document.lines[place] = line
            document.problems.append(
                Problem(place, f"stands here a second time, the first is in line {first}")
            )
        else:
            document.lines[place] = line
            data[key] = _read_node(loader, value_node, place, document)
    return data
