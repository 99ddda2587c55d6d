"""For each rule the attacks that must make it fire: changes to ordinary traffic, and when to look."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from devstack.loganalytics.cast import AUDITOR_IDENTITY, PEOPLE, TENANT, stable_id
from devstack.loganalytics.database import Database
from devstack.loganalytics.platform import activity_row, audit_row, blob_row
from devstack.loganalytics.stream import ENGINE, Stream, Use
from shared.records.canonical import format_time
from shared.records.events import CommitFailed, Heartbeat, PipelineRun, Verified
from shared.records.model import GapRecord, RefusalsRecord, Where

WRITER = "01JDATTACK0000000000000000"
ANNA, BELA, CHEN, DORA, EMIL, FAY = PEOPLE
AFTER = timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class Attack:
    """`play(database, at)` changes the tables; the rule must fire at `at + look`."""

    rule: str
    title: str
    play: Callable[[Database, datetime], None]
    look: timedelta = timedelta(minutes=1)
    hour: int = 11


ATTACKS: list[Attack] = []


def _attack(
    rule: str, title: str, look: timedelta = timedelta(minutes=1), hour: int = 11
) -> Callable[[Callable[[Database, datetime], None]], Callable[[Database, datetime], None]]:
    def register(play: Callable[[Database, datetime], None]) -> Callable[[Database, datetime], None]:
        ATTACKS.append(Attack(rule, title, play, look, hour))
        return play

    return register


def _stream(writer: str = WRITER) -> Stream:
    return Stream([writer])


def _put(database: Database, stream: Stream) -> None:
    database.insert("AppEvents", stream.rows)


@_attack("recognizer-burst", "a recognizer used three times a day is hit 500 times within a minute")
def founding_scenario(database: Database, at: datetime) -> None:
    stream = _stream()
    for number in range(500):
        stream.call(Use(ANNA, at + timedelta(milliseconds=100 * number), {"CRYPTO": 1}, chars=300), number)
    _put(database, stream)


@_attack("recognizer-burst", "one call with hundreds of findings of a type never seen before")
def unseen_type(database: Database, at: datetime) -> None:
    stream = _stream()
    stream.call(Use(BELA, at + AFTER, {"IBAN_CODE": 201}))
    _put(database, stream)


@_attack("denied-burst", "forty tokens of one address are refused", timedelta(minutes=5))
def guessing(database: Database, at: datetime) -> None:
    stream = _stream()
    for number in range(4):
        moment = at + timedelta(seconds=20 * number)
        record = RefusalsRecord(
            time=format_time(moment),
            until=format_time(moment),
            count=10,
            request_ids=tuple(f"guess-{number}-{n}" for n in range(10)),
            operations={"pii.analyze": 10},
            where=Where(address="192.0.2.200"),
            reason="bad_signature",
            status=401,
            code="invalid_token",
            policy=stream.policy,
            service=stream.service(WRITER),
        )
        stream.write(moment, record, WRITER)
    _put(database, stream)


@_attack("denied-burst", "one caller tries what it may not, from many addresses", timedelta(minutes=5))
def probing(database: Database, at: datetime) -> None:
    stream = _stream()
    for number in range(31):
        use = Use(EMIL, at + timedelta(seconds=number), operation="pii.deanonymize", status=403)
        stream.call(replace(use, reason="not_permitted", address=f"203.0.113.{number}"), number)
    _put(database, stream)


@_attack("token-replay", "a copied token is used between two uses by its owner")
def copied_token(database: Database, at: datetime) -> None:
    stream = _stream()
    for second, address in ((0, ANNA.address), (10, "192.0.2.66"), (20, ANNA.address)):
        stream.call(
            Use(ANNA, at + timedelta(seconds=second), {"PERSON": 1}, token="uti-copied", address=address)
        )
    _put(database, stream)


@_attack("token-replay", "a token wanders through three addresses")
def wandering_token(database: Database, at: datetime) -> None:
    stream = _stream()
    for number in range(3):
        use = Use(
            ANNA, at + timedelta(seconds=number * 5), token="uti-wanders", address=f"192.0.2.{70 + number}"
        )
        stream.call(use)
    _put(database, stream)


@_attack("mass-reidentification", "forty-one texts are brought back within minutes")
def bring_back(database: Database, at: datetime) -> None:
    stream = _stream()
    for number in range(41):
        stream.call(Use(FAY, at + timedelta(seconds=number)), number)
    _put(database, stream)


@_attack("first-sensitive-use", "a caller is told of card numbers for the first time", timedelta(minutes=15))
def first_card(database: Database, at: datetime) -> None:
    stream = _stream()
    stream.call(Use(CHEN, at + AFTER, {"CREDIT_CARD": 1, "PERSON": 3}))
    _put(database, stream)


@_attack("first-sensitive-use", "a caller brings a value back for the first time", timedelta(minutes=15))
def first_reveal(database: Database, at: datetime) -> None:
    stream = _stream()
    stream.call(Use(ANNA, at + AFTER, operation="pii.deanonymize", purpose="customer-request"))
    _put(database, stream)


@_attack(
    "off-hours-sensitive", "a person reads card numbers at eleven in the evening", timedelta(minutes=15), 23
)
def night_reading(database: Database, at: datetime) -> None:
    stream = _stream()
    stream.call(Use(ANNA, at + AFTER, {"CREDIT_CARD": 2}))
    _put(database, stream)


@_attack("volume-exfiltration", "a person redacts sixteen million characters", timedelta(minutes=5))
def empty_a_system(database: Database, at: datetime) -> None:
    stream = _stream()
    for number in range(40):
        stream.call(Use(DORA, at + timedelta(seconds=5 * number), {"PERSON": 4}, chars=200_000), number)
    _put(database, stream)


@_attack("break-glass", "a call is allowed by the emergency role")
def emergency(database: Database, at: datetime) -> None:
    stream = _stream()
    use = Use(BELA, at + AFTER, role="Pii.BreakGlass", purpose="incident-response")
    stream.call(replace(use, justification="INC-1: production data in a log"))
    _put(database, stream)


@_attack("configuration-changed", "a process runs with another policy", timedelta(minutes=15))
def other_policy(database: Database, at: datetime) -> None:
    stream = _stream()
    digests = ("ab" * 32, ENGINE.digest)
    stream.tell(at + AFTER, Heartbeat(WRITER, 5, True, 0, 0, *digests, "0.1.0", "bad0bad"))
    _put(database, stream)


@_attack("configuration-changed", "calls are served by another engine", timedelta(minutes=15))
def other_engine(database: Database, at: datetime) -> None:
    stream = Stream([WRITER], engine=ENGINE.model_copy(update={"digest": "cd" * 32}))
    stream.call(Use(BELA, at + AFTER, {"PERSON": 1}))
    _put(database, stream)


@_attack("audit-stalled", "four calls are refused within ten seconds")
def failing_commits(database: Database, at: datetime) -> None:
    stream = _stream()
    stream.tell(at + AFTER, CommitFailed(WRITER, "deadline", 9, 4))
    _put(database, stream)


@_attack("audit-stalled", "storage refuses every attempt, while nobody calls")
def failing_attempts(database: Database, at: datetime) -> None:
    stream = _stream()
    stream.tell(at + AFTER, CommitFailed(WRITER, "store_unavailable", 31, 0))
    _put(database, stream)


@_attack("audit-stalled", "calls were refused because storage was away")
def refused_calls(database: Database, at: datetime) -> None:
    stream = _stream()
    for number in range(4):
        use = Use(BELA, at + timedelta(seconds=number), status=503, code="audit_unavailable")
        stream.call(use, number)
    _put(database, stream)


@_attack("audit-stalled", "records could not even be kept")
def lost_records(database: Database, at: datetime) -> None:
    stream = _stream()
    record = GapRecord(time=format_time(at), since=format_time(at), count=17, service=stream.service(WRITER))
    stream.write(at + AFTER, record, WRITER)
    _put(database, stream)


@_attack("ledger-tampered", "the verification finds a changed record", timedelta(hours=1))
def tampered(database: Database, at: datetime) -> None:
    stream = _stream()
    stream.tell(at + AFTER, Verified(1, 0, ("leaf",), 25_000, 4_000))
    _put(database, stream)


@_attack("ledger-tampered", "the verification cannot read an object", timedelta(hours=1))
def unreadable(database: Database, at: datetime) -> None:
    stream = _stream()
    stream.tell(at + AFTER, Verified(0, 1, (), 25_000, 4_000))
    _put(database, stream)


@_attack("ledger-tampered", "nobody verified since yesterday morning", timedelta(hours=1))
def unverified(database: Database, at: datetime) -> None:
    _remove(database, "Name = 'PresidioVerified'", at - timedelta(days=1), at + timedelta(hours=1))


@_attack("seal-late", "sealing stops while calls go on", timedelta(minutes=10))
def unsealed(database: Database, at: datetime) -> None:
    stream = _stream()
    stream.call(Use(BELA, at + AFTER))
    _put(database, stream)
    _remove(database, "Name = 'PresidioSealed'", at, at + timedelta(minutes=10))


@_attack("telemetry-gap", "three events never arrive", timedelta(minutes=45))
def lost_events(database: Database, at: datetime) -> None:
    _remove(database, "Name = 'PresidioAudit'", at + timedelta(minutes=2), at + timedelta(minutes=22))


@_attack("pipeline-failed", "a run fails", timedelta(minutes=15))
def failed_run(database: Database, at: datetime) -> None:
    stream = _stream()
    stream.tell(at + AFTER, PipelineRun("claims", "run-x", "failed", "store_unavailable", 3, 10, 500))
    _put(database, stream)


@_attack("pipeline-failed", "a run over a thousand documents redacts nothing", timedelta(minutes=15))
def empty_run(database: Database, at: datetime) -> None:
    stream = _stream()
    stream.tell(at + AFTER, PipelineRun("claims", "run-y", "succeeded", "", 1_000, 0, 500))
    _put(database, stream)


@_attack("unjustified-purpose", "a caller gives a purpose that it never gave", timedelta(minutes=15))
def new_purpose(database: Database, at: datetime) -> None:
    stream = _stream()
    stream.call(Use(FAY, at + AFTER, purpose="legal-obligation"))
    _put(database, stream)


@_attack("unjustified-purpose", "one justification is pasted under thirty calls", timedelta(minutes=15))
def pasted(database: Database, at: datetime) -> None:
    stream = _stream()
    for number in range(30):
        use = Use(FAY, at + timedelta(seconds=number), justification="see ticket, as discussed")
        stream.call(use, number)
    _put(database, stream)


@_attack("storage-touched", "a shared access signature reads the evidence", timedelta(minutes=5))
def sas_read(database: Database, at: datetime) -> None:
    path = "audit/v1/w/01JD/00000001.seg"
    row = blob_row(
        at + AFTER, "GetBlob", path, "", AuthenticationType="SAS", ObjectKey=f'"/auditaccount/{path}"'
    )
    database.insert("StorageBlobLogs", [row])


@_attack("storage-touched", "an auditor tries to delete, and is refused", timedelta(minutes=5))
def auditor_deletes(database: Database, at: datetime) -> None:
    path = "archive/v1/w/01JD/00000001.seg"
    row = blob_row(
        at + AFTER, "DeleteBlob", path, AUDITOR_IDENTITY, StatusText="AuthorizationPermissionMismatch"
    )
    database.insert("StorageBlobLogs", [row])


@_attack("retention-weakened", "immutability is shortened", timedelta(minutes=5))
def shortened(database: Database, at: datetime) -> None:
    operation = "Microsoft.Storage/storageAccounts/blobServices/containers/immutabilityPolicies/write"
    body = '{"properties":{"immutabilityPeriodSinceCreationInDays":399}}'
    database.insert("AzureActivity", [activity_row(at + AFTER, operation, body, "admin@example.com")])


@_attack("retention-weakened", "a lifecycle rule deletes", timedelta(minutes=5))
def lifecycle(database: Database, at: datetime) -> None:
    body = '{"properties":{"policy":{"rules":[{"definition":{"actions":{"baseBlob":{"delete":{}}}}}]}}}'
    operation = "MICROSOFT.STORAGE/STORAGEACCOUNTS/MANAGEMENTPOLICIES/WRITE"
    database.insert("AzureActivity", [activity_row(at + AFTER, operation, body)])


@_attack("retention-weakened", "the lock is removed", timedelta(minutes=5))
def unlocked(database: Database, at: datetime) -> None:
    row = activity_row(at + AFTER, "MICROSOFT.AUTHORIZATION/LOCKS/DELETE", "", "admin@example.com")
    database.insert("AzureActivity", [row])


@_attack("access-changed", "a role is assigned on the storage account", timedelta(minutes=5))
def assigned(database: Database, at: datetime) -> None:
    row = activity_row(at + AFTER, "MICROSOFT.AUTHORIZATION/ROLEASSIGNMENTS/WRITE", "{}", "admin@example.com")
    database.insert("AzureActivity", [row])


@_attack("access-changed", "an app role is given in Entra", timedelta(minutes=5))
def app_role(database: Database, at: datetime) -> None:
    row = audit_row(at + AFTER, "Add app role assignment grant to user", "ApplicationManagement")
    database.insert(
        "AuditLogs", [{**row, "TargetResources": [{"id": TENANT, "displayName": stable_id("x")}]}]
    )


@_attack("quiet", "nothing is heard for half an hour", timedelta(minutes=45))
def silence(database: Database, at: datetime) -> None:
    _remove(database, "TRUE", at, at + timedelta(minutes=45))


def _remove(database: Database, condition: str, since: datetime, until: datetime) -> None:
    range_ = f"TimeGenerated > '{since:%Y-%m-%d %H:%M:%S}' AND TimeGenerated <= '{until:%Y-%m-%d %H:%M:%S}'"
    database.run_sql(f"DELETE FROM AppEvents WHERE {condition} AND {range_}")  # noqa: S608 - our own texts
