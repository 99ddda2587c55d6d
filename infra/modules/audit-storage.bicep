// The evidence. An account of its own: nothing else is in it, and nobody but the service writes to it.

@description('Region.')
param location string

@description('Name.')
param name string

@description('Tags of every resource.')
param tags object

@description('Redundancy of the account.')
@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GRS', 'Standard_RAGRS', 'Standard_GZRS', 'Standard_RAGZRS'])
param redundancy string

@description('Name of the container of append segments.')
param auditContainer string

@description('Name of the container of closed segments and root tiles.')
param archiveContainer string

@description('Days for which a segment cannot be changed or deleted, from its last append.')
@minValue(1)
@maxValue(146000)
param auditRetentionDays int

@description('Days for which an archived object cannot be changed or deleted: the legal retention.')
@minValue(1)
@maxValue(146000)
param archiveRetentionDays int

@description('The policies were locked (infra/scripts/lock-retention.sh). A locked policy refuses every template, so it is left out.')
param retentionLocked bool

@description('Days after which an archived object moves to the cool tier.')
param coolAfterDays int

@description('Days after which an archived object moves to the cold tier.')
param coldAfterDays int

@description('Days for which a deleted object can be brought back.')
@minValue(1)
@maxValue(365)
param softDeleteDays int

@description('Closed to the network except for private endpoints.')
param privateOnly bool

@description('Subnets that reach the account by service endpoint, where it is not private.')
param subnetIds string[]

@description('Public addresses or ranges of auditors, where the account is not private.')
param auditorAddresses string[]

@description('Delete lock on the account.')
param lockResources bool

@description('Resource id of the workspace for access logs.')
param workspaceId string

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: redundancy }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    // With a shared key, one could write without a name. There is none: every access has an identity.
    allowSharedKeyAccess: false
    allowCrossTenantReplication: false
    allowedCopyScope: privateOnly ? 'PrivateLink' : 'AAD'
    defaultToOAuthAuthentication: true
    isLocalUserEnabled: false
    isSftpEnabled: false
    isHnsEnabled: false
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: privateOnly ? 'Disabled' : 'Enabled'
    networkAcls: {
      defaultAction: 'Deny'
      bypass: 'None'
      ipRules: [for address in (privateOnly ? [] : auditorAddresses): { value: address, action: 'Allow' }]
      virtualNetworkRules: [for id in (privateOnly ? [] : subnetIds): { id: id, action: 'Allow' }]
    }
    encryption: {
      keySource: 'Microsoft.Storage'
      // A second layer of encryption; it can be chosen only when the account is created.
      requireInfrastructureEncryption: true
      services: {
        blob: { enabled: true, keyType: 'Account' }
        file: { enabled: true, keyType: 'Account' }
        queue: { enabled: true, keyType: 'Account' }
        table: { enabled: true, keyType: 'Account' }
      }
    }
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2025-06-01' = {
  parent: account
  name: 'default'
  properties: {
    deleteRetentionPolicy: { enabled: true, days: softDeleteDays, allowPermanentDelete: false }
    containerDeleteRetentionPolicy: { enabled: true, days: softDeleteDays }
  }
}

resource audit 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' = {
  parent: blobs
  name: auditContainer
  properties: { publicAccess: 'None' }
}

resource archive 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' = {
  parent: blobs
  name: archiveContainer
  properties: { publicAccess: 'None' }
}

@description('Segments grow by appends and change in no other way. Created unlocked: locking is a decision of its own.')
resource auditRetention 'Microsoft.Storage/storageAccounts/blobServices/containers/immutabilityPolicies@2025-06-01' = if (!retentionLocked) {
  parent: audit
  name: 'default'
  properties: {
    immutabilityPeriodSinceCreationInDays: auditRetentionDays
    allowProtectedAppendWrites: true
  }
}

resource archiveRetention 'Microsoft.Storage/storageAccounts/blobServices/containers/immutabilityPolicies@2025-06-01' = if (!retentionLocked) {
  parent: archive
  name: 'default'
  properties: {
    immutabilityPeriodSinceCreationInDays: archiveRetentionDays
    allowProtectedAppendWrites: true
  }
}

@description('Archived block blobs get cheaper with age and stay readable at once; nothing is deleted by a rule.')
resource tiers 'Microsoft.Storage/storageAccounts/managementPolicies@2025-06-01' = {
  parent: account
  name: 'default'
  properties: {
    policy: {
      rules: [
        {
          name: 'archive-tiers'
          type: 'Lifecycle'
          enabled: true
          definition: {
            filters: {
              blobTypes: ['blockBlob']
              prefixMatch: ['${archiveContainer}/']
            }
            actions: {
              baseBlob: {
                tierToCool: { daysAfterModificationGreaterThan: coolAfterDays }
                tierToCold: { daysAfterModificationGreaterThan: coldAfterDays }
              }
            }
          }
        }
      ]
    }
  }
}

@description('Every read, write and delete of evidence, with the identity behind it (table StorageBlobLogs).')
#disable-next-line use-recent-api-versions // the only version with what logs need; 2016-09-01 is older and knows no workspace tables
resource access 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'access'
  scope: blobs
  properties: {
    workspaceId: workspaceId
    logs: [
      { category: 'StorageRead', enabled: true }
      { category: 'StorageWrite', enabled: true }
      { category: 'StorageDelete', enabled: true }
    ]
    metrics: [{ category: 'Transaction', enabled: true }]
  }
}

resource keep 'Microsoft.Authorization/locks@2020-05-01' = if (lockResources) {
  name: 'keep-evidence'
  scope: account
  properties: {
    level: 'CanNotDelete'
    notes: 'Audit evidence. Tear-down removes this lock first: docs/operations/tear-down.md'
  }
}
