// Who may do what. Everything that is granted stands in this file, each on the smallest thing that it is for.

@description('Name of the identity of the doors.')
param serviceIdentityName string

@description('Name of the identity of the timers.')
param keeperIdentityName string

@description('Object ids of groups or people who may read evidence and query events.')
param auditorPrincipalIds string[]

@description('Whether auditorPrincipalIds are groups or people.')
@allowed(['Group', 'User'])
param auditorPrincipalType string

@description('Name of the audit storage account.')
param auditStorageName string

@description('Name of the container of append segments.')
param auditContainer string

@description('Name of the container of closed segments and root tiles.')
param archiveContainer string

@description('Name of the storage account of the host.')
param hostStorageName string

@description('Name of the vault.')
param vaultName string

@description('Name of the signing key.')
param ledgerKeyName string

@description('Name of the secret with the digest key.')
param digestSecretName string

@description('Name of Application Insights.')
param insightsName string

@description('Name of the workspace.')
param workspaceName string

// Built-in roles, by id; the names are Microsoft's.
var builtIn = {
  storageBlobDataOwner: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  storageBlobDataReader: '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1'
  keyVaultSecretsUser: '4633458b-17de-408a-b874-0445c86b69e6'
  monitoringMetricsPublisher: '3913510d-42f4-4e42-8a64-420c390055eb'
  logAnalyticsDataReader: '3b03c2da-16b3-4a49-8834-0f8130efdd3b'
}
var blob = 'Microsoft.Storage/storageAccounts/blobServices/containers/blobs'

resource service 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: serviceIdentityName
}

resource keeper 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: keeperIdentityName
}

resource auditStorage 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: auditStorageName

  resource blobs 'blobServices' existing = {
    name: 'default'

    resource audit 'containers' existing = {
      name: auditContainer
    }

    resource archive 'containers' existing = {
      name: archiveContainer
    }
  }
}

resource hostStorage 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: hostStorageName
}

resource vault 'Microsoft.KeyVault/vaults@2025-05-01' existing = {
  name: vaultName

  resource ledgerKey 'keys' existing = {
    name: ledgerKeyName
  }

  resource digestKey 'secrets' existing = {
    name: digestSecretName
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-07-01' existing = {
  name: workspaceName
}

@description('Creates blobs and appends to them. It cannot overwrite (that needs blobs/write), and it cannot delete.')
resource appender 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(resourceGroup().id, 'audit-appender')
  properties: {
    roleName: 'Audit Appender (${auditStorageName})'
    description: 'Create new blobs, append to blobs, read. No overwrite, no delete, no move, no tags.'
    type: 'CustomRole'
    assignableScopes: [resourceGroup().id]
    permissions: [
      {
        actions: []
        notActions: []
        dataActions: ['${blob}/read', '${blob}/add/action']
        notDataActions: []
      }
    ]
  }
}

@description('Copies closed segments into the archive in blocks, which needs blobs/write. It cannot delete.')
resource archivist 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(resourceGroup().id, 'audit-archivist')
  properties: {
    roleName: 'Audit Archivist (${auditStorageName})'
    description: 'Create and read blobs; the immutability policy refuses every change. No delete, no move, no tags.'
    type: 'CustomRole'
    assignableScopes: [resourceGroup().id]
    permissions: [
      {
        actions: []
        notActions: []
        dataActions: ['${blob}/read', '${blob}/add/action', '${blob}/write']
        notDataActions: []
      }
    ]
  }
}

@description('Deletes what the immutability policy no longer holds. It cannot write.')
resource sweeper 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(resourceGroup().id, 'audit-sweeper')
  properties: {
    roleName: 'Audit Sweeper (${auditStorageName})'
    description: 'Read and delete blobs; the immutability policy refuses to delete what has not expired. No write.'
    type: 'CustomRole'
    assignableScopes: [resourceGroup().id]
    permissions: [
      {
        actions: []
        notActions: []
        dataActions: ['${blob}/read', '${blob}/delete']
        notDataActions: []
      }
    ]
  }
}

@description('Signs with a key and reads its public half. It cannot change, back up, wrap or decrypt.')
resource signer 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(resourceGroup().id, 'ledger-signer')
  properties: {
    roleName: 'Ledger Signer (${vaultName})'
    description: 'Sign with a key and read its public half.'
    type: 'CustomRole'
    assignableScopes: [resourceGroup().id]
    permissions: [
      {
        actions: []
        notActions: []
        dataActions: ['Microsoft.KeyVault/vaults/keys/read', 'Microsoft.KeyVault/vaults/keys/sign/action']
        notDataActions: []
      }
    ]
  }
}

