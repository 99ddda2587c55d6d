// The rules of infra/alerts (a query and what is known about it each), the workbook, and the function AuditRecords.
// docs/operations/alerts.md is the runbook. `python -m devstack` evaluates the same files on one machine.

@description('Region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Resource id of the workspace.')
param workspaceId string

@description('Resource id of Application Insights.')
param appInsightsId string

@description('Resource id of the action group.')
param actionGroupId string

@description('Name of the storage account that holds the evidence.')
param auditAccountName string

@description('Its containers.')
param auditContainers string[] = [
  'audit'
  'archive'
]

@description('Object ids of the identities that write evidence: of the service and of the keeper.')
param writerPrincipalIds string[]

@description('Object ids of people and apps that may read evidence without an alert. Members of a group, not the group.')
param readerPrincipalIds string[] = []

@description('Days of immutability below which retention counts as weakened.')
@minValue(1)
param requiredRetentionDays int

@description('Rules by name that are deployed but switched off.')
param disabledRules string[] = []

var rules = [
  {
    name: 'access-changed'
    query: loadTextContent('alerts/access-changed.kql')
    about: loadJsonContent('alerts/access-changed.json')
  }
  {
    name: 'approval-abuse'
    query: loadTextContent('alerts/approval-abuse.kql')
    about: loadJsonContent('alerts/approval-abuse.json')
  }
  {
    name: 'audit-stalled'
    query: loadTextContent('alerts/audit-stalled.kql')
    about: loadJsonContent('alerts/audit-stalled.json')
  }
  {
    name: 'break-glass'
    query: loadTextContent('alerts/break-glass.kql')
    about: loadJsonContent('alerts/break-glass.json')
  }
  {
    name: 'configuration-changed'
    query: loadTextContent('alerts/configuration-changed.kql')
    about: loadJsonContent('alerts/configuration-changed.json')
  }
  {
    name: 'denied-burst'
    query: loadTextContent('alerts/denied-burst.kql')
    about: loadJsonContent('alerts/denied-burst.json')
  }
  {
    name: 'first-sensitive-use'
    query: loadTextContent('alerts/first-sensitive-use.kql')
    about: loadJsonContent('alerts/first-sensitive-use.json')
  }
  {
    name: 'ledger-tampered'
    query: loadTextContent('alerts/ledger-tampered.kql')
    about: loadJsonContent('alerts/ledger-tampered.json')
  }
  {
    name: 'mass-reidentification'
    query: loadTextContent('alerts/mass-reidentification.kql')
    about: loadJsonContent('alerts/mass-reidentification.json')
  }
  {
    name: 'off-hours-sensitive'
    query: loadTextContent('alerts/off-hours-sensitive.kql')
    about: loadJsonContent('alerts/off-hours-sensitive.json')
  }
  {
    name: 'pipeline-failed'
    query: loadTextContent('alerts/pipeline-failed.kql')
    about: loadJsonContent('alerts/pipeline-failed.json')
  }
  {
    name: 'quiet'
    query: loadTextContent('alerts/quiet.kql')
    about: loadJsonContent('alerts/quiet.json')
  }
  {
    name: 'recognizer-burst'
    query: loadTextContent('alerts/recognizer-burst.kql')
    about: loadJsonContent('alerts/recognizer-burst.json')
  }
  {
    name: 'retention-weakened'
    query: loadTextContent('alerts/retention-weakened.kql')
    about: loadJsonContent('alerts/retention-weakened.json')
  }
  {
    name: 'review-failed'
    query: loadTextContent('alerts/review-failed.kql')
    about: loadJsonContent('alerts/review-failed.json')
  }
  {
    name: 'review-overdue'
    query: loadTextContent('alerts/review-overdue.kql')
    about: loadJsonContent('alerts/review-overdue.json')
  }
  {
    name: 'review-ready'
    query: loadTextContent('alerts/review-ready.kql')
    about: loadJsonContent('alerts/review-ready.json')
  }
  {
    name: 'seal-late'
    query: loadTextContent('alerts/seal-late.kql')
    about: loadJsonContent('alerts/seal-late.json')
  }
  {
    name: 'storage-touched'
    query: loadTextContent('alerts/storage-touched.kql')
    about: loadJsonContent('alerts/storage-touched.json')
  }
  {
    name: 'telemetry-gap'
    query: loadTextContent('alerts/telemetry-gap.kql')
    about: loadJsonContent('alerts/telemetry-gap.json')
  }
  {
    name: 'token-replay'
    query: loadTextContent('alerts/token-replay.kql')
    about: loadJsonContent('alerts/token-replay.json')
  }
  {
    name: 'unjustified-purpose'
    query: loadTextContent('alerts/unjustified-purpose.kql')
    about: loadJsonContent('alerts/unjustified-purpose.json')
  }
  {
    name: 'volume-exfiltration'
    query: loadTextContent('alerts/volume-exfiltration.kql')
    about: loadJsonContent('alerts/volume-exfiltration.json')
  }
]

