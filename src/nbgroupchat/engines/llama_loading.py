"""From settings to a worker that is ready, or to a message that says why there is none. Knows nothing of turns."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from importlib.util import find_spec

from nbgroupchat.engines.base import EngineError
from nbgroupchat.engines.llama_messages import Failed, Load, Loading, Ready
from nbgroupchat.engines.llama_process import WorkerProcess
from nbgroupchat.engines.model_file import INSTALL, find_model
from nbgroupchat.settings import Settings

_log = logging.getLogger(__name__)

_MIB = 1024 * 1024


async def start_worker(settings: Settings, on_end: Callable[[WorkerProcess], None]) -> WorkerProcess:
    """Start a worker and have it load the model. Raises EngineError."""
    if find_spec("llama_cpp") is None:
        raise EngineError(f"llama-cpp-python is not installed. Run {INSTALL}.")
    path = find_model(settings.model_path)
    try:
        worker = await WorkerProcess.spawn(on_end)
    except (OSError, NotImplementedError) as error:
        raise EngineError(
            f"The model's worker process cannot be started ({error!r}). Look into the server's log."
        ) from None
    sequences = settings.turns_at_once
    worker.send(Load(str(path), settings.context_tokens, settings.threads, sequences, settings.parked_bytes))
    return worker


async def until_ready(worker: WorkerProcess, settings: Settings, show: Callable[[float], None]) -> Ready:
    """Wait until a worker has loaded its model, telling how far it is. Raises EngineError."""
    try:
        async with asyncio.timeout(settings.load_timeout):
            while True:
                match await worker.next_report():
                    case Loading(progress=progress):
                        show(progress)
                    case Ready() as ready:
                        _log_memory(ready, settings)
                        return ready
                    case Failed(message=message):
                        raise EngineError(message)
                    case _:
                        raise EngineError(
                            f"The model's worker {worker.how_it_ended()} while loading the model. The file may be "
                            "broken or the memory too small."
                        )
    except TimeoutError:
        raise EngineError(
            f"The model was not loaded after {settings.load_timeout:g} s. Set c.NbGroupChat.load_timeout higher or "
            "c.NbGroupChat.model_path to a smaller model."
        ) from None


def _log_memory(ready: Ready, settings: Settings) -> None:
    _log.info(
        "The model %s is loaded: %d sequences of %d tokens, %d MiB of weights, %d MiB of cache, and at most %d MiB for "
        "parked rooms.",
        ready.model,
        ready.sequences,
        ready.context_tokens,
        ready.weights // _MIB,
        ready.cache // _MIB,
        settings.parked_bytes // _MIB,
    )
