"""An HTML page read back as elements, with the standard library's own parser."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset({"meta", "br", "input", "rect", "line", "link", "img", "hr", "wbr"})


@dataclass(slots=True)
class Element:
    """A tag with its attributes, the text inside it, and its descendants in order."""

    tag: str
    attributes: dict[str, str]
    text: str = ""
    below: list[Element] = field(default_factory=list)

    def has_class(self, name: str) -> bool:
        return name in self.attributes.get("class", "").split()

    def all(self, tag: str, **attributes: str) -> list[Element]:
        wanted = {name.rstrip("_"): value for name, value in attributes.items()}
        return [
            each
            for each in self.below
            if each.tag == tag
            and all(each.attributes.get(name) == value or (name == "class" and each.has_class(value))
                    for name, value in wanted.items())
        ]  # fmt: skip


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("document", {})
        self.open = [self.root]
        self.unmatched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        for each in self.open:
            each.below.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if self.open[-1].tag != tag:
            self.unmatched.append(tag)
        else:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        for each in self.open:
            each.text += data


def read_html(text: str) -> Element:
    """The document. Raises AssertionError where tags do not match."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    assert reader.unmatched == [], reader.unmatched
    assert [each.tag for each in reader.open] == ["document"]
    return reader.root
