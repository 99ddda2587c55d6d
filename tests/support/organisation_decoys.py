"""What looks wrong in the made-up organisation and is not: beside each kind of finding, what is near it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from tests.support.organisation import (
    NOW,
    OFFICE,
    PRINCIPALS,
    Organisation,
    client_of,
)
from tests.support.organisation_plan import PLANTS, worker
from tests.support.organisation_policy import DECRYPT, ENCRYPT, PLAIN, REDACT, TOLD, act, analyze

EVERYDAY = (
    "Desk.Analyst",
    "Desk.Reader",
    "Desk.Redactor",
    "Case.Reidentifier",
    "Case.Encryptor",
    "Etl.Pipeline",
    "Etl.Redactor",
    "Audit.Reader",
    "Audit.Reviewer",
    "Ops.Operator",
    "Sec.Approver",
)


def decoy_gone(org: Organisation) -> None:
    """Disabled yesterday, and its roles were removed; a principal whose state could not be read."""
    gone = org.person(state="disabled")
    org.work(gone, "Desk.Analyst", org.days(last=2))
    unknown = org.person(state="unknown")
    org.grant(unknown, "Desk.Analyst")
    org.work(unknown, "Desk.Analyst")


def decoy_inert(org: Organisation) -> None:
    """Members of groups in groups, and apps in groups: the directory shows a way that leads to no role."""
    group = org.group()
    for member, role in (
        (org.person(state="disabled"), "Case.Reidentifier"),
        (org.app(owners=0), "Etl.Pipeline"),
        (org.person(sign_ins_known=True), "Desk.Analyst"),
        (worker(org), "Old.Never"),
        (worker(org), "Ops.Operator"),
        (worker(org, "Case.Reidentifier"), "Audit.Reviewer"),
        (worker(org), "Etl.Pipeline"),
    ):
        org.grant(member, role, group=group, is_effective=False)
    org.grant(org.person(), "Retired.Two", group=group, is_effective=False)


def decoy_owners(org: Organisation) -> None:
    """Owners that are not known; an app without owners that holds nothing."""
    unknown = org.app(owners=None)
    org.grant(unknown, "Etl.Pipeline")
    org.work(unknown, "Etl.Pipeline")
    org.app(owners=0)


def decoy_unheld(org: Organisation) -> None:
    """Nobody holds the role today, and its last holder worked with it until ten days ago."""
    visitor = org.person()
    org.work(visitor, "Visitor", org.days(last=10))


def decoy_unused(org: Organisation) -> None:
    """Granted five days ago; no date; a group's old grant of a new member; used 80 days ago; emergency."""
    new, undated, stale, ready = (worker(org) for _ in range(4))
    org.grant(new, "Audit.Reader", 5)
    org.grant(undated, "Audit.Reader", None)
    org.grant(stale, "Ops.Operator")
    org.work(stale, "Ops.Operator", org.days(200, 80, 2))
    org.grant(ready, "Sec.BreakGlass")
    member = org.person(created=NOW - timedelta(days=20))
    org.grant(member, "Desk.Reader", 380, group=org.group())


def decoy_width(org: Organisation) -> None:
    """Too few calls, too new, records that do not tell what was asked, and most of a role in use."""
    few = org.person()
    org.grant(few, "Case.Reidentifier")
    org.work(few, "Case.Reidentifier", org.days(300, 1, 30), shapes=(ENCRYPT,))
    new = org.person()
    org.grant(new, "Case.Reidentifier", 60)
    org.work(new, "Case.Reidentifier", org.days(60, 1, 1), shapes=(ENCRYPT,))
    old = org.person()
    org.grant(old, "Desk.Redactor")
    silent = ({"operation": "pii.anonymize", "operators": ("replace",)}, act("pii.redact", "replace"))
    org.work(old, "Desk.Redactor", shapes=silent)
    most = org.person()
    org.grant(most, "Desk.Reader")
    org.work(most, "Desk.Reader", shapes=(analyze("PERSON", "EMAIL_ADDRESS", PERSON=1),))
    unnamed = org.person()
    org.grant(unnamed, "Desk.Reader")
    org.work(unnamed, "Desk.Reader", shapes=(PLAIN,))


