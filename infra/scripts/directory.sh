#!/bin/sh
# Let the timers' identity read in Microsoft Graph what an access review needs: infra/graph-permissions.json.
# For somebody who may give application permissions (Privileged Role Administrator). Can be run again and again.
#   REVIEW_SIGN_INS=true        also when people signed in last (needs Entra ID P1)
#   REVIEW_HIDDEN_MEMBERS=true  also the members of groups that hide them
# The identity comes from KEEPER_PRINCIPAL_ID, or from azd's environment.
set -eu
cd "$(dirname "$0")/../.."

keeper="${KEEPER_PRINCIPAL_ID:-$(azd env get-value KEEPER_PRINCIPAL_ID)}"
graph=$(az cloud show --query endpoints.microsoftGraphResourceId --output tsv)
graph="${graph%/}/v1.0"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

az rest --method get --url "$graph/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')?\$select=id,appRoles" \
  --output json > "$work/graph.json"
az rest --method get --url "$graph/servicePrincipals/$keeper/appRoleAssignments" --output json > "$work/held.json"

python3 - "$work" "$keeper" "${REVIEW_SIGN_INS:-false}" "${REVIEW_HIDDEN_MEMBERS:-false}" > "$work/missing" <<'PYTHON'
import json, sys

work, keeper, sign_ins, hidden = sys.argv[1:]
graph, held = (json.load(open(f"{work}/{name}.json", encoding="utf-8")) for name in ("graph", "held"))
options = {"always"} | ({"signIns"} if sign_ins == "true" else set()) | ({"hiddenMembers"} if hidden == "true" else set())
with open("infra/graph-permissions.json", encoding="utf-8") as file:
    listed = json.load(file)
roles = {role["id"]: role["value"] for role in graph["appRoles"] if "Application" in role["allowedMemberTypes"]}
ids = {value: id_ for id_, value in roles.items()}
has = {one["appRoleId"] for one in held["value"] if one["resourceId"] == graph["id"]}
for permission in listed:
    id_ = ids.get(permission["value"])
    if permission["option"] in options and id_ is None:
        sys.exit(f"This cloud's Microsoft Graph has no permission {permission['value']}.")
    if permission["option"] in options and id_ not in has:
        print(json.dumps({"principalId": keeper, "resourceId": graph["id"], "appRoleId": id_}))
for id_ in sorted(has - {ids.get(permission["value"]) for permission in listed}):
    print(f"The identity also holds {roles.get(id_, id_)}, which the service does not use: take it away.", file=sys.stderr)
PYTHON

while read -r body; do
  az rest --method post --url "$graph/servicePrincipals/$keeper/appRoleAssignments" \
    --headers 'Content-Type=application/json' --body "$body" --output none
done < "$work/missing"
echo "The access review may read the directory; it takes up to an hour until tokens say so."
