// Azure Policy refuses, in this resource group, what the templates never ask for: so a change by hand fails too.

var definitions = [
  {
    name: 'storage-no-shared-keys'
    id: '8c6a50c6-9ffd-4ae7-986f-5fa6111f9a54'
    title: 'Storage accounts should prevent shared key access'
  }
  {
    name: 'storage-no-public-blobs'
    id: '4fa4b6c0-31ca-4c0d-b10d-24b96f62a751'
    title: 'Storage account public access should be disallowed'
  }
  {
    name: 'storage-https-only'
    id: '404c3081-a854-4457-ae30-26a93ef643f9'
    title: 'Secure transfer to storage accounts should be enabled'
  }
  {
    name: 'storage-network-closed'
    id: '34c877ad-507e-4c82-993e-3452a6e0ad3c'
    title: 'Storage accounts should restrict network access'
  }
  {
    name: 'vault-purge-protection'
    id: '0b60c0b2-2dc2-4e1c-b5c9-abbed971de53'
    title: 'Key vaults should have deletion protection enabled'
  }
  {
    name: 'vault-rbac'
    id: '12d4fa5e-1f9f-4c21-97a9-b99b3c6611b5'
    title: 'Azure Key Vault should use RBAC permission model'
  }
]

resource assignments 'Microsoft.Authorization/policyAssignments@2025-03-01' = [
  for definition in definitions: {
    name: definition.name
    properties: {
      displayName: definition.title
      description: 'Presidio Access Audit: a change by hand that weakens the deployment is refused.'
      policyDefinitionId: tenantResourceId('Microsoft.Authorization/policyDefinitions', definition.id)
      enforcementMode: 'Default'
      parameters: { effect: { value: 'Deny' } }
    }
  }
]
