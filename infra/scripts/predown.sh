#!/bin/sh
# Before `azd down`: what will stand in the way, and why that is right.
set -eu
group="${AZURE_RESOURCE_GROUP:-}"
[ -n "$group" ] || exit 0

locks=$(az lock list --resource-group "$group" --query '[].name' --output tsv)
if [ -n "$locks" ]; then
  echo "azd down will fail: these locks keep evidence, keys and logs:" >&2
  echo "$locks" | sed 's/^/  /' >&2
  echo "docs/operations/tear-down.md says how to remove them, and what to save first." >&2
  exit 1
fi
if [ "${RETENTION_LOCKED:-false}" = true ]; then
  echo "azd down will not delete the account ${AUDIT_STORAGE_NAME:-of the evidence}: its retention is locked," >&2
  echo "and Azure itself refuses until the last object has expired. See docs/operations/tear-down.md." >&2
  exit 1
fi
