// The whole deployment: one resource group, two function apps of one package, the evidence apart from everything else.
// Values come from main.bicepparam, which reads azd's environment. Entra has its own entry file, entra.bicep.
targetScope = 'subscription'

import { serviceChoices } from 'modules/function-app.bicep'

// --- where and whose

@description('Name of the environment; azd asks for it once.')
@minLength(1)
@maxLength(32)
param environmentName string

@description('Region of every resource. Flex Consumption must be offered there; the preflight script says whether it is.')
@minLength(1)
param location string

@description('Tags beside the deployment\'s own.')
param tags object = {}

@description('Commit of the deployed code; it stands on every record.')
param serviceCommit string = 'unknown'

@description('Address of the commit\'s author, or empty. Records carry its keyed digest, never the address.')
@secure()
param serviceCommitAuthor string = ''

@description('What Git says of the commit\'s signature.')
@allowed(['good', 'bad', 'unsigned', 'unknown'])
param serviceCommitSigned string = 'unknown'

// --- who may call

@description('Login endpoint of the cloud, with its last slash.')
param loginEndpoint string = environment().authentication.loginEndpoint

@description('Microsoft Graph of the cloud, an https:// address without a path: the access review reads it.')
param graphUrl string

@description('Tenant whose tokens are trusted.')
param entraTenantId string = tenant().tenantId

@description('Client id of the API\'s app registration (entra.bicep or entra.sh make it).')
@minLength(36)
@maxLength(36)
param entraClientId string

@description('App ID URI of the API.')
param appIdUri string = 'api://${entraTenantId}/presidio-${environmentName}'

@description('More trusted issuers, in the form of the setting TRUSTED_ISSUERS. With any, the platform\'s own check lets unknown tokens through to the code.')
param additionalIssuers array = []

// --- the access review

@description('Whether the keeper makes a review of who holds what on the first of each month.')
param accessReviews bool = true

@description('Days of records that a review looks at, at most those that the first container keeps.')
@minValue(7)
@maxValue(3650)
param reviewDays int = 90

@description('Days in which findings are to be decided; after them they are escalated.')
@minValue(1)
@maxValue(90)
param reviewDecideDays int = 14

@description('Whether the stored reports carry names of people. Without, auditor review render adds them locally.')
param reviewNames bool = false

@description('Object ids that may read evidence and query events.')
param auditorPrincipalIds string[] = []

@description('Whether auditorPrincipalIds are groups or people.')
@allowed(['Group', 'User'])
param auditorPrincipalType string = 'Group'

@description('Object ids of the auditors themselves, where auditorPrincipalIds are groups: their reads raise no alert.')
param auditorMemberIds string[] = []

// --- network

@description('privateEndpoints: storage and vault have no public address. serviceEndpoints: they admit the apps\' subnets (and auditorAddresses) only, for less money.')
@allowed(['privateEndpoints', 'serviceEndpoints'])
param networkMode string = 'privateEndpoints'

@description('open: the apps may reach the internet. azureOnly: Entra, storage, vault and telemetry alone.')
@allowed(['open', 'azureOnly'])
param egress string = 'open'

@description('Address space of the virtual network, a /16.')
param addressSpace string = '10.64.0.0/16'

@description('Public addresses of auditors, in the mode serviceEndpoints.')
param auditorAddresses string[] = []

// --- evidence

@description('Redundancy of the audit account. Geo-redundant ones survive the loss of a region.')
@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GRS', 'Standard_RAGRS', 'Standard_GZRS', 'Standard_RAGZRS'])
param auditRedundancy string = 'Standard_ZRS'

@description('Name of the container of append segments.')
param auditContainer string = 'audit'

@description('Name of the container of closed segments and root tiles.')
param archiveContainer string = 'archive'

@description('Days for which a segment cannot be changed or deleted, from its last append.')
@minValue(1)
param auditRetentionDays int = 90

@description('Days for which an archived object cannot be changed or deleted. 2557 are seven years.')
@minValue(1)
param archiveRetentionDays int = 2557

