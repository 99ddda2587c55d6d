#!/bin/sh
# Before `azd provision`: say what is missing, register the API in Entra, note the commit.
set -eu
cd "$(dirname "$0")/../.."

infra/scripts/commit.sh | while IFS='=' read -r name value; do
  azd env set "$name" "$value" </dev/null
done

python3 infra/scripts/preflight.py

if [ -z "${ENTRA_CLIENT_ID:-}" ]; then
  infra/scripts/register.sh
fi
