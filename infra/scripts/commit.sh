#!/bin/sh
# Print what Git knows of the commit that is deployed, a line each; without Git or a repository: unknown.
#
# A tree with changes is no commit: its name gets "-changed", and nobody's name or signature stands for it.
set -eu
cd "$(dirname "$0")/../.."

commit=$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
author=
signed=unknown
if [ "$commit" != unknown ] && ! git diff --quiet HEAD -- 2>/dev/null; then
  commit="$commit-changed"
elif [ "$commit" != unknown ]; then
  author=$(git log -1 --format=%ae 2>/dev/null || true)
  case $(git log -1 --format=%G? 2>/dev/null || true) in
    G) signed=good ;;
    B | R) signed=bad ;;
    N) signed=unsigned ;;
  esac
fi
echo "SERVICE_COMMIT=$commit"
echo "SERVICE_COMMIT_AUTHOR=$author"
echo "SERVICE_COMMIT_SIGNED=$signed"
