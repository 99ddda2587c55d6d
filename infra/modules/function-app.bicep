// One function app on Flex Consumption. The doors and the timers are two apps of the same package.

@description('Region.')
param location string

@description('Name of the app.')
param name string

@description('Tags of every resource.')
param tags object

@description('The service of azure.yaml that is deployed here.')
param azdService string

@description('Name of the app\'s only identity.')
param identityName string

@description('Name of the host\'s storage account.')
param hostStorageName string

@description('Name of the audit storage account.')
param auditStorageName string

@description('Name of the vault.')
param vaultName string

@description('Name of the signing key.')
param ledgerKeyName string

@description('Name of the secret with the digest key.')
param digestSecretName string

@description('Container of the deployment package.')
param packageContainer string

@description('Resource id of the subnet that the app sends from.')
param subnetId string

@description('Answers calls from outside. false: no route of this app can be reached.')
param reachable bool

@description('Runs the timers of the package. Where it does not, each of them is switched off below.')
param runsTimers bool

@description('Memory of an instance in MB; 2048 is one core, 4096 two.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int

@description('Most instances.')
@minValue(1)
@maxValue(1000)
param maximumInstanceCount int

@description('Instances that are always warm for HTTP calls.')
param alwaysReadyInstances int

@description('Calls that one instance takes at once. Presidio is bound by the processor, so the platform\'s default is far too many.')
@minValue(1)
@maxValue(1000)
param httpConcurrency int

@description('Spread over zones.')
param zoneRedundant bool

@description('What operators decide, the same for both apps.')
param choices serviceChoices

@description('Address of the author of the deployed commit, or empty.')
@secure()
param serviceCommitAuthor string

@description('Login endpoint of the cloud, with its last slash.')
param loginEndpoint string

@description('Tenant whose tokens the platform lets in, as the second lock.')
param tenantId string

@description('Client id of the API in that tenant.')
param entraClientId string

@description('App ID URI of the API.')
param appIdUri string

@description('false only where callers of other OpenID Connect issuers must get through to the first lock, which is the code.')
param requirePlatformAuthentication bool

@description('Name of Application Insights.')
param insightsName string

@description('Resource id of the workspace for the platform\'s logs of this app.')
param workspaceId string

@description('What operators decide. The names are those of shared/settings.py; a test holds the two together.')
@export()
type serviceChoices = {
  @description('Container of append segments.')
  auditContainer: string
  @description('Container of closed segments and root tiles.')
  archiveContainer: string
  @description('Days after which the sweeper deletes from the first container: its retention.')
  auditKeepDays: int
  @description('Days after which the sweeper deletes from the archive: its retention.')
  archiveKeepDays: int
  @description('Name of the log.')
  ledgerName: string
  @description('Trusted issuers.')
  trustedIssuers: array
  @description('Microsoft Graph of this cloud, for the access review.')
  graphUrl: string
  @description('Whether access reviews are made.')
  reviews: 'on' | 'off'
  @description('Days of records that a review looks at.')
  reviewDays: int
  @description('Days in which findings are to be decided.')
  reviewDecideDays: int
  @description('Whether stored reports carry names of people.')
  reviewNames: 'on' | 'off'
  @description('Proxies in front of the code whose X-Forwarded-For is believed.')
  trustedProxyHops: int
  @description('Threads of the engine in one instance.')
  engineThreads: int
  @description('Calls that may wait for the engine.')
  engineQueue: int
  @description('Deadline of a commit.')
  commitDeadlineMs: int
  @description('Wait for others, to share a write.')
  commitDelayMs: int
  @description('Calls under way from which on that wait is worth it.')
  commitSiblings: int
  @description('Longest analysis.')
  analysisTimeoutMs: int
  @description('Largest body.')
  maxBodyBytes: int
  @description('Endpoint for surrogate_ahds, or empty.')
  ahdsEndpoint: string
  @description('Commit of the deployed code.')
  serviceCommit: string
  @description('What Git says of its signature.')
  serviceCommitSigned: string
}

var hostBlobUrl = 'https://${hostStorageName}.blob.${environment().suffixes.storage}/'

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: identityName
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

resource vault 'Microsoft.KeyVault/vaults@2025-05-01' existing = {
  name: vaultName

  resource ledgerKey 'keys' existing = {
    name: ledgerKeyName
  }
}

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: 'plan-${name}'
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: {
    reserved: true
    zoneRedundant: zoneRedundant
  }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': azdService })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identity.id}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    clientAffinityEnabled: false
    publicNetworkAccess: 'Enabled'
    virtualNetworkSubnetId: subnetId
    keyVaultReferenceIdentity: identity.id
    siteConfig: {
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
      ftpsState: 'Disabled'
      http20Enabled: true
      remoteDebuggingEnabled: false
      webSocketsEnabled: false
      ipSecurityRestrictionsDefaultAction: reachable ? 'Allow' : 'Deny'
      // The deployment endpoint takes Entra tokens with rights on this app, and nothing else.
      scmIpSecurityRestrictionsDefaultAction: 'Allow'
      scmIpSecurityRestrictionsUseMain: false
    }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${hostBlobUrl}${packageContainer}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identity.id
          }
        }
      }
      runtime: { name: 'python', version: '3.13' }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
        alwaysReady: alwaysReadyInstances > 0 ? [{ name: 'http', instanceCount: alwaysReadyInstances }] : []
        triggers: { http: { perInstanceConcurrency: httpConcurrency } }
      }
    }
  }
}

