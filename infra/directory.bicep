// What the timers' identity may read in Microsoft Graph for the access review. Deployed after main.bicep, by somebody
// with the Graph right AppRoleAssignment.ReadWrite.All (Privileged Role Administrator); else scripts/directory.sh.
targetScope = 'subscription'

extension microsoftGraphV1

@description('Object id of the managed identity of the timers. Never that of the doors.')
param keeperPrincipalId string

@description('Also when people signed in last; needs Entra ID P1.')
param signIns bool = false

@description('Also the members of groups that hide them.')
param hiddenMembers bool = false

// One source: the script for other tenants reads it too, and tests compare the documentation with it.
var permissions = loadJsonContent('graph-permissions.json')
var options = concat(['always'], signIns ? ['signIns'] : [], hiddenMembers ? ['hiddenMembers'] : [])

resource graph 'Microsoft.Graph/servicePrincipals@v1.0' existing = {
  appId: '00000003-0000-0000-c000-000000000000'
}

resource rights 'Microsoft.Graph/appRoleAssignedTo@v1.0' = [
  for permission in filter(permissions, one => contains(options, one.option)): {
    principalId: keeperPrincipalId
    resourceId: graph.id
    appRoleId: first(filter(
      graph.appRoles,
      role => role.value == permission.value && contains(role.allowedMemberTypes, 'Application')
    ))!.id
  }
]
