// The API in Entra: who may ask for tokens, which roles there are, what stands in a token. Deployed before main.bicep,
// by somebody with the Graph right Application.ReadWrite.All (or OwnedBy); where that cannot be, scripts/entra.sh.
targetScope = 'subscription'

extension microsoftGraphV1

@description('Name of the azd environment; one app registration each.')
param environmentName string

@description('Object id of the doors\' managed identity; empty on the first run, before it exists.')
param servicePrincipalId string = ''

@description('Login endpoint of the cloud, with its last slash.')
param loginEndpoint string = environment().authentication.loginEndpoint

@description('Let the Azure CLI ask for tokens on behalf of people without a consent page: for first calls and smoke calls.')
param allowAzureCli bool = true

@description('Who holds which role from the start: objects with principalId and role.')
param grants grant[] = []

@description('One role for one principal.')
type grant = {
  @description('Object id of a person, a group or a service principal.')
  principalId: string

  @description('Value of an app role, such as Pii.Redactor.')
  role: string
}

// One source: infra/scripts/write_app_roles.py makes this file of config/policy.yaml, and a test compares them.
var roles = loadJsonContent('app-roles.json')
var name = 'presidio-access-audit-${environmentName}'
var scopeId = guid(name, 'access_as_user')
var azureCli = '04b07795-8ddb-461a-bbee-02f9e1bf7b46'

resource api 'Microsoft.Graph/applications@v1.0' = {
  uniqueName: name
  displayName: 'Presidio Access Audit (${environmentName})'
  description: 'Finds and removes personal data; every call is recorded.'
  signInAudience: 'AzureADMyOrg'
  // A form that every tenant's policy on identifier URIs admits, and that is known before the app exists.
  identifierUris: ['api://${tenant().tenantId}/presidio-${environmentName}']
  // Roles come from app roles alone: a token without groups cannot overflow, and groups decide nothing.
  groupMembershipClaims: 'None'
  api: {
    requestedAccessTokenVersion: 2
    oauth2PermissionScopes: [
      {
        id: scopeId
        value: 'access_as_user'
        type: 'User'
        isEnabled: true
        adminConsentDisplayName: 'Call Presidio Access Audit as the signed-in user'
        adminConsentDescription: 'The app calls the API on behalf of the user, with the roles of that user.'
        userConsentDisplayName: 'Call Presidio Access Audit on your behalf'
        userConsentDescription: 'The app calls the API with the roles that you hold.'
      }
    ]
    preAuthorizedApplications: allowAzureCli ? [{ appId: azureCli, delegatedPermissionIds: [scopeId] }] : []
  }
  optionalClaims: {
    // idtyp tells an app's token from a person's, in both kinds of token.
    accessToken: [{ name: 'idtyp', essential: true, additionalProperties: ['include_user_token'] }]
  }
  appRoles: roles
  // Nobody adds a secret to this app's principal in another tenant or by the side.
  servicePrincipalLockConfiguration: { isEnabled: true, allProperties: true }
}

resource principal 'Microsoft.Graph/servicePrincipals@v1.0' = {
  appId: api.appId
  // Only who holds a role gets a token at all.
  appRoleAssignmentRequired: true
}

@description('Instead of a client secret: the doors\' managed identity may speak for the app registration.')
resource federated 'Microsoft.Graph/applications/federatedIdentityCredentials@v1.0' = if (!empty(servicePrincipalId)) {
  name: '${api.uniqueName}/service-identity'
  description: 'The managed identity of the function app'
  issuer: '${loginEndpoint}${tenant().tenantId}/v2.0'
  subject: servicePrincipalId
  audiences: ['api://AzureADTokenExchange']
}

resource assignments 'Microsoft.Graph/appRoleAssignedTo@v1.0' = [
  for entry in grants: {
    principalId: entry.principalId
    resourceId: principal.id
    appRoleId: first(filter(roles, role => role.value == entry.role))!.id
  }
]

@description('What ENTRA_CLIENT_ID is set to.')
output ENTRA_CLIENT_ID string = api.appId

@description('Audience that callers ask tokens for.')
output API_APP_ID_URI string = 'api://${tenant().tenantId}/presidio-${environmentName}'
