"""What the quick start and the runbook name exists: files, links, variables of azd, columns of choices."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.bicep import INFRA, ROOT

DOCS = ROOT / "docs"
PAGES = [DOCS / "azure-quickstart.md", DOCS / "cost-and-scale.md", DOCS / "hardening.md"]
PAGES += sorted(page for page in (DOCS / "operations").glob("*.md") if page.name != "alerts.md")
RUNBOOK = {
    "deploy",
    "upgrade",
    "rollback",
    "key-rotation",
    "region-loss",
    "legal-hold",
    "locking-retention",
    "tear-down",
    "retention",
    "rights",
}
by_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


def names_read() -> set[str]:
    """Variables of azd's environment that Bicep or a script reads, and outputs that Bicep writes there."""
    texts = [(INFRA / "main.bicepparam").read_text("utf-8"), (INFRA / "main.bicep").read_text("utf-8")]
    texts += [script.read_text("utf-8") for script in (INFRA / "scripts").iterdir() if script.is_file()]
    return set(re.findall(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b|\bEGRESS\b|\bGATEWAY\b", "\n".join(texts)))


def test_the_runbook_is_complete() -> None:
    """A page for each thing that an operator does."""
    assert {page.stem for page in (DOCS / "operations").glob("*.md")} >= RUNBOOK


@by_page
def test_links_lead_somewhere(page: Path) -> None:
    """Relative links name files that are here."""
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), target


@by_page
def test_scripts_that_are_named_exist(page: Path) -> None:
    """A command that a reader copies runs something that is here."""
    for name in re.findall(r"\b(?:infra|bench|tests|config|docs)/[\w./-]+\.\w+", page.read_text("utf-8")):
        assert (ROOT / name).exists(), name


@by_page
def test_variables_that_are_set_are_read(page: Path) -> None:
    """`azd env set NAME` has an effect."""
    names = re.findall(r"azd env set ([A-Z][A-Z_]+)", page.read_text("utf-8"))
    unknown = set(names) - names_read() - {"AZURE_LOCATION", "NAME"}
    assert unknown == set()


def test_the_table_of_choices_is_the_parameter_file() -> None:
    """Names and defaults of docs/operations/deploy.md, for both kinds of deployment."""
    page = (DOCS / "operations" / "deploy.md").read_text("utf-8")
    parameters = (INFRA / "main.bicepparam").read_text("utf-8")
    columns = {
        kind: dict(re.findall(r"(\w+): '([^']*)'", body))
        for kind, body in re.findall(r"^  (production|development): \{(.*?)^  \}", parameters, re.M | re.S)
    }
    assert set(columns) == {"production", "development"}
    checked = 0
    for names, production, development in re.findall(r"^\| (`[^|]+) \| ([^|]+) \| ([^|]+) \|", page, re.M):
        for position, name in enumerate(re.findall(r"`([A-Z_]+)`", names)):
            found = re.search(
                rf"readEnvironmentVariable\('{name}', (?:'([^']*)'|chosen\.(\w+))\)", parameters
            )
            assert found, f"main.bicepparam does not read {name}"
            for kind, cell in (("production", production), ("development", development)):
                said = cell.replace("`", "").split(", ")[position] if ", " in cell else cell.strip("` ")
                real = columns[kind][found[2]] if found[2] else found[1]
                if name not in ("LEDGER_NAME", "DEPLOYMENT_KIND", "AUDITOR_ADDRESSES"):
                    assert said.strip("` ") == real, f"{name}, {kind}"
                    checked += 1
    assert checked >= 30


def test_the_snapshot_needs_nobodys_environment() -> None:
    """Every variable of the parameter file has a default."""
    parameters = (INFRA / "main.bicepparam").read_text("utf-8")
    assert "readEnvironmentVariable(" in parameters
    assert re.findall(r"readEnvironmentVariable\('\w+'\)", parameters) == []