// What a query cannot know stands in it as a word of its own.
var accounts = '"auditaccount"'
var containers = '"audit", "archive"'
var writers = '"service-identity"'
var readers = '"auditor-identity"'
var days = 'RequiredDays = 400;'
var containerList = '"${join(auditContainers, '", "')}"'
var writerList = '"${join(writerPrincipalIds, '", "')}"'
var readerList = '"${join(readerPrincipalIds, '", "')}"'

var prepared = [
  for rule in rules: replace(
    replace(
      replace(replace(rule.query, accounts, '"${auditAccountName}"'), containers, containerList),
      readers,
      readerList
    ),
    days,
    'RequiredDays = ${requiredRetentionDays};'
  )
]
// The writers' ids are known only when they are deployed: kept apart, so that a snapshot shows all other queries.
var queries = [for query in prepared: contains(query, writers) ? replace(query, writers, writerList) : query]

resource alerts 'Microsoft.Insights/scheduledQueryRules@2026-03-01' = [
  for (rule, i) in rules: {
    name: rule.name
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: rule.about.title
      description: '${rule.about.meaning} Runbook: docs/operations/alerts.md#${rule.name}'
      severity: rule.about.severity
      enabled: !contains(disabledRules, rule.name)
      scopes: [workspaceId]
      evaluationFrequency: rule.about.frequency
      windowSize: rule.about.window
      overrideQueryTimeRange: rule.about.?lookback
      // Tables such as StorageBlobLogs appear with their first row, after the deployment.
      skipQueryValidation: true
      autoMitigate: rule.about.autoMitigate
      criteria: {
        allOf: [
          {
            query: queries[i]
            timeAggregation: rule.about.?measure.?aggregation ?? 'Count'
            metricMeasureColumn: rule.about.?measure.?column
            dimensions: map(rule.about.dimensions, dimension => { name: dimension, operator: 'Include', values: ['*'] })
            operator: rule.about.operator
            threshold: rule.about.threshold
            failingPeriods: {
              numberOfEvaluationPeriods: rule.about.failingPeriods.of
              minFailingPeriodsToAlert: rule.about.failingPeriods.min
            }
          }
        ]
      }
      actions: {
        actionGroups: [actionGroupId]
        customProperties: {
          rule: rule.name
          tactic: rule.about.attack.?tacticId ?? 'none'
          technique: rule.about.attack.?techniqueId ?? 'none'
        }
      }
    }
  }
]

resource auditRecords 'Microsoft.OperationalInsights/workspaces/savedSearches@2025-07-01' = {
  name: '${last(split(workspaceId, '/'))}/AuditRecords'
  properties: {
    category: 'Presidio Access Audit'
    displayName: 'Audit records, typed: the same columns as the auditor\'s table'
    functionAlias: 'AuditRecords'
    query: loadTextContent('workbook/AuditRecords.kql')
    version: 2
  }
}

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(workspaceId, 'presidio-access-audit')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Presidio Access Audit'
    category: 'workbook'
    sourceId: appInsightsId
    serializedData: replace(loadTextContent('workbook/workbook.json'), '{workspaceId}', workspaceId)
  }
}
