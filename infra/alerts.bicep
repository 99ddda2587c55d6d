// Placeholder until the alert rules are written.

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

output unused array = [location, tags, workspaceId, appInsightsId, actionGroupId]
