#!/bin/sh
# Lock the retention policies of the audit and the archive container. THERE IS NO WAY BACK.
#
# Unlocked, a policy protects against everybody who cannot change policies. Locked, it protects against everybody:
# nobody, the subscription's owner and Microsoft's support included, can shorten it or delete what it holds before
# its time. It can be made longer, five times in all. The account, and with it the resource group, cannot be deleted
# (`azd down` fails) until the last object has expired, and storage is paid for until then.
#
#   infra/scripts/lock-retention.sh            shows what would be locked
#   infra/scripts/lock-retention.sh --lock     asks for the account's name, then locks
set -eu
cd "$(dirname "$0")/../.."

value() { azd env get-value "$1"; }
group=$(value AZURE_RESOURCE_GROUP)
account=$(value AUDIT_STORAGE_NAME)
containers="$(value AUDIT_CONTAINER) $(value ARCHIVE_CONTAINER)"

show() {
  az storage container immutability-policy show --resource-group "$group" --account-name "$account" \
    --container-name "$1" --query "$2" --output tsv
}

echo "Account $account in $group:"
for container in $containers; do
  days=$(show "$container" immutabilityPeriodSinceCreationInDays)
  appends=$(show "$container" allowProtectedAppendWrites)
  echo "  $container: $days days, protected appends $appends, $(show "$container" state)"
  if [ "$container" = "$(value AUDIT_CONTAINER)" ] && [ "$appends" != true ]; then
    echo "Not locked: without protected appends the service could never write again." >&2
    exit 1
  fi
done
if [ "${1:-}" != --lock ]; then
  echo "Nothing was changed. Run with --lock to lock; read docs/operations/locking-retention.md first."
  exit 0
fi

echo
echo "LOCKING CANNOT BE UNDONE BY ANYBODY. What is stored stays, and is paid for, for the days shown above."
printf "Type the name of the account to lock both policies: "
read -r typed
if [ "$typed" != "$account" ]; then
  echo "Not locked: that is not the account's name." >&2
  exit 1
fi
for container in $containers; do
  if [ "$(show "$container" state)" = Locked ]; then
    continue
  fi
  # The ETag is the policy that was shown: if somebody changed it since, the lock is refused.
  az storage container immutability-policy lock --resource-group "$group" --account-name "$account" \
    --container-name "$container" --if-match "$(show "$container" etag)" --output none
  echo "$container: $(show "$container" state)"
done
# From now on templates leave the policies out: a locked policy refuses every one of them.
azd env set RETENTION_LOCKED true
