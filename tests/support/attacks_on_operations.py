"""What is done to the service, its storage and its wire."""

from __future__ import annotations

from datetime import datetime, timedelta

from devstack.loganalytics.cast import AUDITOR_IDENTITY, PEOPLE, TENANT, stable_id
from devstack.loganalytics.database import Database
from devstack.loganalytics.platform import activity_row, audit_row, blob_row
from devstack.loganalytics.stream import ENGINE, Stream, Use
from shared.records.canonical import format_time
from shared.records.events import CommitFailed, Heartbeat, PipelineRun, Verified
from shared.records.model import GapRecord
from tests.support.attack_registry import AFTER, WRITER, attack, new_stream, put, remove

ANNA, BELA, CHEN, DORA, EMIL, FAY = PEOPLE


@attack("configuration-changed", "a process runs with another policy", timedelta(minutes=15))
def other_policy(database: Database, at: datetime) -> None:
    stream = new_stream()
    digests = ("ab" * 32, ENGINE.digest)
    stream.tell(at + AFTER, Heartbeat(WRITER, 5, True, 0, 0, *digests, "0.1.0", "bad0bad"))
    put(database, stream)


@attack("configuration-changed", "calls are served by another engine", timedelta(minutes=15))
def other_engine(database: Database, at: datetime) -> None:
    stream = Stream([WRITER], engine=ENGINE.model_copy(update={"digest": "cd" * 32}))
    stream.call(Use(BELA, at + AFTER, {"PERSON": 1}))
    put(database, stream)


@attack("audit-stalled", "four calls are refused within ten seconds")
def failing_commits(database: Database, at: datetime) -> None:
    stream = new_stream()
    stream.tell(at + AFTER, CommitFailed(WRITER, "deadline", 9, 4))
    put(database, stream)


@attack("audit-stalled", "storage refuses every attempt, while nobody calls")
def failing_attempts(database: Database, at: datetime) -> None:
    stream = new_stream()
    stream.tell(at + AFTER, CommitFailed(WRITER, "store_unavailable", 31, 0))
    put(database, stream)


@attack("audit-stalled", "calls were refused because storage was away")
def refused_calls(database: Database, at: datetime) -> None:
    stream = new_stream()
    for number in range(4):
        use = Use(BELA, at + timedelta(seconds=number), status=503, code="audit_unavailable")
        stream.call(use, number)
    put(database, stream)


@attack("audit-stalled", "records could not even be kept")
def lost_records(database: Database, at: datetime) -> None:
    stream = new_stream()
    record = GapRecord(time=format_time(at), since=format_time(at), count=17, service=stream.service(WRITER))
    stream.write(at + AFTER, record, WRITER)
    put(database, stream)


@attack("ledger-tampered", "the verification finds a changed record", timedelta(hours=1))
def tampered(database: Database, at: datetime) -> None:
    stream = new_stream()
    stream.tell(at + AFTER, Verified(1, 0, ("leaf",), 25_000, 4_000))
    put(database, stream)


@attack("ledger-tampered", "the verification cannot read an object", timedelta(hours=1))
def unreadable(database: Database, at: datetime) -> None:
    stream = new_stream()
    stream.tell(at + AFTER, Verified(0, 1, (), 25_000, 4_000))
    put(database, stream)


@attack("ledger-tampered", "nobody verified since yesterday morning", timedelta(hours=1))
def unverified(database: Database, at: datetime) -> None:
    remove(database, "Name = 'PresidioVerified'", at - timedelta(days=1), at + timedelta(hours=1))


@attack("seal-late", "sealing stops while calls go on", timedelta(minutes=10))
def unsealed(database: Database, at: datetime) -> None:
    stream = new_stream()
    stream.call(Use(BELA, at + AFTER))
    put(database, stream)
    remove(database, "Name = 'PresidioSealed'", at, at + timedelta(minutes=10))


@attack("telemetry-gap", "three events never arrive", timedelta(minutes=45))
def lost_events(database: Database, at: datetime) -> None:
    remove(database, "Name = 'PresidioAudit'", at + timedelta(minutes=2), at + timedelta(minutes=22))


