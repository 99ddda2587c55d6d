// The platform's own health: the Azure Monitor Baseline Alerts of vault, storage, workspace and function app.
// What the service itself does is watched by the rules of infra/alerts; these see what breaks below it.

@description('Suffix that makes names unique and stable.')
param token string

@description('Tags of every resource.')
param tags object

@description('Resource id of the action group.')
param actionGroupId string

@description('Resource id of the vault.')
param vaultId string

@description('Resource ids of the audit and the host storage account.')
param storageIds string[]

@description('Resource ids of the function apps.')
param appIds string[]

@description('Resource id of the workspace.')
param workspaceId string

var static = 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
var storageRules = [
  for id in storageIds: {
    name: 'storage-availability-${last(split(id, '/'))}'
    target: id
    severity: 1
    description: 'Storage answers less than all of its requests. Calls are refused while records cannot be committed.'
    namespace: 'Microsoft.Storage/storageAccounts'
    metric: 'Availability'
    aggregation: 'Average'
    operator: 'LessThan'
    threshold: 100
    window: 'PT5M'
    dimensions: []
  }
]
var throttleRules = [
  for id in storageIds: {
    name: 'storage-throttled-${last(split(id, '/'))}'
    target: id
    severity: 2
    description: 'Storage slows requests down: a scale limit is near (docs/cost-and-scale.md).'
    namespace: 'Microsoft.Storage/storageAccounts'
    metric: 'Transactions'
    aggregation: 'Total'
    operator: 'GreaterThan'
    threshold: 0
    window: 'PT5M'
    dimensions: [
      {
        name: 'ResponseType'
        operator: 'Include'
        values: [
          'ServerBusyError'
          'ClientThrottlingError'
          'ClientAccountRequestThrottlingError'
          'ClientAccountBandwidthThrottlingError'
          'SuccessWithThrottling'
        ]
      }
    ]
  }
]
var vaultRules = [
  {
    name: 'vault-availability'
    target: vaultId
    severity: 1
    description: 'The vault answers less than 90 % of its requests: new instances cannot sign their genesis.'
    namespace: 'Microsoft.KeyVault/vaults'
    metric: 'Availability'
    aggregation: 'Average'
    operator: 'LessThan'
    threshold: 90
    window: 'PT5M'
    dimensions: []
  }
  {
    name: 'vault-saturation'
    target: vaultId
    severity: 1
    description: 'The vault is used beyond 75 % of its capacity.'
    namespace: 'Microsoft.KeyVault/vaults'
    metric: 'SaturationShoebox'
    aggregation: 'Average'
    operator: 'GreaterThan'
    threshold: 75
    window: 'PT5M'
    dimensions: []
  }
]
var errorRules = [
  for id in appIds: {
    name: 'app-5xx-${last(split(id, '/'))}'
    target: id
    severity: 1
    description: 'The app answers with server errors. 503 audit_unavailable is the service failing closed.'
    namespace: 'Microsoft.Web/sites'
    metric: 'Http5xx'
    aggregation: 'Total'
    operator: 'GreaterThan'
    threshold: 10
    window: 'PT5M'
    dimensions: []
  }
]
var timeRules = [
  for id in appIds: {
    name: 'app-slow-${last(split(id, '/'))}'
    target: id
    severity: 2
    description: 'Answers take more than ten seconds on average.'
    namespace: 'Microsoft.Web/sites'
    metric: 'HttpResponseTime'
    aggregation: 'Average'
    operator: 'GreaterThan'
    threshold: 10
    window: 'PT15M'
    dimensions: []
  }
]

resource metricAlerts 'Microsoft.Insights/metricAlerts@2026-01-01' = [
  for rule in concat(vaultRules, storageRules, throttleRules, errorRules, timeRules): {
    name: '${rule.name}-${token}'
    location: 'global'
    tags: tags
    properties: {
      description: rule.description
      enabled: true
      severity: rule.severity
      scopes: [rule.target]
      evaluationFrequency: 'PT1M'
      windowSize: rule.window
      autoMitigate: true
      criteria: {
        'odata.type': static
        allOf: [
          {
            criterionType: 'StaticThresholdCriterion'
            name: 'threshold'
            metricNamespace: rule.namespace
            metricName: rule.metric
            timeAggregation: rule.aggregation
            operator: rule.operator
            threshold: rule.threshold
            dimensions: rule.dimensions
            // a metric appears with its first value, after the deployment
            skipMetricValidation: true
          }
        ]
      }
      actions: [{ actionGroupId: actionGroupId }]
    }
  }
]

var operations = [
  {
    name: 'vault-deleted'
    scope: vaultId
    operation: 'Microsoft.KeyVault/vaults/delete'
    description: 'The vault with the service key was deleted. Purge protection keeps it for 90 days: recover it.'
  }
  {
    name: 'audit-storage-deleted'
    scope: storageIds[0]
    operation: 'Microsoft.Storage/storageAccounts/delete'
    description: 'The account with the evidence was deleted.'
  }
  {
    name: 'workspace-deleted'
    scope: workspaceId
    operation: 'Microsoft.OperationalInsights/workspaces/delete'
    description: 'The workspace was deleted: alert rules see nothing. It can be recovered for 14 days.'
  }
  {
    name: 'workspace-key-regenerated'
    scope: workspaceId
    operation: 'Microsoft.OperationalInsights/workspaces/regenerateSharedKey/action'
    description: 'Somebody made a new shared key of the workspace. Local authentication is off, so nothing needs one.'
  }
]

resource activityAlerts 'Microsoft.Insights/activityLogAlerts@2026-01-01' = [
  for rule in operations: {
    name: '${rule.name}-${token}'
    location: 'global'
    tags: tags
    properties: {
      description: rule.description
      enabled: true
      scopes: [rule.scope]
      condition: {
        allOf: [
          { field: 'category', equals: 'Administrative' }
          { field: 'operationName', equals: rule.operation }
          { field: 'status', containsAny: ['succeeded'] }
        ]
      }
      actions: { actionGroups: [{ actionGroupId: actionGroupId }] }
    }
  }
]

resource serviceHealth 'Microsoft.Insights/activityLogAlerts@2026-01-01' = {
  name: 'service-health-${token}'
  location: 'global'
  tags: tags
  properties: {
    description: 'Azure reports a problem, maintenance or a security advisory for this subscription.'
    enabled: true
    scopes: [subscription().id]
    condition: {
      allOf: [
        { field: 'category', equals: 'ServiceHealth' }
      ]
    }
    actions: { actionGroups: [{ actionGroupId: actionGroupId }] }
  }
}
