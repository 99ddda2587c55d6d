"""An alert as Azure Monitor tells it to a webhook: the common alert schema, for log search alerts (V2)."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from devstack.alerts.evaluation import Alert

_NAMESPACE = uuid.UUID("7e5b3f50-3d1d-4f0c-9d4d-6a3b9f0e7c11")
_SCOPE = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/local"
WORKSPACE = f"{_SCOPE}/providers/Microsoft.OperationalInsights/workspaces/local"


def render_alert(alert: Alert) -> dict[str, Any]:
    """The schema's object. `evidence`, which Azure does not send, holds the rows behind a fired alert."""
    rule = alert.rule
    identity = uuid.uuid5(_NAMESPACE, f"{rule.name}/{alert.dimensions}/{_time(alert.fired_at)}")
    essentials = {
        "alertId": f"{_SCOPE}/providers/Microsoft.AlertsManagement/alerts/{identity}",
        "alertRule": rule.name,
        "severity": f"Sev{rule.severity}",
        "signalType": "Log",
        "monitorCondition": alert.condition,
        "monitoringService": "Log Alerts V2",
        "alertTargetIDs": [WORKSPACE],
        "originAlertId": str(identity),
        "firedDateTime": _time(alert.fired_at),
        "description": rule.title,
        "essentialsVersion": "1.0",
        "alertContextVersion": "1.0",
    }
    if alert.resolved_at:
        essentials["resolvedDateTime"] = _time(alert.resolved_at)
    condition = {
        "searchQuery": rule.query,
        "metricMeasureColumn": rule.measure_column,
        "targetResourceTypes": "['Microsoft.OperationalInsights/workspaces']",
        "operator": rule.operator,
        "threshold": f"{rule.threshold:g}",
        "timeAggregation": rule.aggregation,
        "dimensions": [{"name": name, "value": value} for name, value in alert.dimensions],
        "metricValue": alert.value,
        "failingPeriods": {
            "numberOfEvaluationPeriods": rule.periods,
            "minFailingPeriodsToAlert": rule.min_failing,
        },
    }
    ended = alert.resolved_at or alert.fired_at
    context = {
        "properties": {"rule": rule.name},
        "conditionType": "LogQueryCriteria",
        "condition": {
            "windowSize": f"PT{int(rule.window.total_seconds() // 60)}M",
            "allOf": [condition],
            "windowStartTime": _time(ended - rule.window),
            "windowEndTime": _time(ended),
        },
    }
    return {
        "schemaId": "azureMonitorCommonAlertSchema",
        "data": {"essentials": essentials, "alertContext": context},
        "evidence": list(alert.rows),
    }


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
