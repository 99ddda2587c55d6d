"""The timers: sealing, archiving, verification, retention, heartbeat, baselines, reviews. One each at a time.

The Functions host lets one instance run a timer, by a lease on a blob. In Azure a second app of the same
package runs these alone, under an identity of its own (infra/).
"""

from __future__ import annotations

import asyncio

import azure.functions as func

from shared import wiring

bp = func.Blueprint()


@bp.function_name("seal")
@bp.timer_trigger(arg_name="timer", schedule="*/20 * * * * *", run_on_startup=False)
async def seal(timer: func.TimerRequest) -> None:
    """Every 20 seconds: the root log covers what writers have committed."""
    service = await wiring.get_service()
    await asyncio.to_thread(service.housekeeping.seal)


@bp.function_name("heartbeat")
@bp.timer_trigger(arg_name="timer", schedule="30 * * * * *", run_on_startup=False)
async def heartbeat(timer: func.TimerRequest) -> None:
    """Every minute: the service lives, and what it runs."""
    service = await wiring.get_service()
    service.housekeeping.beat()


@bp.function_name("archive")
@bp.timer_trigger(arg_name="timer", schedule="0 7 * * * *", run_on_startup=False)
async def archive(timer: func.TimerRequest) -> None:
    """Every hour: finished segments and root tiles are copied into the archive."""
    service = await wiring.get_service()
    await asyncio.to_thread(service.housekeeping.archive)


@bp.function_name("expire")
@bp.timer_trigger(arg_name="timer", schedule="45 */5 * * * *", run_on_startup=False)
async def expire(timer: func.TimerRequest) -> None:
    """Every five minutes: approvals whose time is over end in the ledger."""
    service = await wiring.get_service()
    await asyncio.to_thread(service.expire_approvals)


@bp.function_name("verify")
@bp.timer_trigger(arg_name="timer", schedule="0 30 2 * * *", run_on_startup=False)
async def verify(timer: func.TimerRequest) -> None:
    """Every night: the ledger is verified from where the last verification ended; the verdict is recorded."""
    service = await wiring.get_service()
    verdict = await asyncio.to_thread(service.housekeeping.verify)
    await service.ledger.commit(verdict)


@bp.function_name("sweep")
@bp.timer_trigger(arg_name="timer", schedule="0 30 3 * * *", run_on_startup=False)
async def sweep(timer: func.TimerRequest) -> None:
    """Every night, after the verification: what retention has released is deleted, with a record of it."""
    service = await wiring.get_service()
    await asyncio.to_thread(service.housekeeping.sweep)


@bp.function_name("access_review")
@bp.timer_trigger(arg_name="timer", schedule="0 0 5 1 * *", run_on_startup=False)
async def access_review(timer: func.TimerRequest) -> None:
    """On the first of each month: who holds what, who used what, and what is wrong with it."""
    service = await wiring.get_service()
    await asyncio.to_thread(service.reviewing.make_due)


@bp.function_name("overdue_reviews")
@bp.timer_trigger(arg_name="timer", schedule="0 30 6 * * *", run_on_startup=False)
async def overdue_reviews(timer: func.TimerRequest) -> None:
    """Every day: a review that could not be made is made, and findings that nobody decided are told again."""
    service = await wiring.get_service()
    await asyncio.to_thread(service.reviewing.look_after)


@bp.function_name("baselines")
@bp.timer_trigger(arg_name="timer", schedule="0 15 0 * * *", run_on_startup=False)
async def baselines(timer: func.TimerRequest) -> None:
    """Every day: what is normal for each caller, recognizer and entity type."""
    service = await wiring.get_service()
    await asyncio.to_thread(service.housekeeping.tell_baselines)
