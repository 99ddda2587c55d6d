"""What callers did is gathered from any records, in any order, in bounded memory."""

from __future__ import annotations

import json
import time
import tracemalloc
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.ledger.bodies import encode_record
from shared.records.canonical import format_time
from shared.records.model import (
    AccessRecord,
    ApprovalRecord,
    EmergencyRecord,
    IntentRecord,
    RefusalsRecord,
    Who,
)
from shared.review.callers import MOST_CLIENTS
from shared.review.directory import Directory, Grant
from shared.review.options import ReviewOptions
from shared.review.policy_view import PolicyView, RoleView
from shared.review.reviewing import review_access
from shared.review.usage import MOST_ADDRESSES, Usage, UsageBuilder
from shared.review.uses import MOST_EVIDENCE, CallerUse
from tests.support.organisation_review import WINDOW
from tests.support.records import DECISION, EVERY_TYPE, WHAT, WHO, access_record

UNTIL = datetime(2026, 11, 24, 12, tzinfo=UTC)
SINCE = UNTIL - timedelta(days=400)
KEY = (WHO.tenant or "", WHO.principal or "")
EMERGENCY = RoleView("Pii.BreakGlass", frozenset({"pii.analyze"}), is_emergency=True)
POLICY = PolicyView(
    "33" * 32, (RoleView("Pii.Analyst", frozenset({"pii.analyze"})), EMERGENCY), frozenset({"EMAIL_ADDRESS"})
)


def plain(record: Any) -> dict[str, Any]:
    """A record as its line in the ledger parses, with its place."""
    fields: dict[str, Any] = json.loads(encode_record(record).place(7, "0" * 64))
    return fields


def gather(*records: Any, options: ReviewOptions | None = None) -> Usage:
    """The use that these records tell."""
    builder = UsageBuilder(POLICY, SINCE, UNTIL, options)
    for index, record in enumerate(records):
        builder.observe("01JW", index, record if isinstance(record, dict) else plain(record))
    return builder.build()


def only(*records: Any) -> CallerUse:
    """The only caller of these records."""
    (caller,) = gather(*records).callers.values()
    return caller


def at(ago: float, **changes: Any) -> AccessRecord:
    """An access record so many days before the window's end."""
    return access_record(time=format_time(UNTIL - timedelta(days=ago)), **changes)


@pytest.mark.parametrize("record", EVERY_TYPE, ids=lambda record: record.type)
def test_a_record_of_every_type_is_understood(record: Any) -> None:
    """Whatever the ledger holds, as it holds it: places, absent fields, and all."""
    usage = gather(record)
    assert (usage.records, usage.not_understood) == (1, 0)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(EVERY_TYPE), st.data())
def test_no_record_stops_the_gathering(record: Any, data: st.DataObject) -> None:
    """Fields of a later version may be of other types, or absent: counted as not understood, at worst."""
    fields = plain(record)
    for _ in range(data.draw(st.integers(1, 3))):
        parts = [part for part in fields.values() if isinstance(part, dict)]
        holder = data.draw(st.sampled_from([fields, *parts]))
        if holder:
            name = data.draw(st.sampled_from(sorted(holder)))
            holder[name] = data.draw(JSON)
            if data.draw(st.booleans()):
                del holder[name]
    usage = gather(fields, at(1))
    assert usage.callers[KEY].calls >= 1
    review = review_access(
        Directory(UNTIL, "t", (), {}, (Grant(KEY, "Pii.Analyst", "a", SINCE),), {}),
        POLICY,
        usage,
        WINDOW,
        log="log",
        review_id="2026-11",
        made_at=UNTIL,
    )
    assert review.rows


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_order_of_records_means_nothing(data: st.DataObject) -> None:
    """Writers are read one after the other, in whatever order: the use is the same, evidence included."""
    days = data.draw(st.lists(st.floats(0, 399), min_size=1, max_size=60))
    pool = [*EVERY_TYPE, access_record(who=WHO.model_copy(update={"kind": "app", "principal": "app"}))]
    records = [
        (
            f"W{index % 3}",
            index,
            plain(record.model_copy(update={"time": format_time(UNTIL - timedelta(days=day))})),
        )
        for index, day in enumerate(days)
        for record in [data.draw(st.sampled_from(pool))]
    ]
    usages = []
    for order in (records, data.draw(st.permutations(records))):
        builder = UsageBuilder(POLICY, SINCE, UNTIL)
        for writer, index, fields in order:
            builder.observe(writer, index, fields)
        usages.append(builder.build())
    assert usages[0] == usages[1]


