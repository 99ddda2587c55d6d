#!/bin/sh
# After `azd deploy`: does it answer, does it refuse, does it record?
set -eu
cd "$(dirname "$0")/../.."
exec python3 infra/scripts/smoke.py
