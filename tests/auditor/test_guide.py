"""docs/auditing.md from its words alone: every command of it runs, in order, on a downloaded folder."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from tests.support.auditing import Run
from tests.support.ledgers import SERVICE, SmallLedger

PAGE = (Path(__file__).parents[2] / "docs" / "auditing.md").read_text(encoding="utf-8")


def test_every_command_of_the_guide_runs(run: Run, copy: Path, tmp_path: Path, ledger: SmallLedger) -> None:
    """Exit status 0 each, the verdict as the page shows it."""
    copy.rename(tmp_path / "ledger")
    (tmp_path / "key.txt").write_text(f"# the service's verifier key\n{SERVICE.vkey}\n")
    blocks = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    commands = [line for block in blocks for line in block.splitlines()]
    assert len(commands) >= 15
    said = []
    for command in commands:
        program, *arguments = shlex.split(command.removeprefix("python -m "))
        assert program == "auditor", command
        ran = run(*arguments)
        assert ran.code == 0, (command, ran)
        said.append(ran.text)
    assert said[0].startswith("INTACT: 13 records of 3 writers, complete and unmodified, sealed up to ")
    assert "INTACT: 13 records of 3 writers, complete and unmodified, sealed up to …" in PAGE
    assert (tmp_path / "calls.csv").read_text().startswith("Principal,RecordTime,calls")