def decoy_dormant(org: Organisation) -> None:
    """Silent by nature: an emergency role alone. Silent because new."""
    org.grant(org.person(sign_ins_known=True), "Sec.BreakGlass")
    org.grant(org.person(sign_ins_known=True), "Desk.Analyst", 30)


def decoy_duties(org: Organisation) -> None:
    """Reader and analyst; emergency role beside reviewing; a pair of which one is for the other kind."""
    for roles in (("Desk.Analyst", "Audit.Reader"), ("Audit.Reviewer", "Desk.Redactor")):
        key = org.person()
        for role in roles:
            org.grant(key, role)
            org.work(key, role)
    ready = worker(org, "Audit.Reviewer")
    org.grant(ready, "Sec.BreakGlass")


def decoy_identities(org: Organisation) -> None:
    """An app at night; behind the office's address all along; at a new address that nobody else has; a front
    end with a few calls of its own; two calls of a curious person."""
    night = org.app()
    org.grant(night, "Etl.Pipeline")
    org.work(night, "Etl.Pipeline", (moment.replace(hour=2) for moment in org.days()))
    office = org.app()
    org.grant(office, "Etl.Pipeline")
    org.work(office, "Etl.Pipeline", address=OFFICE)
    moved = worker(org, "Etl.Pipeline")
    org.work(moved, "Etl.Pipeline", org.days(15, 1, 1), address="203.0.113.99")
    new = org.app()
    org.grant(new, "Etl.Redactor", 10)
    org.work(new, "Etl.Redactor", org.days(10, 1, 1), address=OFFICE)
    mixed = org.app()
    org.grant(mixed, "Etl.Pipeline")
    org.work(mixed, "Etl.Pipeline", org.days(step=8))
    for _ in range(2):
        person = org.person()
        org.grant(person, "Desk.Analyst")
        org.work(person, "Desk.Analyst", client=client_of(mixed))
    curious, pipeline = worker(org), worker(org, "Etl.Pipeline")
    for _ in range(2):
        org.call(curious, "Desk.Analyst", org.moment(org.workday(6), 10), PLAIN, client=client_of(pipeline))
    once, stray = worker(org), worker(org, "Etl.Pipeline")
    for _ in range(2):
        org.call(once, "Desk.Analyst", org.moment(org.workday(6), 9), PLAIN, address="192.0.2.200")
        org.call(stray, "Etl.Pipeline", org.moment(org.workday(6), 9), REDACT, address="192.0.2.200")


def decoy_refusals(org: Organisation) -> None:
    """A few; as many each month; expired tokens of nobody; calls that failed before a decision."""
    few, always, broken = worker(org), worker(org, "Etl.Pipeline"), worker(org)
    for _ in range(18):
        org.call(few, None, org.moment(5, 10), DECRYPT, reason="not_permitted")
        org.call(broken, None, org.moment(5, 10), PLAIN, reason="not_decided")
        org.call(broken, None, org.moment(6, 10), PLAIN, reason="not_decided")
    for ago in range(390, 1, -1):
        org.call(always, None, org.moment(ago, 3), TOLD, reason="entity_forbidden")
    for ago in range(30, 1, -1):
        org.refusals(org.moment(ago, 10), 40)


def decoy_first_sensitive(org: Organisation) -> None:
    """A new duty, a new colleague, one chance finding, and a first time that was a year ago."""
    duty = org.person()
    org.grant(duty, "Case.Encryptor")
    org.work(duty, "Case.Encryptor")
    org.grant(duty, "Case.Reidentifier", 10)
    org.work(duty, "Case.Reidentifier", org.days(9, 1, 1), shapes=(DECRYPT,))
    new = org.person()
    org.grant(new, "Desk.Analyst", 45)
    for _ in range(4):
        org.work(new, "Desk.Analyst", org.days(45, 25, 1), shapes=(PLAIN,))
    org.work(new, "Desk.Analyst", org.days(20, 1, 1), shapes=(TOLD,))
    rare = org.person()  # has been there for long and was hardly ever seen
    org.grant(rare, "Desk.Analyst")
    org.work(rare, "Desk.Analyst", org.days(360, 40, 60), shapes=(PLAIN,))
    org.work(rare, "Desk.Analyst", org.days(20, 1, 2), shapes=(TOLD,))
    chance = org.person()
    org.grant(chance, "Desk.Analyst")
    org.work(chance, "Desk.Analyst", shapes=(PLAIN,))
    org.call(chance, "Desk.Analyst", org.moment(org.workday(9), 10), TOLD)


