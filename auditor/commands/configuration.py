"""`config-history`: how the rules came to be what they are, and what reached production without a commit."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from auditor.commands.options import ArchiveOption, EvidenceOption, JsonOption, KeyOption
from auditor.committed import CommittedConfigurations
from auditor.confighistory import GRAVE, Flag, Gathered, Step, make_history
from auditor.errors import AuditorError
from auditor.locating import Evidence, locate_evidence, read_digest_key
from auditor.output import print_json, print_text, progress_bar
from auditor.repositories import Repository, SourceCommit
from shared.configuration.commits import author_text
from shared.ledger.question import Question
from shared.ledger.reports import Report
from shared.ledger.verifier import verify_ledger
from shared.records.digests import DigestKey

CHANGED = "-changed"
"""Behind a commit's id: the tree that was deployed had changes."""

_SIGNATURES = {"bad": Flag.BAD_SIGNATURE, "unsigned": Flag.UNSIGNED, "unknown": Flag.SIGNATURE_UNKNOWN}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("config-history")(config_history)


def config_history(
    evidence: EvidenceOption = None,
    key: KeyOption = None,
    archive: ArchiveOption = None,
    git: Annotated[
        Path | None,
        typer.Option("--git", metavar="FOLDER", help="A clone of the repository that is deployed from."),
    ] = None,
    config: Annotated[
        str, typer.Option("--config", metavar="FOLDER", help="Where the files lie in the repository.")
    ] = "config",
    digest_key: Annotated[
        Path | None,
        typer.Option("--digest-key", metavar="FILE", help="The digest key, base64. Or DIGEST_KEY."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List each change of policy, recognizers, models and packages, and which commit it came with.

    The ledger is verified while it is read. With --git, the configuration of each change is looked for among
    the commits. Exit status: 0 nothing odd, 1 a finding (in the ledger, or a change with a grave flag),
    2 something could not be checked, 3 the command failed.
    """
    found = locate_evidence(evidence, archive, key or ())
    repository = Repository(git) if git else None
    gathered = Gathered()
    report = _verify(found, gathered, is_quiet=as_json)
    readers = [found.source, *([found.archive] if found.archive else [])]
    steps = make_history(gathered, readers)
    secret = _digest_key(digest_key)
    committed: CommittedConfigurations | None = None
    commits: dict[int, SourceCommit] = {}
    if repository is not None:
        committed = CommittedConfigurations(repository, config.strip("/"), secret)
        commits = {id(step): commit for step in steps if (commit := _join(step, committed, secret))}
    else:
        for step in steps:
            _judge_recorded(step)
    document = _document(report, steps, commits, committed)
    if as_json:
        print_json(document)
    else:
        _print(document)
    raise typer.Exit(_exit_code(report, steps))


def _verify(found: Evidence, gathered: Gathered, *, is_quiet: bool) -> Report:
    with progress_bar(f"verifying {found.label}", is_quiet=is_quiet) as progress:
        return verify_ledger(
            Question(
                source=found.source,
                keys=found.keys,
                now=datetime.now(UTC),
                archive=found.archive,
                progress=progress,
                observe=gathered.observe,
            )
        )


def _digest_key(file: Path | None) -> DigestKey | None:
    """The key where one is at hand; without it less can be said, and that is said."""
    try:
        return read_digest_key(file)
    except AuditorError:
        if file is not None:
            raise
        return None


def _join(step: Step, committed: CommittedConfigurations, key: DigestKey | None) -> SourceCommit | None:
    """The commit that holds what a step brought, with what is odd about it."""
    named = str(step.commit.get("id", ""))
    if named.endswith(CHANGED):
        step.flags.add(Flag.UNCOMMITTED)
        named = named.removesuffix(CHANGED)
    deployed = committed.repository.find(named) if named and named != "unknown" else None
    if named and named != "unknown" and deployed is None:
        step.flags.add(Flag.COMMIT_UNKNOWN)
    if step.snapshot is None:
        return None
    equal = committed.find_equal(step.snapshot.content, deployed)
    if equal is None:
        step.flags.add(Flag.NO_COMMIT)
        return None
    if deployed is not None and equal.id != deployed.id:
        step.flags.add(Flag.OTHER_COMMIT)
    if equal.signed in _SIGNATURES:
        step.flags.add(_SIGNATURES[equal.signed])
    if deployed is not None and not _is_author(step, deployed, key):
        step.flags.add(Flag.AUTHOR_DIFFERS)
    return equal


def _is_author(step: Step, commit: SourceCommit, key: DigestKey | None) -> bool:
    """False where the recorded digest is another address' under the key at hand."""
    author = step.commit.get("author")
    if not isinstance(author, dict) or key is None or author.get("key_id") != key.key_id:
        return True
    return key.digest(author_text(commit.address)) in author.get("values", ())


def _judge_recorded(step: Step) -> None:
    """Without a repository: what the service itself recorded of its commit."""
    if str(step.commit.get("id", "")).endswith(CHANGED):
        step.flags.add(Flag.UNCOMMITTED)
    if step.state == "in_force" and step.commit.get("signed") in _SIGNATURES:
        step.flags.add(_SIGNATURES[str(step.commit["signed"])])


def _exit_code(report: Report, steps: list[Step]) -> int:
    if report.exit_code == 1 or any(step.flags & GRAVE for step in steps):
        return 1
    return report.exit_code


def _document(
    report: Report,
    steps: list[Step],
    commits: dict[int, SourceCommit],
    committed: CommittedConfigurations | None,
) -> dict[str, Any]:
    return {
        "ledger": {
            "verdict": report.verdict,
            "records": report.records,
            "findings": len(report.findings),
        },
        "repository": None
        if committed is None
        else {
            "folder": committed.folder,
            "unreadable_commits": committed.unreadable,
            "words": "compared" if committed.key else "counted",
        },
        "changes": [_describe(step, commits.get(id(step))) for step in steps],
    }


def _describe(step: Step, commit: SourceCommit | None) -> dict[str, Any]:
    return {
        "time": step.time,
        "state": step.state,
        "configuration": step.configuration,
        "previous": step.previous,
        "version": step.version,
        "deployed": step.commit.get("id"),
        "changes": step.changes,
        "more_changes": step.more_changes,
        "commit": None
        if commit is None
        else {
            "id": commit.id,
            "time": commit.time,
            "author": commit.author,
            "address": commit.address,
            "signed": commit.signed,
            "subject": commit.subject,
        },
        "flags": sorted(flag.value for flag in step.flags),
        "records": step.records,
    }


def _print(document: dict[str, Any]) -> None:
    ledger, repository = document["ledger"], document["repository"]
    print_text(ledger["verdict"])
    for step in document["changes"]:
        print_text("\n" + "\n".join(_lines(step)))
    print_text("")
    flagged = sum(bool(set(step["flags"]) & {flag.value for flag in GRAVE}) for step in document["changes"])
    print_text(f"{len(document['changes'])} changes, {flagged} of them with a finding.")
    if repository and repository["words"] == "counted":
        print_text("Words of deny lists and the like were compared by number alone: no digest key was given.")
    if repository and repository["unreadable_commits"]:
        print_text(f"{repository['unreadable_commits']} commits hold files that this version cannot read.")


def _lines(step: dict[str, Any]) -> list[str]:
    """A change as people read it: when and with which commit, what is odd, and each old and new value."""
    commit = step["commit"] or {}
    source = str(commit.get("id") or step["deployed"] or "no commit")[:12]
    words = [step["time"][:19], step["state"], source]
    words += [commit[name] for name in ("author", "signed", "subject") if name in commit]
    lines = ["  ".join(words)]
    if step["flags"]:
        lines.append(f"    ! {', '.join(step['flags'])}")
    if not step["changes"]:
        lines.append(
            f"    {(step['previous'] or 'nothing')[:12]} -> {(step['configuration'] or 'unnamed')[:12]}"
        )
    for change in step["changes"]:
        values = f"{change.get('old', 'none')} -> {change.get('new', 'none')}"
        lines.append(f"    {change['part']}  {change['path']}  {values}")
    if step["more_changes"]:
        lines.append(f"    and {step['more_changes']} more")
    return lines
