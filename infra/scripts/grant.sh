#!/bin/sh
# Give a role to a person, a group or a service principal:
#   ROLE=Pii.Redactor PRINCIPAL=<object id> infra/scripts/grant.sh
# The client id comes from CLIENT_ID, or from azd's environment.
set -eu
cd "$(dirname "$0")/../.."

client_id="${CLIENT_ID:-${ENTRA_CLIENT_ID:-$(azd env get-value ENTRA_CLIENT_ID)}}"
graph=$(az cloud show --query endpoints.microsoftGraphResourceId --output tsv)
graph="${graph%/}/v1.0"
resource=$(az ad sp show --id "$client_id" --query id --output tsv)
role_id=$(az ad sp show --id "$client_id" --query "appRoles[?value=='$ROLE'].id | [0]" --output tsv)
if [ -z "$role_id" ]; then
  echo "There is no role '$ROLE'. There are:" >&2
  az ad sp show --id "$client_id" --query 'appRoles[].value' --output tsv >&2
  exit 1
fi
held=$(az rest --method get --url "$graph/servicePrincipals/$resource/appRoleAssignedTo" \
  --query "value[?principalId=='$PRINCIPAL' && appRoleId=='$role_id'].id | [0]" --output tsv)
if [ -n "$held" ]; then
  echo "$PRINCIPAL holds $ROLE already."
  exit 0
fi
az rest --method post --url "$graph/servicePrincipals/$resource/appRoleAssignedTo" \
  --headers 'Content-Type=application/json' --output none \
  --body "{\"principalId\": \"$PRINCIPAL\", \"resourceId\": \"$resource\", \"appRoleId\": \"$role_id\"}"
echo "$PRINCIPAL holds $ROLE now; tokens issued from now on say so."
