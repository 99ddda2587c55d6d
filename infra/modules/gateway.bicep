// API Management in front: tokens are checked, callers are limited and requests are numbered before the apps see them.
// The apps check everything again: this is a gate, not the lock.

@description('Region.')
param location string

@description('Name.')
param name string

@description('Tags of every resource.')
param tags object

@description('Mail address that the gateway\'s own notices go to.')
param publisherEmail string

@description('Name of the publisher.')
param publisherName string

@description('Units.')
param units int

@description('Resource id of the subnet that the gateway sends from.')
param subnetId string

@description('Host name of the function app behind it.')
param backendHostName string

@description('Tenant of the tokens.')
param tenantId string

@description('Client id of the API.')
param entraClientId string

@description('App ID URI of the API.')
param appIdUri string

@description('Calls that one caller may make in a minute where the policy sets no rate.')
@minValue(1)
param callsPerMinute int

@description('Largest body in bytes; the same as MAX_BODY_BYTES of the code.')
param maxBodyBytes int

@description('Resource id of the workspace for the gateway\'s logs.')
param workspaceId string

// Rates are a number for all operations of a role or a mapping from operations to numbers; 0 stands for none.
func rateOf(rates string, operation string) int =>
  startsWith(rates, '{') ? int(json(rates)[?operation] ?? 0) : (empty(rates) ? 0 : int(rates))

func permits(role object, operation string) bool => operation == 'catalog.read' || contains(role.permissions, operation)

func ratesOf(roles object[], operation string) int[] =>
  map(filter(roles, role => permits(role, operation)), role => rateOf(string(role.?requests_a_minute ?? ''), operation))

// The largest rate of any role that permits an operation; the given number where one of them has none.
func largest(rates int[], otherwise int) int => empty(rates) || contains(rates, 0) ? otherwise : max(rates)

var policy = json(string(loadYamlContent('../../config/policy.yaml')))
var roles = map(items(policy.roles), entry => entry.value)
var routes = loadJsonContent('../gateway/routes.json')
var limits = map(routes, route => {
  __PATH__: route.path
  __OPERATION__: route.operation
  __CALLS__: string(route.operation == 'identity.read'
    ? policy.?refused_a_minute ?? callsPerMinute
    : largest(ratesOf(roles, route.operation), callsPerMinute))
})
var limitsText = join(
  map(
    limits,
    limit =>
      reduce(
        items(limit),
        loadTextContent('../gateway/limit.xml'),
        (text, entry) => replace(text, entry.key, entry.value)
      )
  ),
  '\n'
)

var named = {
  __LIMITS__: limitsText
  __TENANT__: tenantId
  __CLIENT__: entraClientId
  __APP_ID_URI__: appIdUri
  __CALLS__: string(callsPerMinute)
  __MAX_BODY__: string(maxBodyBytes)
}
var guarded = reduce(
  items(named),
  loadTextContent('../gateway/guarded.xml'),
  (text, entry) => replace(text, entry.key, entry.value)
)
var open = loadTextContent('../gateway/open.xml')

resource gateway 'Microsoft.ApiManagement/service@2024-05-01' = {
  name: name
  location: location
  tags: tags
  sku: { name: 'StandardV2', capacity: units }
  identity: { type: 'SystemAssigned' }
  properties: {
    publisherEmail: publisherEmail
    publisherName: publisherName
    virtualNetworkType: 'External'
    virtualNetworkConfiguration: { subnetResourceId: subnetId }
    publicNetworkAccess: 'Enabled'
    developerPortalStatus: 'Disabled'
    legacyPortalStatus: 'Disabled'
    customProperties: {
      'Microsoft.WindowsAzure.ApiManagement.Gateway.Security.Protocols.Tls10': 'False'
      'Microsoft.WindowsAzure.ApiManagement.Gateway.Security.Protocols.Tls11': 'False'
      'Microsoft.WindowsAzure.ApiManagement.Gateway.Security.Backend.Protocols.Tls10': 'False'
      'Microsoft.WindowsAzure.ApiManagement.Gateway.Security.Backend.Protocols.Tls11': 'False'
      'Microsoft.WindowsAzure.ApiManagement.Gateway.Security.Backend.Protocols.Ssl30': 'False'
      'Microsoft.WindowsAzure.ApiManagement.Gateway.Security.Ciphers.TripleDes168': 'False'
    }
  }
}

resource api 'Microsoft.ApiManagement/service/apis@2024-05-01' = {
  parent: gateway
  name: 'presidio'
  properties: {
    displayName: 'Presidio Access Audit'
    path: ''
    protocols: ['https']
    serviceUrl: 'https://${backendHostName}'
    subscriptionRequired: false
  }
}

resource guard 'Microsoft.ApiManagement/service/apis/policies@2024-05-01' = {
  parent: api
  name: 'policy'
  properties: { format: 'rawxml', value: guarded }
}

resource calls 'Microsoft.ApiManagement/service/apis/operations@2024-05-01' = [
  for method in ['GET', 'POST']: {
    parent: api
    name: 'any-${toLower(method)}'
    properties: {
      displayName: '${method} any route'
      method: method
      urlTemplate: '/*'
    }
  }
]

resource probes 'Microsoft.ApiManagement/service/apis/operations@2024-05-01' = [
  for route in ['health', 'ready', 'openapi.json']: {
    parent: api
    name: 'open-${replace(route, '.', '-')}'
    properties: {
      displayName: 'GET ${route}'
      method: 'GET'
      urlTemplate: '/${route}'
    }
  }
]

resource probePolicies 'Microsoft.ApiManagement/service/apis/operations/policies@2024-05-01' = [
  for (route, i) in ['health', 'ready', 'openapi.json']: {
    parent: probes[i]
    name: 'policy'
    properties: { format: 'rawxml', value: open }
  }
]

@description('The gateway\'s own count of calls: an auditor holds it against the number of records.')
#disable-next-line use-recent-api-versions // the only version with what logs need; 2016-09-01 is older and knows no workspace tables
resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'calls'
  scope: gateway
  properties: {
    workspaceId: workspaceId
    logAnalyticsDestinationType: 'Dedicated'
    logs: [{ category: 'GatewayLogs', enabled: true }]
  }
}

@description('Address of the gateway.')
output url string = gateway.properties.gatewayUrl
