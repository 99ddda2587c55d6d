"""A service that is deployed from a Git repository; its history, joined with the ledger by the command."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from shared.configuration.commits import commit_part
from shared.configuration.snapshots import Meaning, Snapshot, make_snapshot
from shared.identity.policy import parse_policy
from shared.identity.policy_meaning import policy_meaning
from shared.pii.files import EngineFiles
from shared.pii.fingerprint import engine_facts
from shared.usecases.upkeep.sealing import Sealer
from tests.support.auditing import Ran, Run, write_objects
from tests.support.committers import LOG, SERVICE_KEY, ManualClock
from tests.support.configurations import KEY
from tests.support.source_repositories import SourceRepository, make_repository
from tests.support.starts import Deployment
from tests.support.worm import WormStore

SCORE = "recognizers.EmployeeNumberRecognizer.patterns.employee number.score"
ANN = "ann@example.com"


class History:
    """A repository, and a service that is deployed from it (or from somewhere else)."""

    def __init__(self, folder: Path, run: Run) -> None:
        self.folder = folder
        self.run = run
        self.source: SourceRepository = make_repository(folder / "source")
        self.store = WormStore()
        self.deployment = Deployment(self.store)
        self.deployment.clock = ManualClock(datetime.now(UTC) - timedelta(days=1))
        (folder / "digest.key").write_bytes(base64.b64encode(KEY.secret))

    def snapshot(self) -> Snapshot:
        """What a service would read from the working tree."""
        config = self.source.path / "config"
        facts = engine_facts(
            EngineFiles(config / "analyzer.yaml", config / "nlp.yaml", config / "recognizers.yaml")
        )
        policy = policy_meaning(parse_policy((config / "policy.yaml").read_text("utf-8"), "policy.yaml"))
        meaning = facts.meaning
        return make_snapshot(
            Meaning(
                policy,
                meaning.analyzer,
                meaning.nlp,
                meaning.recognizers,
                meaning.files,
                facts.packages,
                facts.models,
            ),
            KEY,
        )

    def start(self, commit: str | None = None, **options: Any) -> list[dict[str, Any]]:
        """Start the service with the working tree's files, and say that it is that commit (HEAD)."""
        named = commit or self.source.git("rev-parse", "HEAD")
        part = commit_part(named, ANN, "unsigned", KEY)
        return self.deployment.start(self.snapshot(), commit=part, **options)

    def ask(self, *arguments: str, with_git: bool = True, with_key: bool = True) -> Ran:
        """Seal, copy, and run the command on the copy."""
        Sealer(self.store, LOG, [SERVICE_KEY], lambda: datetime.now(UTC)).run()
        copy = write_objects(self.folder / f"copy-{len(list(self.folder.iterdir()))}", self.store.objects)
        git = ("--git", str(self.source.path)) if with_git else ()
        key = ("--digest-key", str(self.folder / "digest.key")) if with_key else ()
        return self.run("config-history", "--in", copy, "--key", SERVICE_KEY.vkey, *git, *key, *arguments)

    def changes(self, code: int = 0, **options: bool) -> list[dict[str, Any]]:
        """The changes of the JSON answer."""
        ran = self.ask("--json", **options)
        assert ran.code == code, ran
        return list(ran.json["changes"])
