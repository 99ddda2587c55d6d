// The subscription's activity log as table AzureActivity: the rules retention-weakened and access-changed read it.
targetScope = 'subscription'

@description('Name of the setting; one a deployment, so that two deployments in a subscription do not fight.')
param name string

@description('Resource id of the workspace.')
param workspaceId string

#disable-next-line use-recent-api-versions // the only version with what logs need; 2016-09-01 is older and knows no workspace tables
resource activity 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: name
  properties: {
    workspaceId: workspaceId
    logs: [
      { category: 'Administrative', enabled: true }
      { category: 'Security', enabled: true }
      { category: 'Policy', enabled: true }
      { category: 'Alert', enabled: true }
      { category: 'ServiceHealth', enabled: true }
      { category: 'ResourceHealth', enabled: true }
    ]
  }
}
