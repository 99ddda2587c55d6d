#!/bin/sh
# Before `azd deploy`: where the code is of another commit than the one that was provisioned, the apps are told.
set -eu
cd "$(dirname "$0")/../.."

facts=$(infra/scripts/commit.sh)
commit=$(echo "$facts" | sed -n 's/^SERVICE_COMMIT=//p')
if [ "$commit" = "${SERVICE_COMMIT:-}" ]; then
  exit 0
fi
echo "$facts" | while IFS='=' read -r name value; do
  azd env set "$name" "$value" </dev/null
done
author=$(echo "$facts" | sed -n 's/^SERVICE_COMMIT_AUTHOR=//p')
signed=$(echo "$facts" | sed -n 's/^SERVICE_COMMIT_SIGNED=//p')
for app in "$SERVICE_APP_NAME" "$KEEPER_APP_NAME"; do
  az functionapp config appsettings set --resource-group "$AZURE_RESOURCE_GROUP" --name "$app" --output none \
    --settings "SERVICE_COMMIT=$commit" "SERVICE_COMMIT_AUTHOR=$author" "SERVICE_COMMIT_SIGNED=$signed"
done
