// Who the two function apps are. Neither has a secret; neither is anybody else's identity.

@description('Region.')
param location string

@description('Name of the identity of the doors.')
param serviceName string

@description('Name of the identity of the timers.')
param keeperName string

@description('Tags of every resource.')
param tags object

@description('The doors: reads and appends audit records, signs as the service.')
resource service 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: serviceName
  location: location
  tags: tags
}

@description('The timers: seals, verifies, archives, sweeps what has expired. No caller ever reaches it.')
resource keeper 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: keeperName
  location: location
  tags: tags
}

@description('Object id of the identity of the doors.')
output servicePrincipalId string = service.properties.principalId

@description('Object id of the identity of the timers.')
output keeperPrincipalId string = keeper.properties.principalId
