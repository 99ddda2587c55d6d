// The two keys: the service's signing key, which never leaves the vault, and the key of the digests.

@description('Region.')
param location string

@description('Name.')
param name string

@description('Tags of every resource.')
param tags object

@description('standard: keys protected by software; premium: by a hardware security module.')
@allowed(['standard', 'premium'])
param sku string

@description('Bring back the vault of this name that an earlier tear-down deleted.')
param recover bool

@description('Closed to the network except for private endpoints.')
param privateOnly bool

@description('Subnets that reach the vault by service endpoint, where it is not private.')
param subnetIds string[]

@description('Delete lock on the vault.')
param lockResources bool

@description('Resource id of the workspace for access logs.')
param workspaceId string

@description('Randomness of the first digest key. Used once: later deployments leave the secret alone.')
@secure()
param digestSeed string

resource vault 'Microsoft.KeyVault/vaults@2025-05-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    createMode: recover ? 'recover' : 'default'
    tenantId: tenant().tenantId
    sku: { family: 'A', name: sku }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 90
    enablePurgeProtection: true
    enabledForDeployment: false
    enabledForDiskEncryption: false
    enabledForTemplateDeployment: false
    publicNetworkAccess: privateOnly ? 'Disabled' : 'Enabled'
    networkAcls: {
      defaultAction: 'Deny'
      bypass: 'None'
      ipRules: []
      virtualNetworkRules: [for id in (privateOnly ? [] : subnetIds): { id: id }]
    }
  }
}

@description('ES256. A key that exists is left as it is; rotation is docs/operations/key-rotation.md.')
resource ledgerKey 'Microsoft.KeyVault/vaults/keys@2025-05-01' = {
  parent: vault
  name: 'ledger'
  tags: tags
  properties: {
    kty: sku == 'premium' ? 'EC-HSM' : 'EC'
    curveName: 'P-256'
    keyOps: ['sign', 'verify']
    attributes: { enabled: true, exportable: false }
  }
}

@description('HMAC key of the digests of texts. Made once, seen by nobody.')
@onlyIfNotExists()
resource digestKey 'Microsoft.KeyVault/vaults/secrets@2025-05-01' = {
  parent: vault
  name: 'digest-key'
  tags: tags
  properties: {
    contentType: 'base64, HMAC-SHA-256 key'
    value: digestSeed
    attributes: { enabled: true }
  }
}

@description('Every use of a key, every read of the secret, every change of the vault.')
#disable-next-line use-recent-api-versions // the only version with what logs need; 2016-09-01 is older and knows no workspace tables
resource access 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'access'
  scope: vault
  properties: {
    workspaceId: workspaceId
    logs: [
      { categoryGroup: 'audit', enabled: true }
      { categoryGroup: 'allLogs', enabled: true }
    ]
    metrics: [{ category: 'AllMetrics', enabled: true }]
  }
}

resource keep 'Microsoft.Authorization/locks@2020-05-01' = if (lockResources) {
  name: 'keep-keys'
  scope: vault
  properties: {
    level: 'CanNotDelete'
    notes: 'Evidence is verified against this key. Tear-down removes this lock first: docs/operations/tear-down.md'
  }
}

@description('The signing key with its version.')
output ledgerKeyId string = ledgerKey.properties.keyUriWithVersion
