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

# The access review reads the directory. That is a right on the whole tenant, so it is given only where it is asked for.
if [ "${REVIEW_DIRECTORY:-}" = true ]; then
  infra/scripts/review.sh ||
    echo "Not given: a Privileged Role Administrator runs infra/scripts/directory.sh." >&2
else
  echo "The access review may not read the directory yet: azd env set REVIEW_DIRECTORY true (docs/operations/graph.md)."
fi
