#!/bin/sh
# Before `azd provision`: say what is missing, register the API in Entra, note the commit.
set -eu
cd "$(dirname "$0")/../.."

commit=$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
if [ "$commit" != unknown ] && ! git diff --quiet HEAD -- 2>/dev/null; then
  commit="$commit-changed"
fi
azd env set SERVICE_COMMIT "$commit"

python3 infra/scripts/preflight.py

if [ -z "${ENTRA_CLIENT_ID:-}" ]; then
  infra/scripts/register.sh
fi
