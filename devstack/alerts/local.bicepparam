// What the local cloud deploys: the same rules, with the names that a laptop has.
using '../../infra/alerts.bicep'

param location = 'local'
param tags = {}
param workspaceId = '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/local/providers/Microsoft.OperationalInsights/workspaces/local'
param appInsightsId = '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/local/providers/Microsoft.Insights/components/local'
param actionGroupId = '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/local/providers/Microsoft.Insights/actionGroups/local'
param auditAccountName = 'auditaccount'
param writerPrincipalIds = ['service-identity']
param readerPrincipalIds = ['auditor-identity']
param requiredRetentionDays = 400
