#!/bin/sh
# After `azd provision`: the managed identity exists, so the app registration can trust it (no client secret).
set -eu
cd "$(dirname "$0")/../.."

if [ "${ENTRA_MANAGED_BY_US:-}" = true ]; then
  infra/scripts/register.sh
else
  echo "The app registration $ENTRA_CLIENT_ID is yours: add a federated credential for the identity"
  echo "$SERVICE_PRINCIPAL_ID (audience api://AzureADTokenExchange), or run infra/scripts/entra.sh."
fi
