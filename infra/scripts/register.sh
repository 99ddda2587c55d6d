#!/bin/sh
# Register the API in Entra: by Bicep where that can run, else by infra/scripts/entra.sh. Can be run again and again.
set -eu
cd "$(dirname "$0")/../.."

environment="$AZURE_ENV_NAME"
location="$AZURE_LOCATION"
me=$(az ad signed-in-user show --query id --output tsv 2>/dev/null || true)
# Whoever deploys may operate (/whoami, health of the service) and no more: no personal data.
grants='[]'
if [ -n "$me" ]; then
  grants="[{\"principalId\": \"$me\", \"role\": \"Service.Operator\"}]"
fi

# ARM changes the case of outputs' names, so they are looked up without it.
client_id=$(az deployment sub create --subscription "$AZURE_SUBSCRIPTION_ID" \
  --name "presidio-entra-$environment" --location "$location" --only-show-errors \
  --template-file infra/entra.bicep \
  --parameters environmentName="$environment" servicePrincipalId="${SERVICE_PRINCIPAL_ID:-}" grants="$grants" \
  --query properties.outputs --output json |
  python3 -c 'import json, sys; print({k.lower(): v["value"] for k, v in json.load(sys.stdin).items()}["entra_client_id"])') ||
  client_id=""

if [ -z "$client_id" ]; then
  echo "Bicep could not register the API; trying with the Azure CLI." >&2
  client_id=$(infra/scripts/entra.sh | tail -n 1)
fi
azd env set ENTRA_CLIENT_ID "$client_id"
azd env set ENTRA_MANAGED_BY_US true
