"""A review of a made-up organisation finds everything that is planted in it, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from bench.tables import render_table
from shared.review import case, habits, narrowing
from shared.review.findings import FindingKind, Review
from shared.review.options import ReviewOptions
from shared.review.rules import unused as rules_unused
from shared.review.rules.table import RULES
from tests.support.organisation import DAYS, PRINCIPALS, Fields, Organisation
from tests.support.organisation_decoys import DECOYS, make_organisation
from tests.support.organisation_review import KINDS, Score, is_perfect, review_organisation, score_review

SEEDS = (1, 5, 7, 13)

type Made = tuple[Organisation, list[tuple[str, int, Fields]]]


@pytest.fixture(scope="module")
def made() -> Made:
    """One organisation and its records."""
    organisation = make_organisation(1)
    return organisation, list(organisation.stream())


def render_scores(scores: Mapping[FindingKind, Score], title: str) -> str:
    """The table that the test run prints."""
    rows = [
        (kind, score.planned, score.found, f"{score.precision:.3f}", f"{score.recall:.3f}")
        for kind, score in scores.items()
    ]
    return f"\n{title}\n{render_table(('kind', 'planned', 'found', 'precision', 'recall'), rows)}\n"


def explain(organisation: Organisation, review: Review) -> str:
    """What was missed and what was too much."""
    found = {(finding.kind, (finding.principal, finding.role)) for finding in review.findings}
    planned = {(kind, matter) for kind, matters in organisation.plan.items() for matter in matters}
    return f"missed: {planned - found}; too much: {found - planned}"


@pytest.mark.parametrize("seed", SEEDS)
def test_precision_and_recall_are_one(seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Each kind of finding: all that is planned is found, and no decoy is."""
    organisation = make_organisation(seed)
    records = list(organisation.stream())
    review = review_organisation(organisation, records)
    scores = score_review(organisation, review)
    title = (
        f"Organisation {seed}: {len(organisation.principals)} principals, "
        f"{len(organisation.policy.roles)} roles, {DAYS} days, {len(records):,} records"
    )
    with capsys.disabled():
        print(render_scores(scores, title))
    assert is_perfect(scores), explain(organisation, review)


def test_every_kind_is_planted_three_times_and_has_decoys(made: Made) -> None:
    """A kind that nobody planted would be found perfectly."""
    organisation, records = made
    assert {kind: len(organisation.plan[kind]) >= 3 for kind in KINDS} == dict.fromkeys(KINDS, True)
    assert len(organisation.principals) == PRINCIPALS
    assert len(DECOYS) >= len(KINDS) - 1  # of roles without policy, one offered and unassigned is enough
    assert min(fields["time"] for _, _, fields in records) < "2025-11"


MUTATIONS = [
    ReviewOptions(unused_days=1),
    ReviewOptions(unused_days=300),
    ReviewOptions(recent_days=7),
    ReviewOptions(recent_days=110),
    ReviewOptions(narrow_min_calls=1),
    ReviewOptions(narrow_min_calls=10_000),
    ReviewOptions(narrow_unused_share=0.1),
    ReviewOptions(narrow_unused_share=1.1),
    ReviewOptions(separate=(("pii.analyze", "audit.read"),)),
    ReviewOptions(separate=()),
    ReviewOptions(pipeline_share=0.01),
    ReviewOptions(pipeline_share=1.1),
    ReviewOptions(misuse_min_calls=1),
    ReviewOptions(misuse_min_calls=1_000),
    ReviewOptions(usual_days=0),
    ReviewOptions(usual_days=500),
    ReviewOptions(usual_min_calls=1),
    ReviewOptions(usual_min_calls=10_000),
    ReviewOptions(refusals_min=1),
    ReviewOptions(refusals_min=1_000),
    ReviewOptions(refusals_factor=0.0),
    ReviewOptions(refusals_factor=1_000.0),
    ReviewOptions(first_sensitive_min_calls=1),
    ReviewOptions(first_sensitive_min_calls=1_000),
    ReviewOptions(opens_at=7),
    ReviewOptions(opens_at=0),
    ReviewOptions(closes_at=19),
    ReviewOptions(closes_at=24),
    ReviewOptions(free_weekdays=()),
    ReviewOptions(off_hours_min_calls=1),
    ReviewOptions(off_hours_min_calls=1_000),
    ReviewOptions(off_hours_usual_share=1.0),
    ReviewOptions(off_hours_usual_share=-1.0),
    ReviewOptions(burst_min_calls=10),
    ReviewOptions(burst_min_calls=100_000),
    ReviewOptions(burst_min_texts=2),
    ReviewOptions(burst_min_texts=100_000),
    ReviewOptions(burst_factor=0.5),
    ReviewOptions(burst_factor=10_000.0),
]
"""Each threshold turned far up and far down."""


