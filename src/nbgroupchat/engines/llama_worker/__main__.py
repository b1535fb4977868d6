"""The worker's two threads: one takes requests from standard input, the other answers them.

It is gone as soon as its standard input closes, whatever it is doing.
"""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from typing import BinaryIO

from nbgroupchat.engines.llama_messages import Failed, Hashed, Load, Loading, Ready, Report, decode_request, encode
from nbgroupchat.engines.llama_model import ModelError
from nbgroupchat.engines.llama_rest import Rest
from nbgroupchat.engines.llama_turns import Turns
from nbgroupchat.engines.llama_worker.model import LlamaModel


def main() -> None:
    """Load what the first request says, then answer the others until the input closes."""
    # Ctrl+C in the server's terminal reaches this process too; it ends when its pipe does.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Whatever prints must not end up between the messages.
    output = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)

    writing = threading.Lock()

    def report(message: Report) -> None:
        with writing:
            output.write(encode(message))

    first = sys.stdin.buffer.readline()
    if not first:
        return
    load = decode_request(first)
    if not isinstance(load, Load):
        raise TypeError(f"The first request is {load!r}, and must be Load.")
    if hasattr(os, "nice"):
        os.nice(load.nice)
    turns: deque[Turns] = deque(maxlen=1)
    threading.Thread(target=_take_requests, args=(sys.stdin.buffer, turns), daemon=True).start()
    try:
        model = LlamaModel(load.path, load.context_tokens, load.threads, _in_steps(report), load.sequences)
        cache = model.cache_bytes()
    except ModelError as error:
        report(Failed(str(error)))
        # A plain end would wait for the thread that reads the input.
        os._exit(1)
    rest = Rest(load.read_ahead_share, time.monotonic)
    turns.append(Turns(model, model.composer(), report, load.parked_bytes, rest))
    report(Ready(model.name, load.path, model.context_tokens, model.sequences, model.weights, cache))
    threading.Thread(target=_hash, args=(load.path, report), daemon=True).start()
    turns[0].run()


def _in_steps(report: Callable[[Report], None]) -> Callable[[float], None]:
    shown = [0]

    def progress(share: float) -> None:
        if int(share * 20) > shown[0]:
            shown[0] = int(share * 20)
            report(Loading(shown[0] / 20))

    return progress


def _hash(path: str, report: Callable[[Report], None]) -> None:
    try:
        with open(path, "rb") as file:
            report(Hashed(hashlib.file_digest(file, "sha256").hexdigest()))
    except OSError as error:
        print(f"The model file {path} cannot be read for its hash ({error}).", file=sys.stderr)


def _take_requests(source: BinaryIO, turns: deque[Turns]) -> None:
    """Hand requests over until the input closes; then end the process, also inside a long call of llama.cpp."""
    try:
        for line in source:
            request = decode_request(line)
            if not isinstance(request, Load):
                turns[0].put(request)
    except Exception:
        traceback.print_exc()
    finally:
        os._exit(0)


if __name__ == "__main__":
    main()
