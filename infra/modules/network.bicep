// The network both apps stand in. In each mode storage and vault refuse every other network.

@description('Region.')
param location string

@description('Name of the virtual network.')
param name string

@description('Tags of every resource.')
param tags object

@description('Address space of the virtual network, a /16.')
param addressSpace string

@description('Private endpoints (storage and vault have no public address) or service endpoints (they admit our subnets only).')
@allowed(['privateEndpoints', 'serviceEndpoints'])
param mode string

@description('open: the apps may reach the internet, as remote builds need; azureOnly: Entra, storage, vault and telemetry alone.')
@allowed(['open', 'azureOnly'])
param egress string

@description('Name suffixes of the private DNS zones, where the mode is privateEndpoints.')
param privateZones string[]

var serviceEndpoints = mode == 'serviceEndpoints'
  ? [{ service: 'Microsoft.Storage' }, { service: 'Microsoft.KeyVault' }]
  : []
var delegation = [{ name: 'flex', properties: { serviceName: 'Microsoft.App/environments' } }]
var azureTags = ['AzureActiveDirectory', 'Storage', 'AzureKeyVault', 'AzureMonitor']
var allowAzure = [
  for (tag, i) in azureTags: {
    name: 'allow-${tag}'
    properties: {
      priority: 200 + i
      direction: 'Outbound'
      access: 'Allow'
      protocol: 'Tcp'
      sourceAddressPrefix: 'VirtualNetwork'
      sourcePortRange: '*'
      destinationAddressPrefix: tag
      destinationPortRange: '443'
    }
  }
]
var denyInternet = [
  {
    name: 'deny-internet'
    properties: {
      priority: 4000
      direction: 'Outbound'
      access: 'Deny'
      protocol: '*'
      sourceAddressPrefix: '*'
      sourcePortRange: '*'
      destinationAddressPrefix: 'Internet'
      destinationPortRange: '*'
    }
  }
]
var denyInbound = [
  {
    name: 'deny-inbound-from-internet'
    properties: {
      priority: 4000
      direction: 'Inbound'
      access: 'Deny'
      protocol: '*'
      sourceAddressPrefix: 'Internet'
      sourcePortRange: '*'
      destinationAddressPrefix: '*'
      destinationPortRange: '*'
    }
  }
]

resource appRules 'Microsoft.Network/networkSecurityGroups@2025-05-01' = {
  name: 'nsg-apps-${name}'
  location: location
  tags: tags
  properties: {
    securityRules: concat(denyInbound, egress == 'azureOnly' ? concat(allowAzure, denyInternet) : [])
  }
}

resource endpointRules 'Microsoft.Network/networkSecurityGroups@2025-05-01' = {
  name: 'nsg-endpoints-${name}'
  location: location
  tags: tags
  properties: {
    securityRules: concat(denyInbound, denyInternet)
  }
}

resource network 'Microsoft.Network/virtualNetworks@2025-05-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: [addressSpace] }
    subnets: [
      {
        name: 'service'
        properties: {
          addressPrefix: cidrSubnet(addressSpace, 24, 0)
          delegations: delegation
          serviceEndpoints: serviceEndpoints
          networkSecurityGroup: { id: appRules.id }
          privateEndpointNetworkPolicies: 'Enabled'
        }
      }
      {
        name: 'keeper'
        properties: {
          addressPrefix: cidrSubnet(addressSpace, 24, 1)
          delegations: delegation
          serviceEndpoints: serviceEndpoints
          networkSecurityGroup: { id: appRules.id }
          privateEndpointNetworkPolicies: 'Enabled'
        }
      }
      {
        name: 'endpoints'
        properties: {
          addressPrefix: cidrSubnet(addressSpace, 24, 2)
          networkSecurityGroup: { id: endpointRules.id }
          privateEndpointNetworkPolicies: 'Enabled'
        }
      }
      {
        name: 'gateway'
        properties: {
          addressPrefix: cidrSubnet(addressSpace, 24, 3)
          delegations: [{ name: 'gateway', properties: { serviceName: 'Microsoft.Web/serverFarms' } }]
          networkSecurityGroup: { id: appRules.id }
          privateEndpointNetworkPolicies: 'Enabled'
        }
      }
    ]
  }
}

resource zones 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for zone in privateZones: {
    name: zone
    location: 'global'
    tags: tags
  }
]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for (zone, i) in privateZones: {
    parent: zones[i]
    name: network.name
    location: 'global'
    tags: tags
    properties: {
      virtualNetwork: { id: network.id }
      registrationEnabled: false
    }
  }
]
