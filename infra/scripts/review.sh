#!/bin/sh
# After `azd provision`, where REVIEW_DIRECTORY is true: by Bicep where that can run, else by infra/scripts/directory.sh.
set -eu
cd "$(dirname "$0")/../.."

az deployment sub create --subscription "$AZURE_SUBSCRIPTION_ID" --name "presidio-directory-$AZURE_ENV_NAME" \
  --location "$AZURE_LOCATION" --only-show-errors --output none --template-file infra/directory.bicep \
  --parameters keeperPrincipalId="$KEEPER_PRINCIPAL_ID" signIns="${REVIEW_SIGN_INS:-false}" \
  hiddenMembers="${REVIEW_HIDDEN_MEMBERS:-false}" || {
  echo "Bicep could not give the review its rights; trying with the Azure CLI." >&2
  infra/scripts/directory.sh
}
