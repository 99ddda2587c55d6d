// One private address of one service, with its name in the private zone.

@description('Region.')
param location string

@description('Name of the endpoint.')
param name string

@description('Tags of every resource.')
param tags object

@description('Resource id of the subnet.')
param subnetId string

@description('Resource id of what it leads to.')
param targetId string

@description('Which part of the target: blob, vault, sites.')
@allowed(['blob', 'vault', 'sites'])
param part string

@description('The private DNS zone.')
param zone string

resource endpoint 'Microsoft.Network/privateEndpoints@2025-05-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    subnet: { id: subnetId }
    customNetworkInterfaceName: 'nic-${name}'
    privateLinkServiceConnections: [
      {
        name: name
        properties: { privateLinkServiceId: targetId, groupIds: [part] }
      }
    ]
  }
}

resource names 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2025-05-01' = {
  parent: endpoint
  name: 'default'
  properties: {
    privateDnsZoneConfigs: [
      {
        name: part
        properties: { privateDnsZoneId: resourceId('Microsoft.Network/privateDnsZones', zone) }
      }
    ]
  }
}