@description('The retention policies were locked by infra/scripts/lock-retention.sh.')
param retentionLocked bool = false

@description('Days after which archived objects move to the cool tier.')
param coolAfterDays int = 30

@description('Days after which archived objects move to the cold tier.')
param coldAfterDays int = 90

@description('Days for which a deleted object can be brought back.')
@minValue(7)
@maxValue(365)
param softDeleteDays int = 30

@description('Delete locks on evidence, keys and logs.')
param lockResources bool = true

@description('standard: keys protected by software; premium: by a hardware security module.')
@allowed(['standard', 'premium'])
param vaultSku string = 'standard'

@description('Bring back the vault that an earlier tear-down of this environment deleted.')
param recoverVault bool = false

@description('Name of the log, first line of every checkpoint. It must never change; empty: made of the environment\'s names.')
param ledgerName string = ''

@description('Randomness of the first digest key; later deployments leave the secret alone.')
@secure()
param digestSeed string = base64('${newGuid()}${newGuid()}${newGuid()}${newGuid()}')

// --- the service

@description('Memory of an instance in MB; 2048 is one core, 4096 two.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048

@description('Most instances of the doors.')
@minValue(1)
@maxValue(1000)
param maximumInstanceCount int = 100

@description('Instances of the doors that are always warm.')
@minValue(0)
@maxValue(20)
param alwaysReadyInstances int = 1

@description('Calls that one instance takes at once. Presidio is bound by the processor.')
@minValue(1)
@maxValue(64)
param httpConcurrency int = 8

@description('Spread instances over zones; needs at least two always ready ones.')
param zoneRedundant bool = false

@description('Milliseconds that a call waits for its record to be stored before it is answered with 503.')
@minValue(100)
@maxValue(60000)
param commitDeadlineMs int = 5000

@description('Milliseconds that a record waits for others, to share a write.')
@minValue(0)
@maxValue(1000)
param commitDelayMs int = 5

@description('Calls under way from which on a record waits for others.')
@minValue(1)
@maxValue(1000)
param commitSiblings int = 3

@description('Milliseconds that one analysis may take.')
@minValue(100)
@maxValue(120000)
param analysisTimeoutMs int = 20000

@description('Calls that may wait for the engine in one instance.')
@minValue(1)
@maxValue(10000)
param engineQueue int = 256

@description('Largest body of a call in bytes.')
@minValue(1024)
@maxValue(104857600)
param maxBodyBytes int = 8388608

@description('Endpoint of Azure Health Data Services for the operator surrogate_ahds; empty: the operator is refused.')
param ahdsEndpoint string = ''

// --- watching

@description('Mail addresses that alerts and budget notices go to.')
param alertAddresses string[]

@description('Rules of infra/alerts, by name, that are deployed but switched off.')
param disabledAlertRules string[] = []

@description('Days that the workspace keeps rows for queries.')
@minValue(30)
@maxValue(730)
param workspaceRetentionDays int = 90

@description('Send the subscription\'s activity log to the workspace; the rules retention-weakened and access-changed need it.')
param exportActivityLog bool = true

// --- options

@description('none, or API Management in front.')
@allowed(['none', 'apiManagement'])
param gateway string = 'none'

@description('Units of API Management.')
@minValue(1)
@maxValue(10)
param gatewayUnits int = 1

@description('Calls a minute that the gateway lets one principal make where config/policy.yaml sets no rate.')
@minValue(1)
param gatewayCallsPerMinute int = 600

@description('Budget a month; 0: none.')
@minValue(0)
param monthlyBudget int = 0

@description('First day of the budget, the first of a month.')
param budgetStart string = utcNow('yyyy-MM-01')

@description('Azure Policy assignments that refuse changes by hand.')
param assignPolicies bool = false

var token = take(uniqueString(subscription().id, environmentName, location), 13)
var names = {
  group: 'rg-${environmentName}'
  serviceIdentity: 'id-service-${token}'
  keeperIdentity: 'id-keeper-${token}'
  workspace: 'log-${token}'
  insights: 'appi-${token}'
  actionGroup: 'ag-${token}'
  network: 'vnet-${token}'
  hostStorage: 'sthost${token}'
  auditStorage: 'staudit${token}'
  vault: 'kv-${token}'
  ledgerKey: 'ledger'
  digestSecret: 'digest-key'
  service: 'func-service-${token}'
  keeper: 'func-keeper-${token}'
  gateway: 'apim-${token}'
}
// Ids are put together from names, not taken from modules' outputs: so they are known before anything is deployed,
// and a snapshot shows them.
var here = subscription().subscriptionId
var ids = {
  workspace: resourceId(here, names.group, 'Microsoft.OperationalInsights/workspaces', names.workspace)
  insights: resourceId(here, names.group, 'Microsoft.Insights/components', names.insights)
  actionGroup: resourceId(here, names.group, 'Microsoft.Insights/actionGroups', names.actionGroup)
  hostStorage: resourceId(here, names.group, 'Microsoft.Storage/storageAccounts', names.hostStorage)
  auditStorage: resourceId(here, names.group, 'Microsoft.Storage/storageAccounts', names.auditStorage)
  vault: resourceId(here, names.group, 'Microsoft.KeyVault/vaults', names.vault)
  service: resourceId(here, names.group, 'Microsoft.Web/sites', names.service)
  keeper: resourceId(here, names.group, 'Microsoft.Web/sites', names.keeper)
  serviceSubnet: resourceId(here, names.group, 'Microsoft.Network/virtualNetworks/subnets', names.network, 'service')
  keeperSubnet: resourceId(here, names.group, 'Microsoft.Network/virtualNetworks/subnets', names.network, 'keeper')
  endpointsSubnet: resourceId(
    here,
    names.group,
    'Microsoft.Network/virtualNetworks/subnets',
    names.network,
    'endpoints'
  )
  gatewaySubnet: resourceId(here, names.group, 'Microsoft.Network/virtualNetworks/subnets', names.network, 'gateway')
}
var allTags = union(tags, {
  'azd-env-name': environmentName
  workload: 'presidio-access-audit'
  'data-classification': 'confidential'
})
var privateOnly = networkMode == 'privateEndpoints'
var gated = gateway == 'apiManagement'
var blobZone = 'privatelink.blob.${environment().suffixes.storage}'
var vaultZone = 'privatelink${replace(environment().suffixes.keyvaultDns, '.vault.', '.vaultcore.')}'
var sitesZone = 'privatelink.azurewebsites.net'
var privateZones = concat(privateOnly ? [blobZone, vaultZone] : [], gated ? [sitesZone] : [])
var logName = empty(ledgerName) ? 'audit-${token}.invalid/presidio' : ledgerName
var threads = { '512': 1, '2048': 2, '4096': 4 }
var issuer = {
  name: 'entra'
  kind: 'entra-v2'
  issuer: '${loginEndpoint}${toLower(entraTenantId)}/v2.0'
  tenant: toLower(entraTenantId)
  audiences: [entraClientId, appIdUri]
  jwks_uri: '${loginEndpoint}${toLower(entraTenantId)}/discovery/v2.0/keys'
}
var serviceSettings serviceChoices = {
  auditContainer: auditContainer
  archiveContainer: archiveContainer
  auditKeepDays: auditRetentionDays
  archiveKeepDays: archiveRetentionDays
  ledgerName: logName
  trustedIssuers: concat([issuer], additionalIssuers)
  graphUrl: graphUrl
  reviews: accessReviews ? 'on' : 'off'
  reviewDays: reviewDays
  reviewDecideDays: reviewDecideDays
  reviewNames: reviewNames ? 'on' : 'off'
  trustedProxyHops: gated ? 2 : 1
  engineThreads: threads[string(instanceMemoryMB)]
  engineQueue: engineQueue
  commitDeadlineMs: commitDeadlineMs
  commitDelayMs: commitDelayMs
  commitSiblings: commitSiblings
  analysisTimeoutMs: analysisTimeoutMs
  maxBodyBytes: maxBodyBytes
  ahdsEndpoint: ahdsEndpoint
  serviceCommit: serviceCommit
  serviceCommitSigned: serviceCommitSigned
}

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: names.group
  location: location
  tags: allTags
}

