#!/bin/sh
# Write infra/main.snapshot.json anew: what the deployment predicts with no variable of azd set.
set -eu
cd "$(dirname "$0")/../.."

for bicep in "$(command -v bicep || true)" "$HOME/.azure/bin/bicep" ../shared/tools/bicep; do
  if [ -n "$bicep" ] && [ -x "$bicep" ]; then
    exec env -i PATH="$PATH" HOME="$HOME" "$bicep" snapshot infra/main.bicepparam --mode "${1:-overwrite}" \
      --subscription-id 11111111-1111-1111-1111-111111111111 \
      --tenant-id 22222222-2222-2222-2222-222222222222 --location westeurope
  fi
done
echo "no Bicep compiler: az bicep install" >&2
exit 2
