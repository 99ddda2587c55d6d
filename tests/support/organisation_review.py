"""Reviewing the made-up organisation, and comparing what was found with what is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

from shared.review.findings import Finding, FindingKind, Review, Window
from shared.review.options import ReviewOptions
from shared.review.reviewing import review_access
from shared.review.rules.table import RULES, Rule
from shared.review.usage import Usage, UsageBuilder
from tests.support.organisation import NOW, START, Fields, Matter, Organisation

WINDOW = Window(START, NOW, 0, "00" * 32, 9, "11" * 32, 9, "intact", {})
KINDS: tuple[FindingKind, ...] = get_args(FindingKind)


def gather_usage(
    org: Organisation, records: list[tuple[str, int, Fields]], options: ReviewOptions | None = None
) -> Usage:
    """What the records say."""
    builder = UsageBuilder(org.view, START, NOW, options)
    for writer, index, fields in records:
        builder.observe(writer, index, fields)
    return builder.build()


def review_organisation(
    org: Organisation,
    records: list[tuple[str, int, Fields]],
    options: ReviewOptions | None = None,
    rules: Mapping[FindingKind, Rule] = RULES,
) -> Review:
    """The review of the organisation."""
    usage = gather_usage(org, records, options)
    return review_access(
        org.directory(),
        org.view,
        usage,
        WINDOW,
        log="audit.example.com/presidio",
        review_id="2026-11",
        made_at=NOW,
        options=options,
        rules=rules,
    )


@dataclass(frozen=True, slots=True)
class Score:
    """How one kind of finding was found."""

    planned: int
    found: int
    right: int

    @property
    def precision(self) -> float:
        """The share of what was found that is there."""
        return self.right / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """The share of what is there that was found."""
        return self.right / self.planned if self.planned else 1.0


def matter(finding: Finding) -> Matter:
    """What a finding is about."""
    return finding.principal, finding.role


def score_review(org: Organisation, review: Review) -> dict[FindingKind, Score]:
    """Each kind against the plan. A finding that was said twice counts twice."""
    scores: dict[FindingKind, Score] = {}
    for kind in KINDS:
        planned = org.plan.get(kind, set())
        found = [matter(finding) for finding in review.findings if finding.kind == kind]
        scores[kind] = Score(len(planned), len(found), len(planned & set(found)))
    return scores


def is_perfect(scores: Mapping[FindingKind, Score]) -> bool:
    """True where everything was found and nothing else."""
    return all(score.precision == score.recall == 1.0 for score in scores.values())
