"""What is wrong in the made-up organisation: at least three matters of each kind, each put into its plan."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from shared.review.directory import PrincipalKey
from tests.support.organisation import NOW, OFFICE, Organisation, client_of
from tests.support.organisation_policy import DECRYPT, ENCRYPT, PLAIN, REDACT, TOLD, analyze


def worker(org: Organisation, role: str = "Desk.Analyst") -> PrincipalKey:
    """Somebody who holds a role and uses it to the full."""
    key = org.app() if role.startswith("Etl.") else org.person()
    org.grant(key, role)
    org.work(key, role)
    return key


def plant_orphaned_principals(org: Organisation) -> None:
    """Disabled after months of work; deleted and never seen; disabled, holding only through a group."""
    disabled = org.person(state="disabled")
    org.grant(disabled, "Case.Reidentifier")
    org.work(disabled, "Case.Reidentifier", org.days(last=60))
    deleted = org.app(state="deleted", owners=0)
    org.grant(deleted, "Etl.Pipeline")
    member = org.person(state="disabled")
    org.grant(member, "Audit.Reader", group=org.group())
    both = org.person(state="disabled")  # separation of duties is no longer its matter
    org.grant(both, "Case.Reidentifier")
    org.grant(both, "Audit.Reviewer")
    for key in (disabled, deleted, member, both):
        org.expect("orphaned_principal", key)


def plant_orphaned_apps(org: Organisation) -> None:
    """Apps at work that nobody answers for; of one, the directory does not know the state."""
    for fields in ({}, {"state": "unknown"}, {"sign_ins_known": True}):
        app = org.app(**{"owners": 0, **fields})
        org.grant(app, "Etl.Pipeline")
        org.work(app, "Etl.Pipeline")
        org.expect("orphaned_app", app)


def plant_roles_without_policy(org: Organisation) -> None:
    """App roles that are assigned and that the policy does not know; one to two principals."""
    for role in ("Old.Admin", "Old.Reader", "Old.Writer"):
        org.grant(worker(org), role)
        org.expect("role_without_policy", None, role)
    org.grant(worker(org), "Old.Admin", 3)


def plant_unheld_roles(org: Organisation) -> None:
    """Roles of the policy that nobody holds; one was used half a year ago."""
    gone = org.person()
    org.work(gone, "Retired.One", org.days(300, 180), shapes=({"operation": "audit.read"},))
    for role in ("Retired.One", "Retired.Two", "Retired.Three"):
        org.expect("role_unheld", None, role)


def plant_unused_roles(org: Organisation) -> None:
    """Held directly, through a group, used long ago, shadowed by another role, by somebody who signs in."""
    direct, grouped, stale, listed, shadowed = (worker(org) for _ in range(5))
    org.grant(direct, "Audit.Reader", 200)
    org.grant(grouped, "Audit.Reader", 120, group=org.group())
    org.grant(grouped, "Audit.Reader", 3)
    org.grant(stale, "Ops.Operator")
    org.work(stale, "Ops.Operator", org.days(300, 150))
    org.grant(listed, "Ops.Operator")
    org.work(listed, "Ops.Operator", org.days(last=10), shapes=({"operation": "catalog.read"},))
    org.grant(shadowed, "Desk.Reader")
    signed_in = org.person(sign_ins_known=True, last_sign_in=NOW - timedelta(days=10))
    unknown = org.app(last_sign_in=None)
    org.grant(signed_in, "Audit.Reader")
    org.grant(unknown, "Etl.Redactor")
    refused = org.person(sign_ins_known=True)
    org.grant(refused, "Audit.Reader")
    org.call(refused, None, org.moment(20, 10), PLAIN, reason="not_permitted")
    for key, role in (
        *((key, "Audit.Reader") for key in (direct, grouped, signed_in, refused)),
        *((key, "Ops.Operator") for key in (stale, listed)),
        (shadowed, "Desk.Reader"),
        (unknown, "Etl.Redactor"),
    ):
        org.expect("unused_role", key, role)


def plant_wide_grants(org: Organisation) -> None:
    """Permissions, operators or entity types that others need and these do not; and a role's own excess."""
    for role, shapes in (
        ("Case.Reidentifier", (ENCRYPT,)),
        ("Desk.Analyst", (analyze("PERSON", PERSON=1),)),
        ("Desk.Analyst", (PLAIN,)),
        ("Desk.Reader", (analyze("PERSON", PERSON=1),)),
        ("Etl.Pipeline", (REDACT,)),
        ("Audit.Reviewer", ({"operation": "audit.read"},)),
    ):
        key = org.app() if role.startswith("Etl.") else org.person()
        org.grant(key, role)
        org.work(key, role, shapes=shapes)
        org.expect("over_permissive", key, role)
    for _ in range(3):
        tester = org.person()
        org.grant(tester, "Lab.Tester")
        org.work(tester, "Lab.Tester", shapes=(REDACT,))
    org.expect("over_permissive", None, "Lab.Tester")


