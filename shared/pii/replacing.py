"""Presidio's anonymizer and deanonymizer in linear time, with bounded output and refusals in own words.

Stock builds the whole text anew for every span. What is decided here (conflicts, merging, order, operators)
is decided by Presidio's code; only the assembly of the text is another.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from presidio_anonymizer import AnonymizerEngine, DeanonymizeEngine
from presidio_anonymizer.entities import (
    EngineResult,
    InvalidParamError,
    OperatorConfig,
    OperatorResult,
    PIIEntity,
    RecognizerResult,
)
from presidio_anonymizer.operators import OperatorsFactory, OperatorType

from shared.errors import EngineFailed, InputTooLarge, PresidioAccessError, Unprocessable
from shared.pii.values import DEFAULT_TYPE, REMOTE_OPERATOR

_SPACES = re.compile(r"^( )+$")

_OWN_WORDS = tuple(
    re.compile(pattern)
    for pattern in (
        r"Expected parameter \w{1,40}",
        r"Invalid input, masking_char must be a character",
        r"Invalid input, key must be of length 128, 192 or 256 bits",
        r"Invalid parameter value for \w{1,40}\. Expecting '\w+', but got '\w+'\.",
        r"Invalid parameter value for '\w{1,40}'\.",
        r"Salt parameter cannot be empty\. .{1,200}",
        r"Salt must be at least 16 bytes \(128 bits\)\. Provided salt is \d+ bytes\.",
        r"Invalid analyzer result, start: \d+ and end: \d+, while text length is only \d+\.",
    )
)
"""Presidio's messages that hold nothing of a request but parameter names, types and lengths."""


def own_words(error: InvalidParamError) -> str:
    """Presidio's message where it quotes nothing; otherwise the same without what it quotes."""
    message = str(error.err_msg)
    if any(pattern.fullmatch(message) for pattern in _OWN_WORDS):
        return message
    if message.startswith("Parameter hash_type value"):
        return "Parameter hash_type is not in range of values ['sha256', 'sha512']"
    if message.startswith("Invalid operator class"):
        return "Invalid operator class."  # followed by the name, which is the request's own word
    return "an operator's parameters cannot be used"


class _Assembly:
    """The new text, from its end to its start, as stock's TextReplaceBuilder makes it."""

    def __init__(self, text: str, most_chars: int) -> None:
        self._text = text
        self._pieces: list[str] = []
        self._chars = 0
        self._most_chars = most_chars
        self._cut = len(text)

    def replace(self, start: int, end: int, replacement: str) -> int:
        """Replace the span (what of it is not replaced yet); returns the new text's length from there on."""
        self._add(self._text[min(end, self._cut) : self._cut])
        self._add(replacement)
        self._cut = start
        return self._chars

    def finish(self) -> str:
        """The whole new text."""
        self._add(self._text[: self._cut])
        self._cut = 0
        return "".join(reversed(self._pieces))

    def _add(self, piece: str) -> None:
        self._chars += len(piece)
        if self._chars > self._most_chars:
            raise InputTooLarge(f"the new text would have more than {self._most_chars} characters")
        self._pieces.append(piece)


class _Operating:
    """`_operate` for both of Presidio's engines."""

    operators_factory: OperatorsFactory
    most_chars: int

    def _operate(
        self,
        text: str,
        pii_entities: Iterable[PIIEntity],
        operators_metadata: dict[str, OperatorConfig],
        operator_type: OperatorType,
        **_: Any,
    ) -> EngineResult:
        assembly = _Assembly(text, self.most_chars)
        result = EngineResult()
        for entity in sorted(pii_entities, reverse=True):
            if entity.start > len(text) or entity.end > len(text):
                raise Unprocessable(
                    f"Invalid analyzer result, start: {entity.start} and end: {entity.end}, "
                    f"while text length is only {len(text)}."
                )
            chosen = operators_metadata.get(entity.entity_type) or operators_metadata.get(DEFAULT_TYPE)
            if chosen is None:
                raise Unprocessable("an entity type has no operator of its own, and there is no DEFAULT")
            replacement = self._apply(chosen, operator_type, entity, text[entity.start : entity.end])
            from_end = assembly.replace(entity.start, entity.end, replacement)
            result.add_item(
                OperatorResult(
                    0,
                    from_end,
                    entity.entity_type,
                    replacement,
                    chosen.operator_name,
                    score=getattr(entity, "score", None),
                )
            )
        result.set_text(assembly.finish())
        result.normalize_item_indexes()  # type: ignore[no-untyped-call]
        return result

    def _apply(self, chosen: OperatorConfig, kind: OperatorType, entity: PIIEntity, piece: str) -> str:
        """The operator's replacement. Whatever it raises is the fault of its parameters or of the span."""
        refusal: PresidioAccessError
        try:
            operator = self.operators_factory.create_operator_class(chosen.operator_name, kind)
            params = {**chosen.params, "entity_type": entity.entity_type}
            operator.validate(params=params)
            return str(operator.operate(params=params, text=piece))
        except MemoryError:
            raise
        except InvalidParamError as error:
            refusal = Unprocessable(own_words(error))
        except Exception:  # noqa: BLE001 - operators raise what their libraries raise, quoting values
            if chosen.operator_name == "decrypt":
                refusal = Unprocessable("a span cannot be decrypted: another key, or not what encrypt made")
            else:
                refusal = Unprocessable("an operator's parameters cannot be used")
        if chosen.operator_name == REMOTE_OPERATOR:
            refusal = EngineFailed("the de-identification service did not do its part")
        raise refusal


class BoundedAnonymizer(_Operating, AnonymizerEngine):
    """AnonymizerEngine with a bounded output."""

    def __init__(self, most_chars: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.most_chars = most_chars

    def _merge_entities_with_spaces_between(
        self, text: str, analyzer_results: list[RecognizerResult]
    ) -> list[RecognizerResult]:
        """Spans of one type with nothing but spaces between them become one."""
        merged: list[RecognizerResult] = []
        for result in analyzer_results:
            if merged and merged[-1].entity_type == result.entity_type:
                before = merged[-1]
                if _SPACES.search(text[before.end : result.start]):
                    result.start = merged.pop().start
            merged.append(result)
        return merged


class BoundedDeanonymizer(_Operating, DeanonymizeEngine):
    """DeanonymizeEngine with a bounded output."""

    def __init__(self, most_chars: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.most_chars = most_chars