module identities 'modules/identities.bicep' = {
  scope: group
  params: {
    location: location
    serviceName: names.serviceIdentity
    keeperName: names.keeperIdentity
    tags: allTags
  }
}

module monitoring 'modules/monitoring.bicep' = {
  scope: group
  params: {
    location: location
    workspaceName: names.workspace
    insightsName: names.insights
    actionGroupName: names.actionGroup
    tags: allTags
    retentionDays: workspaceRetentionDays
    alertAddresses: alertAddresses
    lockResources: lockResources
  }
}

module activityLog 'modules/activity-log.bicep' = if (exportActivityLog) {
  params: { name: 'presidio-${token}', workspaceId: ids.workspace }
  dependsOn: [monitoring]
}

module network 'modules/network.bicep' = {
  scope: group
  params: {
    location: location
    name: names.network
    tags: allTags
    addressSpace: addressSpace
    mode: networkMode
    egress: egress
    privateZones: privateZones
  }
}

module hostStorage 'modules/host-storage.bicep' = {
  scope: group
  params: {
    location: location
    name: names.hostStorage
    tags: allTags
    redundancy: startsWith(auditRedundancy, 'Standard_LRS') ? 'Standard_LRS' : 'Standard_ZRS'
    privateOnly: privateOnly
    subnetIds: [ids.serviceSubnet, ids.keeperSubnet]
    packageContainers: ['package-service', 'package-keeper']
    workspaceId: ids.workspace
  }
  dependsOn: [monitoring, network]
}