def plant_dormant_principals(org: Organisation) -> None:
    """Never seen and never signed in; last seen and signed in long ago; an app; two roles at once."""
    never = org.person(sign_ins_known=True)
    org.grant(never, "Desk.Analyst")
    once = org.person(sign_ins_known=True, last_sign_in=NOW - timedelta(days=200))
    org.grant(once, "Case.Encryptor", group=org.group())
    org.work(once, "Case.Encryptor", org.days(last=205))
    app = org.app(sign_ins_known=True)
    org.grant(app, "Etl.Pipeline")
    twice = org.person(sign_ins_known=True)
    org.grant(twice, "Audit.Reader")
    org.grant(twice, "Ops.Operator")
    for key in (never, once, app, twice):
        org.expect("dormant_principal", key)


def plant_joined_duties(org: Organisation) -> None:
    """Pairs of roles that one hand must not hold, all of them in daily use."""
    for roles in (
        ("Case.Reidentifier", "Audit.Reviewer"),
        ("Case.Reidentifier", "Sec.Approver"),
        ("Ops.Operator", "Audit.Reviewer"),
    ):
        key = org.person()
        for role in roles:
            org.grant(key, role)
            org.work(key, role)
        org.expect("separation_of_duties", key)


def plant_misused_identities(org: Organisation) -> None:
    """A person through a pipeline's app, an app from a person's place, roles held by the wrong kind."""
    through = worker(org)
    pipeline = worker(org, "Etl.Pipeline")
    for moment in org.days(20, 1, 2):
        org.call(through, "Desk.Analyst", moment, PLAIN, client=client_of(pipeline))
    org.expect("misused_identity", through)
    for role in ("Etl.Pipeline", "Etl.Redactor"):
        taken = worker(org, role)
        at_home = worker(org)
        address = f"192.0.2.{org.random.randint(1, 120)}"
        for ago in (9, 8, 7):
            org.call(at_home, "Desk.Analyst", org.moment(ago, 9), PLAIN, address=address)
            org.work(taken, role, iter([org.moment(ago, 10)]), address=address)
        org.expect("misused_identity", taken)
    person = worker(org)
    org.grant(person, "Etl.Pipeline")
    org.call(person, None, org.moment(5, 10), REDACT, reason="wrong_kind")
    org.expect("misused_identity", person, "Etl.Pipeline")
    app = worker(org, "Etl.Pipeline")
    org.grant(app, "Audit.Reviewer", 5)
    org.expect("misused_identity", app, "Audit.Reviewer")


