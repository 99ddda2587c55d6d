#!/bin/sh
# The same registration as infra/entra.bicep, for tenants where the Graph extension cannot run.
# Needs the Azure CLI, signed in as somebody who may register applications. Can be run again and again.
# The last line that it prints is the client id.
set -eu
cd "$(dirname "$0")/../.."

environment="$AZURE_ENV_NAME"
name="presidio-access-audit-$environment"
tenant=$(az account show --query tenantId --output tsv)
login=$(az cloud show --query endpoints.activeDirectory --output tsv)
graph=$(az cloud show --query endpoints.microsoftGraphResourceId --output tsv)
graph="${graph%/}/v1.0"
uri="api://$tenant/presidio-$environment"
azure_cli=04b07795-8ddb-461a-bbee-02f9e1bf7b46
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

object_id=$(az rest --method get --url "$graph/applications(uniqueName='$name')?\$select=id" \
  --query id --output tsv 2>/dev/null || true)
# The id of the scope must stay what it is; a first run makes one.
scope=""
if [ -n "$object_id" ]; then
  scope=$(az rest --method get --url "$graph/applications/$object_id?\$select=api" \
    --query "api.oauth2PermissionScopes[?value=='access_as_user'].id | [0]" --output tsv)
fi
scope="${scope:-$(python3 -c 'import uuid; print(uuid.uuid4())')}"

python3 - "$name" "$environment" "$uri" "$scope" "$azure_cli" > "$work/application.json" <<'PYTHON'
import json, sys

name, environment, uri, scope, azure_cli = sys.argv[1:]
with open("infra/app-roles.json", encoding="utf-8") as file:
    roles = json.load(file)
print(json.dumps({
    "displayName": f"Presidio Access Audit ({environment})",
    "description": "Finds and removes personal data; every call is recorded.",
    "signInAudience": "AzureADMyOrg",
    "identifierUris": [uri],
    "groupMembershipClaims": "None",
    "api": {
        "requestedAccessTokenVersion": 2,
        "oauth2PermissionScopes": [{
            "id": scope, "value": "access_as_user", "type": "User", "isEnabled": True,
            "adminConsentDisplayName": "Call Presidio Access Audit as the signed-in user",
            "adminConsentDescription": "The app calls the API on behalf of the user, with the roles of that user.",
            "userConsentDisplayName": "Call Presidio Access Audit on your behalf",
            "userConsentDescription": "The app calls the API with the roles that you hold.",
        }],
        "preAuthorizedApplications": [{"appId": azure_cli, "delegatedPermissionIds": [scope]}],
    },
    "optionalClaims": {"accessToken": [
        {"name": "idtyp", "essential": True, "additionalProperties": ["include_user_token"]},
    ]},
    "appRoles": roles,
    "servicePrincipalLockConfiguration": {"isEnabled": True, "allProperties": True},
}))
PYTHON

# Upsert by uniqueName: the same app, however often this runs.
az rest --method patch --url "$graph/applications(uniqueName='$name')" \
  --headers 'Content-Type=application/json' 'Prefer=create-if-missing' --body "@$work/application.json" --output none
object_id=$(az rest --method get --url "$graph/applications(uniqueName='$name')?\$select=id" --query id --output tsv)
client_id=$(az rest --method get --url "$graph/applications/$object_id?\$select=appId" --query appId --output tsv)

principal=$(az ad sp show --id "$client_id" --query id --output tsv 2>/dev/null || true)
if [ -z "$principal" ]; then
  principal=$(az ad sp create --id "$client_id" --query id --output tsv)
fi
az rest --method patch --url "$graph/servicePrincipals/$principal" --headers 'Content-Type=application/json' \
  --body '{"appRoleAssignmentRequired": true}' --output none

if [ -n "${SERVICE_PRINCIPAL_ID:-}" ]; then
  python3 - "$login" "$tenant" "$SERVICE_PRINCIPAL_ID" > "$work/credential.json" <<'PYTHON'
import json, sys

login, tenant, subject = sys.argv[1:]
print(json.dumps({
    "name": "service-identity",
    "description": "The managed identity of the function app",
    "issuer": f"{login.rstrip('/')}/{tenant}/v2.0",
    "subject": subject,
    "audiences": ["api://AzureADTokenExchange"],
}))
PYTHON
  az rest --method patch \
    --url "$graph/applications/$object_id/federatedIdentityCredentials(name='service-identity')" \
    --headers 'Content-Type=application/json' 'Prefer=create-if-missing' --body "@$work/credential.json" --output none
fi

me=$(az ad signed-in-user show --query id --output tsv 2>/dev/null || true)
if [ -n "$me" ]; then
  ROLE=Service.Operator PRINCIPAL="$me" CLIENT_ID="$client_id" infra/scripts/grant.sh >&2
fi
echo "$client_id"