module auditStorage 'modules/audit-storage.bicep' = {
  scope: group
  params: {
    location: location
    name: names.auditStorage
    tags: allTags
    redundancy: auditRedundancy
    auditContainer: auditContainer
    archiveContainer: archiveContainer
    auditRetentionDays: auditRetentionDays
    archiveRetentionDays: archiveRetentionDays
    retentionLocked: retentionLocked
    coolAfterDays: coolAfterDays
    coldAfterDays: coldAfterDays
    softDeleteDays: softDeleteDays
    privateOnly: privateOnly
    subnetIds: [ids.serviceSubnet, ids.keeperSubnet]
    auditorAddresses: auditorAddresses
    lockResources: lockResources
    workspaceId: ids.workspace
  }
  dependsOn: [monitoring, network]
}

module vault 'modules/vault.bicep' = {
  scope: group
  params: {
    location: location
    name: names.vault
    tags: allTags
    sku: vaultSku
    recover: recoverVault
    privateOnly: privateOnly
    subnetIds: [ids.serviceSubnet, ids.keeperSubnet]
    lockResources: lockResources
    workspaceId: ids.workspace
    digestSeed: digestSeed
  }
  dependsOn: [monitoring, network]
}

module auditEndpoint 'modules/private-endpoint.bicep' = if (privateOnly) {
  scope: group
  params: {
    location: location
    name: 'pe-audit-${token}'
    tags: allTags
    subnetId: ids.endpointsSubnet
    targetId: ids.auditStorage
    part: 'blob'
    zone: blobZone
  }
  dependsOn: [network, auditStorage]
}

module hostEndpoint 'modules/private-endpoint.bicep' = if (privateOnly) {
  scope: group
  params: {
    location: location
    name: 'pe-host-${token}'
    tags: allTags
    subnetId: ids.endpointsSubnet
    targetId: ids.hostStorage
    part: 'blob'
    zone: blobZone
  }
  dependsOn: [network, hostStorage]
}