def test_evidence_is_the_newest_of_all_and_their_number_is_true() -> None:
    """Fifty calls leave twenty names, newest first, and the number fifty."""
    use = only(*(at(50 - index / 2) for index in range(50))).roles["Pii.Analyst"]
    assert use.calls == use.evidence.count == 50
    assert use.evidence.names == tuple(f"01JW/{index}" for index in range(49, 49 - MOST_EVIDENCE, -1))


def test_records_outside_the_window_are_passed_over() -> None:
    """They only tell how far the ledger reaches back."""
    usage = gather(at(500), at(-1))
    assert (usage.records, len(usage.callers), usage.history_days) == (0, 0, 400)
    assert gather(at(30)).history_days == 30
    assert gather().history_days == 0


def test_a_refused_call_is_a_refusal_and_no_use() -> None:
    """Its reason is counted; the role's use is not."""
    refused = DECISION.model_copy(update={"allowed": False, "role": None, "reason": "not_permitted"})
    caller = only(at(3, decision=refused))
    assert (caller.calls, caller.refused, dict(caller.roles)) == (0, 1, {})
    assert caller.refusal_reasons == {"not_permitted": 1}
    undecided = DECISION.model_copy(update={"allowed": False, "role": None, "reason": "not_decided"})
    assert only(at(3, decision=undecided)).refused == 0


def test_refusals_with_a_caller_are_the_callers_and_others_are_nobodys() -> None:
    """A burst over the limit counts as many as there were; an expired token names nobody."""
    burst = next(record for record in EVERY_TYPE if isinstance(record, RefusalsRecord))
    burst = burst.model_copy(update={"time": format_time(UNTIL - timedelta(days=2)), "count": 17})
    assert only(burst).recent_refusals.count == 17
    assert not gather(burst.model_copy(update={"who": None})).callers


def test_anonymous_calls_are_nobodys() -> None:
    """No token that verifies, no caller."""
    assert not gather(at(1, who=Who(kind="anonymous"))).callers


def test_an_intent_is_use_and_no_call() -> None:
    """Its outcome follows as a record of its own; without that, the role was exercised all the same."""
    intent = next(record for record in EVERY_TYPE if isinstance(record, IntentRecord))
    use = only(intent.model_copy(update={"time": format_time(UNTIL - timedelta(days=2))})).roles[
        "Pii.Analyst"
    ]
    assert (use.calls, use.last, use.exercise.operations) == (
        0,
        UNTIL - timedelta(days=2),
        frozenset({"pii.analyze"}),
    )


def test_an_emergency_belongs_to_its_role_and_a_decider_was_seen() -> None:
    """Emergencies are kept by role; whoever approves something is no silent principal."""
    time_ = format_time(UNTIL - timedelta(days=2))
    begun = next(record for record in EVERY_TYPE if isinstance(record, EmergencyRecord))
    assert only(begun.model_copy(update={"time": time_})).emergencies["Pii.BreakGlass"].names == ("01JW/0",)
    step = next(record for record in EVERY_TYPE if isinstance(record, ApprovalRecord))
    assert only(step.model_copy(update={"time": time_})).seen == UNTIL - timedelta(days=2)


def test_lists_exercise_no_permission() -> None:
    """They need none: the role is not used by them, and must still be there for them."""
    lists = at(1, what=WHAT.model_copy(update={"operation": "catalog.read"}))
    use = only(lists).roles["Pii.Analyst"]
    assert (use.calls, use.last, use.exercise.operations) == (0, None, frozenset({"catalog.read"}))