resource serviceAppends 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(auditStorage::blobs::audit.id, service.id, appender.id)
  scope: auditStorage::blobs::audit
  properties: {
    principalId: service.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: appender.id
    description: 'The doors append their records, and create snapshots and claims beside them.'
  }
}

resource serviceReadsArchive 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(auditStorage::blobs::archive.id, service.id, builtIn.storageBlobDataReader)
  scope: auditStorage::blobs::archive
  properties: {
    principalId: service.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', builtIn.storageBlobDataReader)
    description: 'GET /audit/records reads older records.'
  }
}

resource keeperAppends 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(auditStorage::blobs::audit.id, keeper.id, appender.id)
  scope: auditStorage::blobs::audit
  properties: {
    principalId: keeper.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: appender.id
    description: 'The timers seal the root log and record what they did.'
  }
}

resource keeperArchives 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(auditStorage::blobs::archive.id, keeper.id, archivist.id)
  scope: auditStorage::blobs::archive
  properties: {
    principalId: keeper.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: archivist.id
    description: 'Closed segments, snapshots and claims are copied to the archive; reports of reviews are written there.'
  }
}

resource keeperSweepsAudit 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(auditStorage::blobs::audit.id, keeper.id, sweeper.id)
  scope: auditStorage::blobs::audit
  properties: {
    principalId: keeper.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: sweeper.id
    description: 'Segments whose retention has passed are deleted.'
  }
}

resource keeperSweepsArchive 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(auditStorage::blobs::archive.id, keeper.id, sweeper.id)
  scope: auditStorage::blobs::archive
  properties: {
    principalId: keeper.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: sweeper.id
    description: 'Archived objects whose legal retention has passed are deleted.'
  }
}

var apps = [
  { id: service.id, name: serviceIdentityName }
  { id: keeper.id, name: keeperIdentityName }
]

resource appIdentities 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = [
  for app in apps: {
    name: app.name
  }
]

resource hostLeases 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (app, i) in apps: {
    name: guid(hostStorage.id, app.id, builtIn.storageBlobDataOwner)
    scope: hostStorage
    properties: {
      principalId: appIdentities[i].properties.principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', builtIn.storageBlobDataOwner)
      description: 'The Functions host keeps packages and leases here, and nothing else is here.'
    }
  }
]

resource signs 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (app, i) in apps: {
    name: guid(vault::ledgerKey.id, app.id, signer.id)
    scope: vault::ledgerKey
    properties: {
      principalId: appIdentities[i].properties.principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: signer.id
      description: 'Signs the genesis of its writers and root checkpoints with this one key.'
    }
  }
]

resource readsDigestKey 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (app, i) in apps: {
    name: guid(vault::digestKey.id, app.id, builtIn.keyVaultSecretsUser)
    scope: vault::digestKey
    properties: {
      principalId: appIdentities[i].properties.principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', builtIn.keyVaultSecretsUser)
      description: 'Resolves the app setting DIGEST_KEY: this one secret.'
    }
  }
]

resource sendsTelemetry 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (app, i) in apps: {
    name: guid(insights.id, app.id, builtIn.monitoringMetricsPublisher)
    scope: insights
    properties: {
      principalId: appIdentities[i].properties.principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId(
        'Microsoft.Authorization/roleDefinitions',
        builtIn.monitoringMetricsPublisher
      )
      description: 'Sends events; ingestion with a key is off.'
    }
  }
]

resource auditorsReadSegments 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for id in auditorPrincipalIds: {
    name: guid(auditStorage::blobs::audit.id, id, builtIn.storageBlobDataReader)
    scope: auditStorage::blobs::audit
    properties: {
      principalId: id
      principalType: auditorPrincipalType
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', builtIn.storageBlobDataReader)
      description: 'Auditors verify for themselves.'
    }
  }
]

resource auditorsReadArchive 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for id in auditorPrincipalIds: {
    name: guid(auditStorage::blobs::archive.id, id, builtIn.storageBlobDataReader)
    scope: auditStorage::blobs::archive
    properties: {
      principalId: id
      principalType: auditorPrincipalType
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', builtIn.storageBlobDataReader)
      description: 'Auditors verify for themselves.'
    }
  }
]

resource auditorsQuery 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for id in auditorPrincipalIds: {
    name: guid(workspace.id, id, builtIn.logAnalyticsDataReader)
    scope: workspace
    properties: {
      principalId: id
      principalType: auditorPrincipalType
      roleDefinitionId: subscriptionResourceId(
        'Microsoft.Authorization/roleDefinitions',
        builtIn.logAnalyticsDataReader
      )
      description: 'Auditors query events.'
    }
  }
]