@attack("pipeline-failed", "a run fails", timedelta(minutes=15))
def failed_run(database: Database, at: datetime) -> None:
    stream = new_stream()
    stream.tell(at + AFTER, PipelineRun("claims", "run-x", "failed", "store_unavailable", 3, 10, 500))
    put(database, stream)


@attack("pipeline-failed", "a run over a thousand documents redacts nothing", timedelta(minutes=15))
def empty_run(database: Database, at: datetime) -> None:
    stream = new_stream()
    stream.tell(at + AFTER, PipelineRun("claims", "run-y", "succeeded", "", 1_000, 0, 500))
    put(database, stream)


@attack("unjustified-purpose", "a caller gives a purpose that it never gave", timedelta(minutes=15))
def new_purpose(database: Database, at: datetime) -> None:
    stream = new_stream()
    stream.call(Use(FAY, at + AFTER, purpose="legal-obligation"))
    put(database, stream)


@attack("unjustified-purpose", "one justification is pasted under thirty calls", timedelta(minutes=15))
def pasted(database: Database, at: datetime) -> None:
    stream = new_stream()
    for number in range(30):
        use = Use(FAY, at + timedelta(seconds=number), justification="see ticket, as discussed")
        stream.call(use, number)
    put(database, stream)


@attack("storage-touched", "a shared access signature reads the evidence", timedelta(minutes=5))
def sas_read(database: Database, at: datetime) -> None:
    path = "audit/v1/w/01JD/00000001.seg"
    row = blob_row(
        at + AFTER, "GetBlob", path, "", AuthenticationType="SAS", ObjectKey=f'"/auditaccount/{path}"'
    )
    database.insert("StorageBlobLogs", [row])


@attack("storage-touched", "an auditor tries to delete, and is refused", timedelta(minutes=5))
def auditor_deletes(database: Database, at: datetime) -> None:
    path = "archive/v1/w/01JD/00000001.seg"
    row = blob_row(
        at + AFTER, "DeleteBlob", path, AUDITOR_IDENTITY, StatusText="AuthorizationPermissionMismatch"
    )
    database.insert("StorageBlobLogs", [row])


@attack("retention-weakened", "immutability is shortened", timedelta(minutes=5))
def shortened(database: Database, at: datetime) -> None:
    operation = "Microsoft.Storage/storageAccounts/blobServices/containers/immutabilityPolicies/write"
    body = '{"properties":{"immutabilityPeriodSinceCreationInDays":399}}'
    database.insert("AzureActivity", [activity_row(at + AFTER, operation, body, "admin@example.com")])


@attack("retention-weakened", "a lifecycle rule deletes", timedelta(minutes=5))
def lifecycle(database: Database, at: datetime) -> None:
    body = '{"properties":{"policy":{"rules":[{"definition":{"actions":{"baseBlob":{"delete":{}}}}}]}}}'
    operation = "MICROSOFT.STORAGE/STORAGEACCOUNTS/MANAGEMENTPOLICIES/WRITE"
    database.insert("AzureActivity", [activity_row(at + AFTER, operation, body)])


@attack("retention-weakened", "the lock is removed", timedelta(minutes=5))
def unlocked(database: Database, at: datetime) -> None:
    row = activity_row(at + AFTER, "MICROSOFT.AUTHORIZATION/LOCKS/DELETE", "", "admin@example.com")
    database.insert("AzureActivity", [row])


@attack("access-changed", "a role is assigned on the storage account", timedelta(minutes=5))
def assigned(database: Database, at: datetime) -> None:
    row = activity_row(at + AFTER, "MICROSOFT.AUTHORIZATION/ROLEASSIGNMENTS/WRITE", "{}", "admin@example.com")
    database.insert("AzureActivity", [row])


@attack("access-changed", "an app role is given in Entra", timedelta(minutes=5))
def app_role(database: Database, at: datetime) -> None:
    row = audit_row(at + AFTER, "Add app role assignment grant to user", "ApplicationManagement")
    database.insert(
        "AuditLogs", [{**row, "TargetResources": [{"id": TENANT, "displayName": stable_id("x")}]}]
    )


@attack("quiet", "nothing is heard for half an hour", timedelta(minutes=45))
def silence(database: Database, at: datetime) -> None:
    remove(database, "TRUE", at, at + timedelta(minutes=45))