def changed_fields(options: ReviewOptions) -> str:
    """What is not the default, for the test's name."""
    default = ReviewOptions()
    names = ReviewOptions.__dataclass_fields__
    return ",".join(
        f"{name}={getattr(options, name)}"
        for name in names
        if getattr(options, name) != getattr(default, name)
    )


@pytest.mark.parametrize("options", MUTATIONS, ids=changed_fields)
def test_a_threshold_that_is_moved_is_noticed(made: Made, options: ReviewOptions) -> None:
    """With any threshold far off, precision or recall falls: the plan and its decoys hold it."""
    organisation, records = made
    assert not is_perfect(score_review(organisation, review_organisation(organisation, records, options)))


def test_every_threshold_is_moved(made: Made) -> None:
    """No threshold is left out above, but the time to decide in, which finds nothing."""
    moved = {name.partition("=")[0] for options in MUTATIONS for name in [changed_fields(options)]}
    assert moved == set(ReviewOptions.__dataclass_fields__) - {"decide_days"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_rule_that_is_left_out_is_noticed(made: Made, kind: FindingKind) -> None:
    """Without its rule, a kind is not found."""
    organisation, records = made
    others = {name: rule for name, rule in RULES.items() if name != kind}
    scores = score_review(organisation, review_organisation(organisation, records, rules=others))
    assert scores[kind].recall == 0.0
    assert is_perfect({name: score for name, score in scores.items() if name != kind})


BROKEN: dict[str, tuple[object, str, object]] = {
    "nobody is out": (case, "is_out", lambda principal: False),
    "everybody is dormant": (rules_unused, "is_dormant", lambda *_: True),
    "members are as old as the group's assignment": (
        case,
        "_days_held",
        lambda grants, principal, now: max(
            ((now - grant.since).days for grant in grants if grant.since), default=None
        ),
    ),
    "no date is an old date": (
        case,
        "_days_held",
        lambda grants, principal, now: 999,
    ),
    "nothing is usual": (habits, "usual_sum", lambda *_: 0),
    "unknown operators are no operators": (
        narrowing,
        "_idle_operators",
        lambda role, use, share: role.operators - use.operators,
    ),
    "whoever names nothing needs nothing": (
        narrowing,
        "_has_idle_entities",
        lambda role, use, share: use.entities != role.entities,
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_rule_is_noticed(made: Made, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mistakes that a rule could be made with make precision or recall fall."""
    organisation, records = made
    module, attribute, wrong = BROKEN[name]
    monkeypatch.setattr(module, attribute, wrong)
    for rules in (
        "rules.orphans",
        "rules.unused",
        "rules.duties",
        "rules.identity",
        "rules.unusual",
        "rules.width",
    ):
        monkeypatch.setattr(f"shared.review.{rules}.{attribute}", wrong, raising=False)
    assert not is_perfect(score_review(organisation, review_organisation(organisation, records)))


def test_a_grant_that_leads_nowhere_decides_nothing(made: Made) -> None:
    """Taken for one that gives its role, it would make six kinds of finding of nothing, and hide one."""
    organisation, records = made
    wrong = replace(organisation)
    wrong.grants = [replace(grant, is_effective=True) for grant in organisation.grants]
    scores = score_review(organisation, review_organisation(wrong, records))
    assert sum(score.precision < 1.0 for score in scores.values()) >= 6
    assert scores["role_unheld"].recall < 1.0


def test_a_review_is_deterministic(made: Made) -> None:
    """The same values give the same review, whatever the order of records and grants."""
    organisation, records = made
    review = review_organisation(organisation, records)
    assert review_organisation(organisation, records[::-1]) == review
    other = replace(organisation, seed=organisation.seed)
    other.grants = organisation.grants[::-1]
    assert review_organisation(other, records) == review