def plant_refusals(org: Organisation) -> None:
    """Thirty in an hour by a worker, a burst over the limit, an app that is refused far more than it was."""
    probing, flooding, worse = worker(org), worker(org, "Etl.Pipeline"), worker(org)
    for _ in range(30):
        org.call(probing, None, org.moment(6, 11), DECRYPT, reason="not_permitted")
    org.refusals(org.moment(6, 12), 50, flooding)
    for ago in range(390, 31, -7):
        org.call(worse, None, org.moment(ago, 12), TOLD, reason="purpose_required")
    for _ in range(25):
        org.call(worse, None, org.moment(4, 12), TOLD, reason="purpose_required")
    stranger = org.person()
    for _ in range(22):
        org.call(stranger, None, org.moment(3, 12), PLAIN, reason="no_role")
    for key in (probing, flooding, worse, stranger):
        org.expect("unusual_refusals", key)


def plant_first_sensitive(org: Organisation) -> None:
    """Told of cards for the first time in a year; brings values back for the first time."""
    for _ in range(2):
        told = org.person()
        org.grant(told, "Desk.Analyst")
        org.work(told, "Desk.Analyst", org.days(last=25), shapes=(PLAIN,))
        for ago in (12, 11, 8, 7):
            org.call(told, "Desk.Analyst", org.moment(org.workday(ago), 10), TOLD)
        back = org.person()
        org.grant(back, "Case.Reidentifier")
        org.work(back, "Case.Reidentifier", org.days(last=25), shapes=(ENCRYPT,))
        org.call(back, "Case.Reidentifier", org.moment(org.workday(9), 10), DECRYPT)
        org.expect("unusual_first_sensitive", told)
        org.expect("unusual_first_sensitive", back)


def plant_off_hours(org: Organisation) -> None:
    """At night, at the weekend, early in the morning, by people who never were there then."""
    for role, shape, hour, ago in (
        ("Desk.Analyst", TOLD, 2, org.workday(6)),
        ("Case.Reidentifier", DECRYPT, 11, org.workday(6) + 2),  # a Sunday
        ("Case.Reidentifier", DECRYPT, 5, org.workday(13)),
        ("Desk.Analyst", TOLD, 20, org.workday(6)),
    ):
        key = worker(org, role)
        for _ in range(4):
            org.call(key, role, org.moment(ago, hour), shape)
        org.expect("unusual_off_hours", key)


def plant_bursts(org: Organisation) -> None:
    """A day like no other: calls of a person, of an app, and texts that were brought back."""
    ago = org.workday(5)
    for role, shape, calls, texts in (
        ("Desk.Analyst", PLAIN, 260, 1),
        ("Etl.Pipeline", REDACT, 300, 1),
        ("Case.Reidentifier", DECRYPT, 3, 20),
    ):
        key = worker(org, role)
        for _ in range(calls):
            org.call(key, role, org.moment(ago, 10), shape, texts=texts)
        org.expect("unusual_burst", key)


def plant_break_glass(org: Organisation) -> None:
    """A window and its calls; a window without a completed call; calls at night that reveal."""
    for shape, calls, hour in ((PLAIN, 3, 9), (PLAIN, 0, 15), (DECRYPT, 2, 23)):
        key = org.person()
        org.grant(key, "Sec.BreakGlass")
        at = org.moment(11, hour)
        org.emergency(key, at)
        for turn in range(calls):
            later = at + timedelta(minutes=turn + 1)
            org.call(key, "Sec.BreakGlass", later, shape, as_intent=True)
            org.call(key, "Sec.BreakGlass", later, shape, address=OFFICE)
        org.expect("break_glass_used", key, "Sec.BreakGlass")


PLANTS: tuple[Callable[[Organisation], None], ...] = (
    plant_orphaned_principals,
    plant_orphaned_apps,
    plant_roles_without_policy,
    plant_unheld_roles,
    plant_unused_roles,
    plant_wide_grants,
    plant_dormant_principals,
    plant_joined_duties,
    plant_misused_identities,
    plant_refusals,
    plant_first_sensitive,
    plant_off_hours,
    plant_bursts,
    plant_break_glass,
)
