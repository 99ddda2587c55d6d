// Log Analytics, Application Insights, the action group, and the activity log's way into the workspace's tables.

@description('Region.')
param location string

@description('Name of the workspace.')
param workspaceName string

@description('Name of Application Insights.')
param insightsName string

@description('Name of the action group.')
param actionGroupName string

@description('Tags of every resource.')
param tags object

@description('Days that the workspace keeps rows for queries. Evidence is kept in storage, not here.')
@minValue(30)
@maxValue(730)
param retentionDays int

@description('Mail addresses that alerts go to.')
param alertAddresses string[]

@description('Delete locks on the workspace.')
param lockResources bool

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-07-01' = {
  name: workspaceName
  location: location
  tags: tags
  properties: {
    sku: { name: 'PerGB2018' }
    retentionInDays: retentionDays
    features: {
      // Rows are written and read by Entra identities only: the workspace's shared key opens nothing.
      disableLocalAuth: true
      enableLogAccessUsingOnlyResourcePermissions: true
    }
    // No daily cap: a cap would silence the alarm wire on the day of an attack. The budget watches the cost.
    workspaceCapping: { dailyQuotaGb: -1 }
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: insightsName
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace.id
    IngestionMode: 'LogAnalytics'
    // Whoever learns the connection string cannot send false events: ingestion needs an Entra identity.
    DisableLocalAuth: true
    // An audit event that was sampled away would be an alert that never fires.
    SamplingPercentage: 100
    // Addresses are in the audit event on purpose; the platform need not keep them a second time.
    DisableIpMasking: false
  }
}

resource actions 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: actionGroupName
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'presidio'
    enabled: true
    emailReceivers: [
      for (address, i) in alertAddresses: {
        name: 'mail-${i}'
        emailAddress: address
        useCommonAlertSchema: true
      }
    ]
  }
}

@description('Who queried the audit events is itself a question for auditors (table LAQueryLogs).')
#disable-next-line use-recent-api-versions // the only version with what logs need; 2016-09-01 is older and knows no workspace tables
resource queries 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'queries'
  scope: workspace
  properties: {
    workspaceId: workspace.id
    logs: [{ category: 'Audit', enabled: true }]
  }
}

resource keep 'Microsoft.Authorization/locks@2020-05-01' = if (lockResources) {
  name: 'keep-logs'
  scope: workspace
  properties: {
    level: 'CanNotDelete'
    notes: 'Alerts read these tables. Tear-down removes this lock first: docs/operations/tear-down.md'
  }
}

@description('The id that queries name (a GUID).')
output workspaceCustomerId string = workspace.properties.customerId