def decoy_off_hours(org: Organisation) -> None:
    """A night shift; an app at night; nights without anything sensitive; two late calls; an old story."""
    shift = org.person()
    org.grant(shift, "Desk.Analyst")
    org.work(shift, "Desk.Analyst", (moment.replace(hour=23) for moment in org.days()), shapes=(TOLD,))
    harmless, late, old = worker(org), worker(org), worker(org)
    evening = org.workday(6)
    for _ in range(6):
        org.call(harmless, "Desk.Analyst", org.moment(evening, 22), PLAIN)
        org.call(old, "Desk.Analyst", org.moment(org.workday(60), 22), TOLD)
    for _ in range(2):
        org.call(late, "Desk.Analyst", org.moment(evening, 22), TOLD)
    for hour in (6, 19):  # the first and the last hour of the office
        early = worker(org)
        for _ in range(5):
            org.call(early, "Desk.Analyst", org.moment(evening, hour), TOLD)


def decoy_bursts(org: Organisation) -> None:
    """A job each month; a busy day below the limit; a newcomer's first job; growth that never leaps."""
    monthly = worker(org, "Etl.Pipeline")
    for ago in range(390, 1, -30):
        for _ in range(220):
            org.call(monthly, "Etl.Pipeline", org.moment(ago, 10), REDACT)
    busy, new, growing = worker(org), org.app(), worker(org, "Etl.Pipeline")
    for _ in range(150):
        org.call(busy, "Desk.Analyst", org.moment(org.workday(5), 10), PLAIN)
    org.grant(new, "Etl.Redactor", 12)
    for _ in range(210):
        org.call(new, "Etl.Redactor", org.moment(10, 10), REDACT)
    for ago, calls in ((45, 60), (28, 120), (20, 230)):
        for _ in range(calls):
            org.call(growing, "Etl.Pipeline", org.moment(ago, 10), REDACT)
    reveals = worker(org, "Case.Reidentifier")
    org.call(reveals, "Case.Reidentifier", org.moment(org.workday(5), 10), DECRYPT, texts=30)


def decoy_break_glass(org: Organisation) -> None:
    """Refused; a hundred days ago; only the lists were read."""
    refused, old, lists = (org.person() for _ in range(3))
    for key in (refused, old, lists):
        org.grant(key, "Sec.BreakGlass")
    org.call(refused, None, org.moment(5, 10), PLAIN, reason="ticket_required")
    org.emergency(old, org.moment(100, 10))
    org.call(old, "Sec.BreakGlass", org.moment(100, 10), PLAIN)
    org.call(lists, "Sec.BreakGlass", org.moment(5, 10), {"operation": "catalog.read"})


DECOYS: tuple[Callable[[Organisation], None], ...] = (
    decoy_gone,
    decoy_inert,
    decoy_owners,
    decoy_unheld,
    decoy_unused,
    decoy_width,
    decoy_dormant,
    decoy_duties,
    decoy_identities,
    decoy_refusals,
    decoy_first_sensitive,
    decoy_off_hours,
    decoy_bursts,
    decoy_break_glass,
)


def make_organisation(seed: int) -> Organisation:
    """Everything that is planted, all decoys, and people and apps who do their work, 200 in all.

    The seed decides about the order, how often a thing is there (once or twice), who works when, and with
    which role those work who are neither.
    """
    org = Organisation(seed)
    builders = [*PLANTS, *DECOYS, *(build for build in (*PLANTS, *DECOYS) if org.random.random() < 0.3)]
    org.random.shuffle(builders)
    for build in builders:
        build(org)
    while len(org.principals) < PRINCIPALS:
        worker(org, org.random.choice(EVERYDAY))
    return org