def test_words_that_callers_made_up_stand_for_all_words() -> None:
    """A type that is not named in the record may be any: nothing may be narrowed by it."""
    for word in ("(other)", "(ad-hoc)"):
        what = WHAT.model_copy(update={"entities_requested": ("PERSON", word)})
        exercise = only(at(1, what=what)).roles["Pii.Analyst"].exercise
        assert exercise.is_unrestricted
        assert word not in exercise.entities


def test_operators_of_older_records_are_not_known() -> None:
    """They tell which ran, and not which the request named."""
    what = WHAT.model_copy(update={"operation": "pii.redact"})
    assert not only(at(1, what=what)).roles["Pii.Analyst"].exercise.has_unknown_operators
    older = what.model_copy(update={"operators_requested": None})
    assert only(at(1, what=older)).roles["Pii.Analyst"].exercise.has_unknown_operators


def test_addresses_of_apps_are_kept_until_they_are_too_many() -> None:
    """IPv6 by /64; an app that calls from everywhere is not judged by where it calls from."""
    app = WHO.model_copy(update={"kind": "app"})
    where = access_record().where

    def calls(*addresses: str) -> list[AccessRecord]:
        return [at(1, who=app, where=where.model_copy(update={"address": one})) for one in addresses]

    known = only(*calls("2001:db8::1", "2001:db8::2", "192.0.2.1")).addresses
    assert known is not None and sorted(known) == ["192.0.2.1", "2001:db8::/64"]
    many = [f"10.0.{index // 250}.{index % 250}" for index in range(MOST_CLIENTS + 1)]
    assert only(*calls(*many)).addresses is None
    assert len(only(*calls(*many[:-1])).addresses or ()) == MOST_CLIENTS


def test_too_many_addresses_of_people_are_no_addresses() -> None:
    """Then the rule about addresses is silent, instead of wrong."""
    builder = UsageBuilder(POLICY, SINCE, UNTIL)
    fields = plain(at(1))
    for index in range(MOST_ADDRESSES + 1):
        fields["where"]["address"] = f"10.{index >> 16}.{index >> 8 & 255}.{index & 255}"
        builder.observe("W", index, fields)
    assert builder.build().person_addresses is None


@pytest.mark.parametrize("days", [-1, 3_701])
def test_a_window_that_is_none_is_refused(days: int) -> None:
    """It must not end before it begins, nor be longer than ten years."""
    with pytest.raises(ValueError, match="window"):
        UsageBuilder(POLICY, UNTIL - timedelta(days=days), UNTIL)


def _observe(records: int, callers: int) -> tuple[float, float]:
    """Processor seconds and MB of records by so many callers, over 400 days."""
    fields = plain(access_record(what=WHAT.model_copy(update={"operation": "pii.deanonymize"})))
    stamps = [format_time(SINCE + timedelta(days=400 * index / 997)) for index in range(997)]
    tracemalloc.start()
    builder = UsageBuilder(POLICY, SINCE, UNTIL)
    started = time.process_time()
    for index in range(records):
        fields["time"] = stamps[index % 997]
        fields["who"]["principal"] = f"p-{index % callers}"
        builder.observe("01JW", index, fields)
    spent = time.process_time() - started
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return spent, peak


def test_memory_grows_with_callers_and_not_with_records() -> None:
    """Four times the records of four busy callers take hardly more memory, and four times the time."""
    _observe(1_000, 4)
    short_s, short_mb = _observe(40_000, 4)
    long_s, long_mb = _observe(160_000, 4)
    assert long_mb < 1.3 * short_mb
    assert long_s < 4 * 2 * short_s
    assert long_mb / 4 < 0.4  # MB a caller: 2,000 of the busiest fit into a gigabyte


def test_the_options_move_the_time_under_review() -> None:
    """What is recent is what the options say."""
    options = replace(ReviewOptions(), recent_days=5)
    usage = gather(at(10), at(2), options=options)
    (caller,) = usage.callers.values()
    assert (caller.earlier_calls, caller.roles["Pii.Analyst"].recent_calls) == (1, 1)
    assert usage.recent_from == datetime(2026, 11, 20, tzinfo=UTC)
