"""The access review, joined: what the doors read, and what the timers do."""

from __future__ import annotations

from collections.abc import Sequence

from shared.identity.roles import Policy
from shared.ledger.notes import VerifierKey
from shared.records.model import ServicePart
from shared.settings import Settings
from shared.usecases.ports import Ledger, LedgerStore
from shared.usecases.reviews.making import AccessReview, ReviewSettings
from shared.usecases.reviews.monthly import Reviewing
from shared.usecases.reviews.overdue import Escalation
from shared.usecases.reviews.recorded import Reviews
from shared.usecases.reviews.window import Evidence
from shared.wiring import parts


def join_reviewing(
    settings: Settings,
    stores: tuple[LedgerStore, LedgerStore],
    keys: Sequence[VerifierKey],
    policy: Policy,
    service: ServicePart,
    ledger: Ledger,
) -> Reviewing:
    """`stores` are the ledger's and the archive."""
    store, archive = stores
    reviews = Reviews(store, archive, settings.ledger_name, keys, service)
    commit = parts.commit_from_thread(ledger)
    review = AccessReview(
        evidence=Evidence(store, tuple(keys), archive),
        archive=archive,
        reviews=reviews,
        directory=parts.open_directory(settings),
        policy=policy,
        settings=review_settings(settings),
        service=service,
        commit=commit,
        clock=parts.utc_now,
    )
    escalation = Escalation(reviews, service, commit, parts.utc_now)
    return Reviewing(review, escalation, is_on=settings.reviews == "on")


def review_settings(settings: Settings) -> ReviewSettings:
    """A window reaches no further back than the first store keeps its logs."""
    return ReviewSettings(
        days=min(settings.review_days, settings.audit_keep_days),
        decide_days=settings.review_decide_days,
        names=settings.review_names == "on",
    )
