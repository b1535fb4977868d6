"""What llama.cpp complains about: errors go to standard error, and the last ones into messages; the rest nowhere."""

from __future__ import annotations

import ctypes
import sys
from collections import deque

import llama_cpp

# Of `enum ggml_log_level` in ggml.h; llama-cpp-python's own table of levels is an older one.
_LOG_ERROR = 4

_complaints: deque[str] = deque(maxlen=4)


def listen() -> None:
    """Hear llama.cpp's complaints from now on."""
    llama_cpp.llama_log_set(_on_log, ctypes.c_void_p(0))


def why() -> str:
    """The last complaints, for a message."""
    return "; ".join(_complaints) or "no reason given"


@llama_cpp.llama_log_callback  # type: ignore[untyped-decorator]  # a ctypes function type
def _on_log(level: int, text: bytes, _user_data: object) -> None:
    if level == _LOG_ERROR and (line := text.decode("utf-8", "replace").strip()):
        _complaints.append(line)
        print("llama.cpp:", line, file=sys.stderr, flush=True)
