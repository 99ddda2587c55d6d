"""`config-history`: each change once, joined with Git, and what is odd about it named."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from shared.configuration.snapshots import Snapshot
from shared.ledger.sideobjects import snapshot_path_of
from shared.records.canonical import format_time
from shared.records.governance import CommitPart
from shared.usecases.configuration import Running
from shared.usecases.configuration_watch import ConfigurationWatch
from tests.support.auditing import Run
from tests.support.config_histories import SCORE, History
from tests.support.configurations import OTHER_KEY
from tests.support.records import ENGINE, POLICY, SERVICE


@pytest.fixture
def history(tmp_path: Path, run: Run) -> History:
    """A service that was deployed once, from the first commit."""
    made = History(tmp_path, run)
    made.start()
    return made


def _flags(change: dict[str, Any]) -> list[str]:
    return list(change["flags"])


def test_a_committed_change_is_joined_with_its_commit(history: History) -> None:
    """Old and new value, commit, author, signature; an unsigned commit is a remark."""
    history.source.edit("score: 0.6", "score: 0.85")
    commit = history.source.commit("Trust employee numbers")
    history.start()
    first, second = history.changes()
    assert _flags(first) == ["baseline", "unsigned"]
    assert second["changes"] == [
        {"part": "recognizers", "path": SCORE, "action": "changed", "old": "0.6", "new": "0.85"}
    ]
    assert (second["commit"]["id"], second["commit"]["author"]) == (commit, "Ann Example")
    assert _flags(second) == ["unsigned"]


def test_comments_and_order_are_no_change(history: History) -> None:
    """Neither in the ledger nor against Git."""
    history.source.edit("recognizers:\n", "recognizers:   # all of them\n")
    history.source.commit("Explain")
    history.start()
    assert len(history.changes()) == 1


def test_a_configuration_without_commit_is_named(history: History) -> None:
    """Somebody edited a file on the way to production: no commit holds it."""
    history.source.edit("score: 0.6", "score: 0.01")
    history.start()
    change = history.changes(code=1)[-1]
    assert change["commit"] is None
    assert "no-commit" in _flags(change)
    history.source.commit("Only now")
    late = history.changes(code=1)[-1]
    assert _flags(late) == ["other-commit", "unsigned"]


def test_a_deployment_of_uncommitted_changes_is_named(history: History) -> None:
    """The deployment itself said so."""
    head = history.source.git("rev-parse", "--short=12", "HEAD")
    history.source.edit("score: 0.6", "score: 0.01")
    history.start(f"{head}-changed")
    assert {"no-commit", "uncommitted"} <= set(_flags(history.changes(code=1)[-1]))
    assert "uncommitted" in _flags(history.changes(code=1, with_git=False)[-1])


def test_a_commit_that_the_repository_lacks_is_named(history: History) -> None:
    """Deployed from another clone, or an invented name; options of Git are not one."""
    history.source.edit("score: 0.6", "score: 0.7")
    history.source.commit("More")
    history.start("f" * 40)
    assert "commit-unknown" in _flags(history.changes(code=1)[-1])
    history.source.edit("score: 0.7", "score: 0.8")
    history.source.commit("Yet more")
    history.start("--help")
    assert "commit-unknown" in _flags(history.changes(code=1)[-1])


def test_another_author_than_recorded_is_named(history: History) -> None:
    """Someone rewrote the commit, or said another name at the deployment."""
    history.source.edit("score: 0.6", "score: 0.7")
    history.source.commit("More", author="Mallory <mallory@example.com>")
    history.start()
    assert "author-differs" in _flags(history.changes(code=1)[-1])
    assert "author-differs" not in _flags(history.changes(with_key=False)[-1])


def test_words_need_the_key(history: History) -> None:
    """With it, another word in a list is another configuration; without, only their number is compared."""
    history.source.edit("context: [staff]", "context: [oblomova]")
    history.start()
    assert "no-commit" in _flags(history.changes(code=1)[-1])
    ran = history.ask(with_key=False)
    assert ran.code == 0
    assert "compared by number alone" in ran.text
    assert "oblomova" not in ran.text


def test_another_digest_key_still_compares_numbers(history: History, tmp_path: Path) -> None:
    """The key was renewed since: a snapshot of the old one cannot be compared word by word."""
    (tmp_path / "digest.key").write_bytes(base64.b64encode(OTHER_KEY.secret))
    assert _flags(history.changes()[-1]) == ["baseline", "unsigned"]


def test_an_edit_on_the_machine_is_named(history: History) -> None:
    """It is not in force, it is a finding, and its end is told."""
    running = history.snapshot()
    history.source.edit("score: 0.6", "score: 0.01")
    edited = history.snapshot()
    committer = history.deployment.committer(running)
    committer.open()

    class Disk:
        content = edited

        def stamp(self) -> float:
            return 0.0

        def read(self) -> Snapshot:
            return self.content

    def commit(record: Any) -> None:
        import asyncio

        asyncio.run(_commit(committer, record))

    service = SERVICE.model_copy(update={"writer": history.deployment.records()[-1][0]["service"]["writer"]})
    clock, in_force = history.deployment.clock, Running(running, None, POLICY, ENGINE, service)
    watch = ConfigurationWatch(Disk(), in_force, history.store, commit, clock)
    clock.advance(hours=1)
    watch.check()
    committer.close()
    last = history.changes(code=1)[-1]
    assert (last["state"], last["previous"], last["configuration"]) == (
        "on_disk",
        running.digest,
        edited.digest,
    )
    assert {"on-disk", "no-commit"} <= set(_flags(last))


async def _commit(committer: Any, record: Any) -> None:
    await committer.commit(record)


def test_processes_that_say_the_same_are_one_change(history: History) -> None:
    """And a rollback is another one."""
    before = history.snapshot()
    history.source.edit("score: 0.6", "score: 0.85")
    history.source.commit("Trust employee numbers")
    after = history.snapshot()
    part = CommitPart(id=history.source.git("rev-parse", "HEAD"), signed="unsigned")
    twins = [history.deployment.committer(after, commit=part, later=later) for later in (60.0, 0.0)]
    # The second looks for its predecessor before the first has written anything.
    opening = twins[1]._opening()
    twins[0].open()
    twins[1]._opening = lambda: opening
    twins[1].open()
    history.deployment.start(before)
    changes = history.changes(code=1)
    assert [len(change["records"]) for change in changes] == [1, 2, 1]
    assert changes[2]["configuration"] == before.digest
    assert "commit-unknown" in _flags(changes[2])


def test_an_older_version_in_between_is_named(history: History) -> None:
    """It says nothing of what it runs."""
    history.deployment.start(None)
    history.start()
    first, old = history.changes(code=1)
    assert _flags(first) == ["baseline", "unsigned"]
    assert _flags(old) == ["commit-unknown", "unnamed"]


def test_a_start_that_hides_its_change_is_found(history: History) -> None:
    """Its genesis names another configuration, and no record tells of it."""
    history.source.edit("score: 0.6", "score: 0.85")
    history.source.commit("Trust employee numbers")
    history.deployment.clock.advance(hours=1)
    committer = history.deployment.committer(history.snapshot())
    opening = committer._opening
    opening()  # the snapshot is stored; what it found is thrown away
    committer._opening = tuple
    committer.open()
    committer.close()
    assert "not-told" in _flags(history.changes(code=1)[-1])


def test_a_rolling_deployment_is_no_secret(history: History) -> None:
    """Old and new instances that start in any order: each either told, or saw one that ran the same."""
    before = history.snapshot()
    history.source.edit("score: 0.6", "score: 0.85")
    history.source.commit("Trust employee numbers")
    after = history.snapshot()
    for snapshot, later in (
        (after, 3_600),
        (before, 20),
        (after, 20),
        (before, 20),
        (after, 3_600),
        (after, 60),
    ):
        history.deployment.start(snapshot, later=float(later), commit=None)
    # And one that says nothing, when everything has long been replaced.
    lone = history.deployment.committer(before, later=600.0)
    lone._opening = tuple
    lone.open()
    lone.close()
    untold = [change for change in history.changes(code=1) if "not-told" in _flags(change)]
    assert [change["configuration"] for change in untold] == [before.digest]


def test_a_swapped_snapshot_is_named(history: History) -> None:
    """What the record lists is shown; the verification names the object, too."""
    before = history.snapshot()
    history.source.edit("score: 0.6", "score: 0.85")
    history.source.commit("Trust employee numbers")
    history.start()
    history.store.objects[snapshot_path_of(before.digest)] = history.snapshot().data
    ran = history.ask("--json")
    assert ran.code == 1
    last = ran.json["changes"][-1]
    assert "snapshot-missing" in _flags(last)
    assert [(change["path"], change["new"]) for change in last["changes"]] == [(SCORE, "0.85")]
    assert ran.json["ledger"]["findings"] >= 1


def test_every_change_is_listed_however_many(history: History) -> None:
    """A record lists fifty; the snapshots know all."""
    many = "".join(
        f"  - {{name: R{number}, supported_entity: E, type: custom, deny_list: [a], enabled: false}}\n"
        for number in range(120)
    )
    history.source.edit("recognizers:\n", f"recognizers:\n{many}")
    history.source.commit("Many")
    records = history.start()
    assert len(records[1]["changes"]) <= 50
    assert records[1]["more_changes"] >= 70
    change = history.changes()[-1]
    assert len(change["changes"]) == 120
    assert change["more_changes"] == 0
    assert "changes-differ" not in _flags(change)


def test_a_record_that_tells_other_changes_than_its_snapshots_is_named(history: History) -> None:
    """A process that lies about what changed."""
    history.source.edit("score: 0.6", "score: 0.85")
    history.source.commit("Trust employee numbers")
    committer = history.deployment.committer(history.snapshot())
    (record,) = committer._opening()
    assert record.type == "config"
    committer._opening = lambda: (record.model_copy(update={"changes": ()}),)
    committer.open()
    committer.close()
    assert "changes-differ" in _flags(history.changes(code=1)[-1])


def test_a_file_that_a_recognizer_refers_to_is_compared_too(history: History) -> None:
    """Changed without a commit, it is found."""
    extra = history.source.path / "config" / "extra.yaml"
    extra.write_text("min_score: 0.5\n")
    with history.source.recognizers.open("a") as file:
        file.write("    config_path: config/extra.yaml\n")
    history.source.commit("A file of its own")
    import os

    here = Path.cwd()
    os.chdir(history.source.path)
    try:
        history.start()
        assert _flags(history.changes()[-1]) == ["unsigned"]
        extra.write_text("min_score: 0.01\n")
        history.start()
    finally:
        os.chdir(here)
    last = history.changes(code=1)[-1]
    assert [(change["path"], change["old"], change["new"]) for change in last["changes"]] == [
        ('files."config/extra.yaml".min_score', "0.5", "0.01")
    ]
    assert "no-commit" in _flags(last)


def test_the_table_shows_it_to_people(history: History) -> None:
    """Values, commit, author, flags; control characters of a commit do not reach the terminal."""
    history.source.edit("score: 0.6", "score: 0.85")
    history.source.commit("More", author="Ann \x1b[31mRed <ann@example.com>")
    history.start()
    ran = history.ask()
    assert ran.code == 0
    assert "\x1b[31m" not in ran.text
    assert f"recognizers  {SCORE}  0.6 -> 0.85\n" in ran.text
    assert "! unsigned\n" in ran.text
    assert "2 changes, 0 of them with a finding." in ran.text


def test_what_is_no_repository_is_refused(history: History, tmp_path: Path) -> None:
    """With a sentence."""
    ran = history.ask("--git", str(tmp_path / "digest.key"), with_git=False)
    assert ran.code == 3
    assert "--git" in ran.error


def test_a_repositorys_settings_run_nothing(history: History, tmp_path: Path) -> None:
    """A clone from a stranger may name programs: none is started."""
    history.source.edit("score: 0.6", "score: 0.7")
    history.source.commit("More")
    mark = tmp_path / "ran"
    script = tmp_path / "evil.sh"
    script.write_text(f"#!/bin/sh\ntouch {mark}\n")
    script.chmod(0o755)
    programs = ("core.fsmonitor", "core.pager", "diff.external", "gpg.program", "gpg.openpgp.program")
    for name in programs:
        history.source.git("config", name, str(script))
    signed = history.source.git("cat-file", "commit", "HEAD").replace(
        "\n\n", "\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n junk\n -----END PGP SIGNATURE-----\n\n", 1
    )
    (tmp_path / "commit").write_text(signed + "\n")
    commit = history.source.git("hash-object", "-t", "commit", "-w", str(tmp_path / "commit"))
    history.start(commit)
    mark.unlink(missing_ok=True)  # what the test's own Git has run
    assert history.changes()[-1]["commit"]["id"] == commit
    assert not mark.exists()


def test_times_are_in_order(history: History) -> None:
    """Whatever the order of writers."""
    for old, new in (("score: 0.6", "score: 0.7"), ("score: 0.7", "score: 0.8")):
        history.source.edit(old, new)
        history.source.commit(new)
        history.start()
    times = [change["time"] for change in history.changes()]
    assert times == sorted(times)
    assert times[-1] < format_time(datetime.now(UTC))
