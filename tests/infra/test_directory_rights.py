"""What the access review may read in Microsoft Graph: a short list, reading alone, for the timers alone."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from devstack.graph.tokens import PERMISSIONS
from shared.cloud.graph import gaps as graph_gaps
from tests.support.bicep import INFRA, ROOT

LISTED: list[dict[str, str]] = json.loads((INFRA / "graph-permissions.json").read_text("utf-8"))
OPTIONS = {"always": "", "signIns": "REVIEW_SIGN_INS", "hiddenMembers": "REVIEW_HIDDEN_MEMBERS"}
KEEPER = "77777777-7777-4777-8777-777777777777"
GRAPH = "88888888-8888-4888-8888-888888888888"

FAKE_AZ = """#!{python}
import json, sys
line = " ".join(sys.argv[1:])
with open({log!r}, "a") as log:
    log.write(line + "\\n")
if "cloud show" in line:
    print("https://graph.microsoft.com/")
elif "--method get" in line and "00000003-0000-0000-c000-000000000000" in line:
    print(open({graph!r}).read())
elif "--method get" in line:
    print(open({held!r}).read())
elif "--method post" not in line:
    sys.exit("ERROR: no such command")
"""


def role_id(value: str) -> str:
    """The id of a permission of the made-up Graph."""
    number = sum(value.encode())
    return f"{number:08x}-0000-4000-8000-{len(value):012x}"


def give_rights(
    folder: Path, held: list[str], *, lacks: str = "", **environment: str
) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Run the script with an Azure CLI that a file plays; the permissions that it gave."""
    names = [one["value"] for one in LISTED if one["value"] != lacks] + ["Directory.ReadWrite.All"]
    roles = [{"id": role_id(name), "value": name, "allowedMemberTypes": ["Application"]} for name in names]
    # Delegated permissions share names with application permissions.
    roles += [{"id": GRAPH, "value": "User.Read.All", "allowedMemberTypes": ["User"]}]
    files = {"graph": {"id": GRAPH, "appRoles": roles}}
    files["held"] = {"value": [{"appRoleId": role_id(name), "resourceId": GRAPH} for name in held]}
    for name, value in files.items():
        (folder / f"{name}.json").write_text(json.dumps(value))
    log, az = folder / "log", folder / "bin" / "az"
    log.write_text("")
    az.parent.mkdir(exist_ok=True)
    paths = {name: str(folder / f"{name}.json") for name in files}
    az.write_text(FAKE_AZ.format(python=sys.executable, log=str(log), **paths))
    az.chmod(az.stat().st_mode | stat.S_IXUSR)
    path = f"{az.parent}:{os.environ['PATH']}"
    done = subprocess.run(
        [str(INFRA / "scripts" / "directory.sh")],
        env={"PATH": path, "HOME": str(folder), "KEEPER_PRINCIPAL_ID": KEEPER, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    posted = [line for line in log.read_text().splitlines() if "--method post" in line]
    given = []
    for line in posted:
        body: dict[str, Any] = json.loads(line[line.index("{") : line.index("}") + 1])
        assert body["principalId"] == KEEPER and body["resourceId"] == GRAPH
        assert f"/servicePrincipals/{KEEPER}/appRoleAssignments" in line
        given.append(next(name for name in names if role_id(name) == body["appRoleId"]))
    return done, given


ALWAYS = [one["value"] for one in LISTED if one["option"] == "always"]


def test_every_permission_only_reads() -> None:
    """No write, no wildcard over the directory, and each says what is lost without it."""
    for one in LISTED:
        assert re.fullmatch(r"[A-Za-z]+\.Read\.(All|Hidden)", one["value"])
        assert not one["value"].startswith("Directory.")
        assert one["reads"] and one["without"] and one["option"] in OPTIONS
    assert len(ALWAYS) == 3


def test_the_list_is_what_the_code_needs() -> None:
    """Each permission that a gap names is in the list, and no other."""
    named = {
        graph_gaps.APPLICATIONS,
        graph_gaps.USERS,
        graph_gaps.MEMBERS,
        graph_gaps.HIDDEN_MEMBERS,
        graph_gaps.SIGN_INS,
    }
    assert {one["value"] for one in LISTED} == named
    assert set(PERMISSIONS) <= named


def test_the_pages_list_the_same() -> None:
    """docs/operations/graph.md and rights.md."""
    rows = [f"| `{one['value']}` | {one['reads']} | {one['without']} |" for one in LISTED]
    page = (ROOT / "docs" / "operations" / "graph.md").read_text("utf-8")
    assert [line for line in page.splitlines() if line.startswith("| `") and ".Read." in line] == rows
    rights = (ROOT / "docs" / "operations" / "rights.md").read_text("utf-8")
    assert all(f"`{one['value']}`" in rights for one in LISTED)


def test_the_least_is_given_where_nothing_else_is_asked_for(tmp_path: Path) -> None:
    """Sign-ins and hidden members are choices."""
    done, given = give_rights(tmp_path, [])
    assert done.returncode == 0, done.stderr
    assert given == ALWAYS


@pytest.mark.parametrize(
    "one", [one for one in LISTED if one["option"] != "always"], ids=lambda one: one["option"]
)
def test_each_choice_gives_one_more(one: dict[str, str], tmp_path: Path) -> None:
    """By its own variable."""
    done, given = give_rights(tmp_path, [], **{OPTIONS[one["option"]]: "true"})
    assert done.returncode == 0 and given == [*ALWAYS, one["value"]]
    assert OPTIONS[one["option"]] in (INFRA / "scripts" / "review.sh").read_text("utf-8")


def test_what_is_held_is_not_given_again(tmp_path: Path) -> None:
    """The script can be run again and again."""
    done, given = give_rights(tmp_path, ALWAYS)
    assert (done.returncode, given) == (0, [])


def test_a_right_that_is_not_used_is_named(tmp_path: Path) -> None:
    """Somebody gave more by hand."""
    done, given = give_rights(tmp_path, [*ALWAYS, "Directory.ReadWrite.All"])
    assert (done.returncode, given) == (0, [])
    assert "Directory.ReadWrite.All" in done.stderr and "take it away" in done.stderr


def test_a_cloud_without_a_permission_is_told_so(tmp_path: Path) -> None:
    """And nothing is given by halves."""
    done, given = give_rights(tmp_path, [], lacks="User.Read.All")
    assert done.returncode != 0 and given == []
    assert "User.Read.All" in done.stderr


def test_the_doors_never_get_them() -> None:
    """Who parses callers' input cannot read the directory: every way names the timers' identity alone."""
    for name in ("directory.bicep", "scripts/directory.sh", "scripts/review.sh"):
        text = (INFRA / name).read_text("utf-8")
        assert "SERVICE_PRINCIPAL_ID" not in text and "servicePrincipalId" not in text
        assert "keeperPrincipalId" in text or "KEEPER_PRINCIPAL_ID" in text
    main = (INFRA / "main.bicep").read_text("utf-8")
    assert "output KEEPER_PRINCIPAL_ID string = identities.outputs.keeperPrincipalId" in main


def test_it_is_a_decision_and_not_a_default() -> None:
    """A right on the whole tenant is given where somebody asked for it."""
    script = (INFRA / "scripts" / "postprovision.sh").read_text("utf-8")
    assert 'if [ "${REVIEW_DIRECTORY:-}" = true ]' in script
