"""The names that a policy may use are those of the Presidio that is installed."""

from __future__ import annotations

import inspect
from typing import Any, cast

import presidio_analyzer.predefined_recognizers as predefined
from presidio_analyzer import EntityRecognizer
from presidio_anonymizer.operators import OperatorsFactory

from shared.identity.terms import ENTITY_TYPES, OPERATORS


def test_entity_types() -> None:
    """Every type of every recognizer that can be made without further packages is known."""
    found: set[str] = set()
    not_made: list[str] = []
    for name, recognizer in inspect.getmembers(predefined, inspect.isclass):
        if not issubclass(recognizer, EntityRecognizer):
            continue
        try:
            made: EntityRecognizer = cast(Any, recognizer)()
            found |= set(made.supported_entities)
        except (ImportError, TypeError, ValueError):
            not_made.append(name)  # needs a package, a service or a model that is not here
    assert len(found) > 90, not_made
    medical = set(predefined.MedicalNERRecognizer.ENTITIES)
    assert found | medical == ENTITY_TYPES


def test_operators() -> None:
    """Every operator of Presidio is known."""
    factory = cast(Any, OperatorsFactory)()
    assert {*factory.get_anonymizers(), *factory.get_deanonymizers()} == OPERATORS
