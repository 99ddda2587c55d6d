// Values from azd's environment (`azd env set NAME value`); every one has a default, so this evaluates anywhere.
// DEPLOYMENT_KIND chooses a column of `choices`; any single choice can be set on its own.
using 'main.bicep'

var choices = {
  // Hardened, seven years of evidence, private network, warm.
  production: {
    network: 'privateEndpoints'
    redundancy: 'Standard_ZRS'
    auditDays: '90'
    archiveDays: '2557'
    lock: 'true'
    memory: '2048'
    instances: '100'
    ready: '1'
    workspaceDays: '90'
    softDelete: '30'
  }
  // The same rules, for little money, and easy to tear down: short retention, no locks, nothing warm.
  development: {
    network: 'serviceEndpoints'
    redundancy: 'Standard_LRS'
    auditDays: '1'
    archiveDays: '1'
    lock: 'false'
    memory: '2048'
    instances: '40'
    ready: '0'
    workspaceDays: '30'
    softDelete: '7'
  }
}
var chosen = choices[readEnvironmentVariable('DEPLOYMENT_KIND', 'production')]

param environmentName = readEnvironmentVariable('AZURE_ENV_NAME', 'presidio')
param location = readEnvironmentVariable('AZURE_LOCATION', 'westeurope')
param tags = json(readEnvironmentVariable('RESOURCE_TAGS', '{}'))
param serviceCommit = readEnvironmentVariable('SERVICE_COMMIT', 'unknown')
param serviceCommitAuthor = readEnvironmentVariable('SERVICE_COMMIT_AUTHOR', '')
param serviceCommitSigned = readEnvironmentVariable('SERVICE_COMMIT_SIGNED', 'unknown')

// No default can be right: the preflight script refuses the zero id.
param entraClientId = readEnvironmentVariable('ENTRA_CLIENT_ID', '00000000-0000-0000-0000-000000000000')
// Another cloud has another one, e.g. https://login.microsoftonline.us/
param loginEndpoint = readEnvironmentVariable('AZURE_LOGIN_ENDPOINT', 'https://login.microsoftonline.com/')
// And so has Microsoft Graph, e.g. https://graph.microsoft.us
param graphUrl = readEnvironmentVariable('GRAPH_URL', 'https://graph.microsoft.com')
param accessReviews = bool(readEnvironmentVariable('ACCESS_REVIEWS', 'true'))
param reviewDays = int(readEnvironmentVariable('REVIEW_DAYS', '90'))
param reviewDecideDays = int(readEnvironmentVariable('REVIEW_DECIDE_DAYS', '14'))
param reviewNames = bool(readEnvironmentVariable('REVIEW_NAMES', 'false'))
param additionalIssuers = json(readEnvironmentVariable('ADDITIONAL_ISSUERS', '[]'))
param auditorPrincipalIds = json(readEnvironmentVariable('AUDITOR_PRINCIPAL_IDS', '[]'))
param auditorPrincipalType = readEnvironmentVariable('AUDITOR_PRINCIPAL_TYPE', 'Group')
param auditorMemberIds = json(readEnvironmentVariable('AUDITOR_MEMBER_IDS', '[]'))

param networkMode = readEnvironmentVariable('NETWORK_MODE', chosen.network)
param egress = readEnvironmentVariable('EGRESS', 'open')
param auditorAddresses = json(readEnvironmentVariable('AUDITOR_ADDRESSES', '[]'))

param auditRedundancy = readEnvironmentVariable('AUDIT_REDUNDANCY', chosen.redundancy)
param auditRetentionDays = int(readEnvironmentVariable('AUDIT_RETENTION_DAYS', chosen.auditDays))
param archiveRetentionDays = int(readEnvironmentVariable('ARCHIVE_RETENTION_DAYS', chosen.archiveDays))
param retentionLocked = bool(readEnvironmentVariable('RETENTION_LOCKED', 'false'))
param softDeleteDays = int(readEnvironmentVariable('SOFT_DELETE_DAYS', chosen.softDelete))
param lockResources = bool(readEnvironmentVariable('LOCK_RESOURCES', chosen.lock))
param vaultSku = readEnvironmentVariable('VAULT_SKU', 'standard')
param recoverVault = bool(readEnvironmentVariable('RECOVER_VAULT', 'false'))
param ledgerName = readEnvironmentVariable('LEDGER_NAME', '')

param instanceMemoryMB = any(int(readEnvironmentVariable('INSTANCE_MEMORY_MB', chosen.memory)))
param maximumInstanceCount = int(readEnvironmentVariable('MAXIMUM_INSTANCES', chosen.instances))
param alwaysReadyInstances = int(readEnvironmentVariable('ALWAYS_READY_INSTANCES', chosen.ready))
param httpConcurrency = int(readEnvironmentVariable('HTTP_CONCURRENCY', '8'))
param zoneRedundant = bool(readEnvironmentVariable('ZONE_REDUNDANT', 'false'))
param ahdsEndpoint = readEnvironmentVariable('AHDS_ENDPOINT', '')

param alertAddresses = json(readEnvironmentVariable('ALERT_ADDRESSES', '["security@example.com"]'))
param disabledAlertRules = json(readEnvironmentVariable('DISABLED_ALERT_RULES', '[]'))
param workspaceRetentionDays = int(readEnvironmentVariable('WORKSPACE_RETENTION_DAYS', chosen.workspaceDays))
param exportActivityLog = bool(readEnvironmentVariable('EXPORT_ACTIVITY_LOG', 'true'))

param gateway = readEnvironmentVariable('GATEWAY', 'none')
param monthlyBudget = int(readEnvironmentVariable('MONTHLY_BUDGET', '0'))
param assignPolicies = bool(readEnvironmentVariable('ASSIGN_POLICIES', 'false'))