resource appSettings 'Microsoft.Web/sites/config@2025-03-01' = {
  parent: app
  name: 'appsettings'
  properties: {
    // what the host reads
    AzureWebJobsStorage__blobServiceUri: hostBlobUrl
    AzureWebJobsStorage__clientId: identity.properties.clientId
    AzureWebJobsStorage__credential: 'managedidentity'
    // an address, not a credential: ingestion with the key in it is off
    APPLICATIONINSIGHTS_CONNECTION_STRING: insights.properties.ConnectionString
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identity.properties.clientId};Authorization=AAD'
    PYTHON_ENABLE_OPENTELEMETRY: 'true'
    // the platform proves who the API is by this identity's assertion: there is no client secret to steal
    OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID: identity.properties.clientId

    // what the code reads: shared/settings.py
    AUDIT_STORAGE_ACCOUNT_URL: 'https://${auditStorageName}.blob.${environment().suffixes.storage}'
    AUDIT_IDENTITY_CLIENT_ID: identity.properties.clientId
    AUDIT_CONTAINER: choices.auditContainer
    ARCHIVE_CONTAINER: choices.archiveContainer
    AUDIT_KEEP_DAYS: string(choices.auditKeepDays)
    ARCHIVE_KEEP_DAYS: string(choices.archiveKeepDays)
    LEDGER_NAME: choices.ledgerName
    LEDGER_KEY_ID: vault::ledgerKey.properties.keyUriWithVersion
    DIGEST_KEY: '@Microsoft.KeyVault(VaultName=${vaultName};SecretName=${digestSecretName})'
    TRUSTED_ISSUERS: string(choices.trustedIssuers)
    GRAPH_URL: choices.graphUrl
    REVIEW_APP_ID: entraClientId
    REVIEWS: choices.reviews
    REVIEW_DAYS: string(choices.reviewDays)
    REVIEW_DECIDE_DAYS: string(choices.reviewDecideDays)
    REVIEW_NAMES: choices.reviewNames
    TRUSTED_PROXY_HOPS: string(choices.trustedProxyHops)
    POLICY_FILE: 'config/policy.yaml'
    ANALYZER_CONF_FILE: 'config/analyzer.yaml'
    NLP_CONF_FILE: 'config/nlp.yaml'
    RECOGNIZER_REGISTRY_CONF_FILE: 'config/recognizers.yaml'
    AHDS_ENDPOINT: choices.ahdsEndpoint
    COMMIT_DEADLINE_MS: string(choices.commitDeadlineMs)
    COMMIT_DELAY_MS: string(choices.commitDelayMs)
    COMMIT_SIBLINGS: string(choices.commitSiblings)
    ANALYSIS_TIMEOUT_MS: string(choices.analysisTimeoutMs)
    ENGINE_THREADS: string(choices.engineThreads)
    ENGINE_QUEUE: string(choices.engineQueue)
    MAX_BODY_BYTES: string(choices.maxBodyBytes)
    SERVICE_COMMIT: choices.serviceCommit
    SERVICE_COMMIT_AUTHOR: serviceCommitAuthor
    SERVICE_COMMIT_SIGNED: choices.serviceCommitSigned

    // timers are the keeper's work: functions/timers.py, a line each
    'AzureWebJobs.access_review.Disabled': runsTimers ? 'false' : 'true'
    'AzureWebJobs.archive.Disabled': runsTimers ? 'false' : 'true'
    'AzureWebJobs.baselines.Disabled': runsTimers ? 'false' : 'true'
    'AzureWebJobs.expire.Disabled': runsTimers ? 'false' : 'true'
    'AzureWebJobs.heartbeat.Disabled': runsTimers ? 'false' : 'true'
    'AzureWebJobs.overdue_reviews.Disabled': runsTimers ? 'false' : 'true'
    'AzureWebJobs.seal.Disabled': runsTimers ? 'false' : 'true'
    'AzureWebJobs.sweep.Disabled': runsTimers ? 'false' : 'true'
    'AzureWebJobs.verify.Disabled': runsTimers ? 'false' : 'true'
  }
}

resource noFtpPassword 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: app
  name: 'ftp'
  properties: { allow: false }
}

resource noScmPassword 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: app
  name: 'scm'
  properties: { allow: false }
}

@description('The second lock. The first is the code, which checks roles too; health and readiness are for probes.')
resource authentication 'Microsoft.Web/sites/config@2025-03-01' = {
  parent: app
  name: 'authsettingsV2'
  properties: {
    platform: { enabled: true, runtimeVersion: '~1' }
    globalValidation: {
      requireAuthentication: requirePlatformAuthentication
      unauthenticatedClientAction: requirePlatformAuthentication ? 'Return401' : 'AllowAnonymous'
      excludedPaths: ['/health', '/ready', '/openapi.json']
    }
    httpSettings: { requireHttps: true }
    identityProviders: {
      azureActiveDirectory: {
        enabled: true
        registration: {
          clientId: entraClientId
          clientSecretSettingName: 'OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID'
          openIdIssuer: '${loginEndpoint}${tenantId}/v2.0'
        }
        validation: { allowedAudiences: [entraClientId, appIdUri] }
      }
    }
    login: { tokenStore: { enabled: false } }
  }
  dependsOn: [appSettings]
}

@description('What the platform itself says about this app; the code\'s own telemetry goes to Application Insights.')
#disable-next-line use-recent-api-versions // the only version with what logs need; 2016-09-01 is older and knows no workspace tables
resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'platform'
  scope: app
  properties: {
    workspaceId: workspaceId
    logs: [{ category: 'AppServiceAuthenticationLogs', enabled: true }]
    metrics: [{ category: 'AllMetrics', enabled: true }]
  }
}

@description('Resource id of the app.')
output id string = app.id

@description('Name of the app.')
output name string = app.name

@description('Host name of the app.')
output hostName string = app.properties.defaultHostName