module vaultEndpoint 'modules/private-endpoint.bicep' = if (privateOnly) {
  scope: group
  params: {
    location: location
    name: 'pe-vault-${token}'
    tags: allTags
    subnetId: ids.endpointsSubnet
    targetId: ids.vault
    part: 'vault'
    zone: vaultZone
  }
  dependsOn: [network, vault]
}

module roles 'modules/roles.bicep' = {
  scope: group
  params: {
    serviceIdentityName: names.serviceIdentity
    keeperIdentityName: names.keeperIdentity
    auditorPrincipalIds: auditorPrincipalIds
    auditorPrincipalType: auditorPrincipalType
    auditStorageName: names.auditStorage
    auditContainer: auditContainer
    archiveContainer: archiveContainer
    hostStorageName: names.hostStorage
    vaultName: names.vault
    ledgerKeyName: names.ledgerKey
    digestSecretName: names.digestSecret
    insightsName: names.insights
    workspaceName: names.workspace
  }
  dependsOn: [identities, auditStorage, hostStorage, vault, monitoring]
}

@description('The doors: what callers reach.')
module service 'modules/function-app.bicep' = {
  scope: group
  params: {
    location: location
    name: names.service
    tags: allTags
    azdService: 'service'
    identityName: names.serviceIdentity
    hostStorageName: names.hostStorage
    auditStorageName: names.auditStorage
    vaultName: names.vault
    ledgerKeyName: names.ledgerKey
    digestSecretName: names.digestSecret
    packageContainer: 'package-service'
    subnetId: ids.serviceSubnet
    reachable: !gated
    runsTimers: false
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    alwaysReadyInstances: alwaysReadyInstances
    httpConcurrency: httpConcurrency
    zoneRedundant: zoneRedundant
    choices: serviceSettings
    serviceCommitAuthor: serviceCommitAuthor
    loginEndpoint: loginEndpoint
    tenantId: entraTenantId
    entraClientId: entraClientId
    appIdUri: appIdUri
    requirePlatformAuthentication: empty(additionalIssuers)
    insightsName: names.insights
    workspaceId: ids.workspace
  }
  dependsOn: [roles, hostEndpoint, auditEndpoint, vaultEndpoint]
}

@description('The timers: sealing, verification, archive, sweep. Nobody reaches it, so what parses callers\' input can never delete.')
module keeper 'modules/function-app.bicep' = {
  scope: group
  params: {
    location: location
    name: names.keeper
    tags: allTags
    azdService: 'keeper'
    identityName: names.keeperIdentity
    hostStorageName: names.hostStorage
    auditStorageName: names.auditStorage
    vaultName: names.vault
    ledgerKeyName: names.ledgerKey
    digestSecretName: names.digestSecret
    packageContainer: 'package-keeper'
    subnetId: ids.keeperSubnet
    reachable: false
    runsTimers: true
    instanceMemoryMB: 2048
    maximumInstanceCount: 40
    alwaysReadyInstances: 0
    httpConcurrency: 1
    zoneRedundant: false
    choices: serviceSettings
    serviceCommitAuthor: serviceCommitAuthor
    loginEndpoint: loginEndpoint
    tenantId: entraTenantId
    entraClientId: entraClientId
    appIdUri: appIdUri
    requirePlatformAuthentication: true
    insightsName: names.insights
    workspaceId: ids.workspace
  }
  dependsOn: [roles, hostEndpoint, auditEndpoint, vaultEndpoint]
}

module serviceEndpoint 'modules/private-endpoint.bicep' = if (gated) {
  scope: group
  params: {
    location: location
    name: 'pe-service-${token}'
    tags: allTags
    subnetId: ids.endpointsSubnet
    targetId: ids.service
    part: 'sites'
    zone: sitesZone
  }
  dependsOn: [network, service]
}

