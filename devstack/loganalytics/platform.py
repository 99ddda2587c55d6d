"""Ordinary rows of tables that only Azure fills: storage's own log, the activity log, Entra's audit log."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from devstack.loganalytics.cast import AUDITOR_IDENTITY, DEPLOYER, SERVICE_IDENTITY, TENANT, stable_id

AUDIT_ACCOUNT = "auditaccount"
RETENTION_DAYS = 400


def platform_rows(day: date, is_provisioning: bool) -> dict[str, list[dict[str, Any]]]:
    """One day: the service appends, an auditor reads on Wednesdays, at times infrastructure is deployed."""
    midnight = datetime.combine(day, time(0), UTC)
    blobs = [
        blob_row(
            midnight + timedelta(minutes=n * 20),
            "AppendBlock",
            "audit/v1/w/01JD/00000001.seg",
            SERVICE_IDENTITY,
        )
        for n in range(72)
    ]
    blobs.append(
        blob_row(
            midnight + timedelta(hours=1),
            "PutBlob",
            "azure-webjobs-hosts/locks/x",
            stable_id("host"),
            "hostaccount",
        )
    )
    if day.weekday() == 2:
        blobs.append(
            blob_row(
                midnight + timedelta(hours=10), "GetBlob", "archive/v1/w/01JD/00000001.seg", AUDITOR_IDENTITY
            )
        )
    activity = []
    if is_provisioning:
        activity = [
            activity_row(
                midnight + timedelta(hours=15),
                "MICROSOFT.STORAGE/STORAGEACCOUNTS/BLOBSERVICES/CONTAINERS/IMMUTABILITYPOLICIES/WRITE",
                f'{{"properties":{{"immutabilityPeriodSinceCreationInDays":{RETENTION_DAYS},"state":"Unlocked"}}}}',
            ),
            activity_row(
                midnight + timedelta(hours=15, seconds=9),
                "MICROSOFT.STORAGE/STORAGEACCOUNTS/MANAGEMENTPOLICIES/WRITE",
                '{"properties":{"policy":{"rules":[{"definition":{"actions":{"baseBlob":{"tierToCool":{}}}}}]}}}',
            ),
            activity_row(midnight + timedelta(hours=15, seconds=20), "MICROSOFT.WEB/SITES/WRITE", "{}"),
            activity_row(
                midnight + timedelta(hours=15, seconds=30), "MICROSOFT.AUTHORIZATION/LOCKS/WRITE", "{}"
            ),
        ]
    logs = [audit_row(midnight + timedelta(hours=9), "Update user", "User")]
    return {"StorageBlobLogs": blobs, "AzureActivity": activity, "AuditLogs": logs}


def blob_row(
    at: datetime, operation: str, path: str, requester: str, account: str = AUDIT_ACCOUNT, **changes: Any
) -> dict[str, Any]:
    """A row of StorageBlobLogs. `path` is `<container>/<blob>`."""
    return {
        "TimeGenerated": at.strftime("%Y-%m-%d %H:%M:%S.%f"),
        "AccountName": account,
        "OperationName": operation,
        "ObjectKey": f"/{account}/{path}",
        "Uri": f"https://{account}.blob.core.windows.net:443/{path}",
        "AuthenticationType": "OAuth",
        "RequesterObjectId": requester,
        "RequesterTenantId": TENANT,
        "CallerIpAddress": "10.1.0.4:51234",
        "StatusCode": "201",
        "StatusText": "Success",
        "Category": {"Get": "StorageRead", "Del": "StorageDelete"}.get(operation[:3], "StorageWrite"),
        "Type": "StorageBlobLogs",
        **changes,
    }


def activity_row(
    at: datetime, operation: str, body: str, caller: str = DEPLOYER, **changes: Any
) -> dict[str, Any]:
    """A row of AzureActivity; `body` is the JSON text of the resource as it was written."""
    return {
        "TimeGenerated": at.strftime("%Y-%m-%d %H:%M:%S.%f"),
        "OperationNameValue": operation,
        "ActivityStatusValue": "Success",
        "CategoryValue": "Administrative",
        "Caller": caller,
        "CallerIpAddress": "198.51.100.7",
        "ResourceGroup": "RG-PRESIDIO-AUDIT",
        "_ResourceId": f"/subscriptions/{TENANT}/resourcegroups/rg-presidio-audit/providers/x",
        "Properties_d": {"responseBody": body, "resource": AUDIT_ACCOUNT},
        "Type": "AzureActivity",
        **changes,
    }


def audit_row(at: datetime, operation: str, category: str, **changes: Any) -> dict[str, Any]:
    """A row of Entra's AuditLogs."""
    return {
        "TimeGenerated": at.strftime("%Y-%m-%d %H:%M:%S.%f"),
        "OperationName": operation,
        "Category": category,
        "Result": "success",
        "LoggedByService": "Core Directory",
        "InitiatedBy": {"user": {"id": stable_id("admin"), "ipAddress": "198.51.100.7"}},
        "TargetResources": [{"id": stable_id("target"), "type": "User", "displayName": "target"}],
        "Type": "AuditLogs",
        **changes,
    }
