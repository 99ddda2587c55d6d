"""Changes of a record: bounded, and none that matters is pushed out by many that do not."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.cloud.event_attributes import split_attributes
from shared.configuration.changes import MAX_CHANGES, MAX_VALUE_CHARS, describe_change, list_changes
from shared.configuration.commits import author_text, commit_part, read_signature
from shared.configuration.differences import NOTHING, Difference
from shared.ledger.bodies import encode_record
from shared.records.columns import Place, flatten_record
from shared.records.governance import ConfigRecord
from tests.support.configurations import KEY, OTHER_KEY
from tests.support.records import ENGINE, POLICY, SERVICE, TIME


def _score(number: int, section: str = "recognizers") -> Difference:
    return Difference(section, ("recognizers", f"R{number}", "score"), "changed", 0.1, 0.2)  # type: ignore[arg-type]


def test_fifty_are_listed_and_the_rest_is_counted() -> None:
    """Whatever there is."""
    listed, more = list_changes([_score(number) for number in range(1_000)])
    assert (len(listed), more) == (MAX_CHANGES, 950)
    assert list_changes([]) == ((), 0)


def test_a_thousand_words_do_not_push_out_a_permission() -> None:
    """Nor do a thousand changed scores: sections take turns, and single words come last."""
    permission = Difference(
        "policy", ("roles", "Pii.Redactor", "permissions"), "added", new="pii.deanonymize", is_word=True
    )
    words = [
        Difference("recognizers", ("labels",), "added", new=f"W{number}", is_word=True)
        for number in range(1_000)
    ]
    listed, _ = list_changes([*words, permission])
    assert permission.path[-1] in listed[0].path
    listed, _ = list_changes([*(_score(number) for number in range(1_000)), permission])
    assert listed[0].new == '"pii.deanonymize"'
    listed, _ = list_changes([*(_score(number) for number in range(1_000)), _score(1, "nlp")])
    assert {change.part for change in listed} == {"recognizers", "nlp"}
    listed, _ = list_changes([*words, _score(1)])
    assert "recognizers.R1.score" in {change.path for change in listed}


@settings(deadline=None)
@given(st.text(max_size=2_000), st.lists(st.text(max_size=300), min_size=1, max_size=4), st.integers(1, 300))
def test_a_record_of_any_changes_fits_a_line_and_an_event(value: str, path: list[str], count: int) -> None:
    """And its event holds every listed change whole: an alert shows what the record says."""
    difference = Difference("recognizers", tuple(path), "changed", value, {"x": value})
    listed, more = list_changes([difference] * count)
    assert len(listed) + more == count
    assert all(len(change.old or "") <= MAX_VALUE_CHARS for change in listed)
    record = ConfigRecord(
        time=TIME,
        state="in_force",
        configuration="ab" * 32,
        changes=listed,
        more_changes=more,
        policy=POLICY,
        engine=ENGINE,
        service=SERVICE,
    )
    encode_record(record)
    properties = split_attributes(flatten_record(record, Place(SERVICE.writer, 1))).properties
    assert "Truncated" not in properties
    assert len(json.loads(properties["Changes"])) == len(listed) > 0


def test_values_are_json_and_absent_ones_are_absent() -> None:
    """Null is a value."""
    change = describe_change(Difference("nlp", ("a",), "changed", None, NOTHING))
    assert (change.old, change.new) == ("null", None)


def test_the_author_is_a_keyed_digest_and_nothing_else() -> None:
    """The same for the same address in any case; no address, no digest; no commit, no part."""
    part = commit_part("abc1234", "Ann@Example.com", "good", KEY)
    assert part is not None
    assert part == commit_part("abc1234", "ann@example.com", "good", KEY)
    assert part != commit_part("abc1234", "ann@example.com", "good", OTHER_KEY)
    assert "example" not in part.model_dump_json()
    assert part.author is not None
    assert part.author.values == (KEY.digest(author_text("ann@example.com")),)
    assert part.author.values != (KEY.digest("ann@example.com"),)
    anonymous = commit_part("abc1234", None, "unknown", KEY)
    assert anonymous is not None
    assert anonymous.author is None
    assert commit_part("unknown", "ann@example.com", "good", KEY) is None


def test_gits_letters_for_signatures() -> None:
    """What could not be checked is unknown, not unsigned."""
    assert [read_signature(letter) for letter in "GBRNUXYE"] == [
        "good",
        "bad",
        "bad",
        "unsigned",
        *["unknown"] * 4,
    ]
    assert read_signature("") == "unknown"