module apiManagement 'modules/gateway.bicep' = if (gated) {
  scope: group
  params: {
    location: location
    name: names.gateway
    tags: allTags
    publisherEmail: alertAddresses[0]
    publisherName: environmentName
    units: gatewayUnits
    subnetId: ids.gatewaySubnet
    backendHostName: service.outputs.hostName
    tenantId: entraTenantId
    entraClientId: entraClientId
    appIdUri: appIdUri
    callsPerMinute: gatewayCallsPerMinute
    maxBodyBytes: maxBodyBytes
    workspaceId: ids.workspace
  }
  dependsOn: [network, monitoring, serviceEndpoint]
}

@description('The rules of infra/alerts, each with its query, and the workbook.')
module alerts 'alerts.bicep' = {
  scope: group
  params: {
    location: location
    tags: allTags
    workspaceId: ids.workspace
    appInsightsId: ids.insights
    actionGroupId: ids.actionGroup
    auditAccountName: names.auditStorage
    auditContainers: [auditContainer, archiveContainer]
    writerPrincipalIds: [identities.outputs.servicePrincipalId, identities.outputs.keeperPrincipalId]
    readerPrincipalIds: auditorPrincipalType == 'User' ? auditorPrincipalIds : auditorMemberIds
    requiredRetentionDays: min(auditRetentionDays, archiveRetentionDays)
    disabledRules: disabledAlertRules
  }
  dependsOn: [monitoring]
}

module platformAlerts 'modules/platform-alerts.bicep' = {
  scope: group
  params: {
    token: token
    tags: allTags
    actionGroupId: ids.actionGroup
    vaultId: ids.vault
    storageIds: [ids.auditStorage, ids.hostStorage]
    appIds: [ids.service, ids.keeper]
    workspaceId: ids.workspace
  }
  dependsOn: [monitoring, auditStorage, hostStorage, vault, service, keeper]
}

module budget 'modules/budget.bicep' = if (monthlyBudget > 0) {
  scope: group
  params: { amount: max(monthlyBudget, 1), startDate: budgetStart, addresses: alertAddresses }
}

module policies 'modules/policies.bicep' = if (assignPolicies) {
  scope: group
}

// azd writes these into its environment; hooks and `auditor` read them there.

@description('Region.')
output AZURE_LOCATION string = location

@description('Tenant.')
output AZURE_TENANT_ID string = entraTenantId

@description('Resource group.')
output AZURE_RESOURCE_GROUP string = group.name

@description('Base URL for callers: the gateway where there is one, else the function app.')
output SERVICE_URL string = gated ? apiManagement!.outputs.url : 'https://${service.outputs.hostName}'

@description('Name of the app of the doors.')
output SERVICE_APP_NAME string = names.service

@description('Name of the app of the timers.')
output KEEPER_APP_NAME string = names.keeper

@description('Object id of the identity that the federated credential of the app registration names.')
output SERVICE_PRINCIPAL_ID string = identities.outputs.servicePrincipalId

@description('Object id of the identity that reads the directory for the access review.')
output KEEPER_PRINCIPAL_ID string = identities.outputs.keeperPrincipalId

@description('Audience of callers\' tokens.')
output API_APP_ID_URI string = appIdUri

@description('Name of the audit account.')
output AUDIT_STORAGE_NAME string = names.auditStorage

@description('Address of the audit account, for `auditor`.')
output AUDIT_STORAGE_ACCOUNT_URL string = 'https://${names.auditStorage}.blob.${environment().suffixes.storage}'

@description('Container of append segments.')
output AUDIT_CONTAINER string = auditContainer

@description('Container of closed segments and root tiles.')
output ARCHIVE_CONTAINER string = archiveContainer

@description('Name of the log.')
output LEDGER_NAME string = logName

@description('The service\'s signing key.')
output LEDGER_KEY_ID string = vault.outputs.ledgerKeyId

@description('Name of the vault.')
output KEY_VAULT_NAME string = names.vault

@description('The workspace\'s GUID, for queries.')
output LOG_ANALYTICS_WORKSPACE_ID string = monitoring.outputs.workspaceCustomerId
