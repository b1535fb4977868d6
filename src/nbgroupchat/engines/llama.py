"""The engine that runs a GGUF model with llama.cpp, in a worker process it starts, watches and ends.

A crash of the model is an interrupted reply here, never one of the server. Knows nothing of llama.cpp itself: that is
`llama_worker`'s, on the other end of the pipes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from importlib.util import find_spec

from nbgroupchat.engines.base import (
    EngineError,
    EngineInterrupted,
    EngineStatus,
    Finish,
    Piece,
    Sampling,
    StatusListener,
)
from nbgroupchat.engines.llama_messages import (
    Failed,
    Finished,
    Generate,
    Listen,
    Load,
    Loading,
    Ready,
    Stop,
    Written,
)
from nbgroupchat.engines.llama_process import WorkerProcess, default_threads
from nbgroupchat.engines.model_file import INSTALL, find_model
from nbgroupchat.engines.status import StatusBoard
from nbgroupchat.prompt import Prompt
from nbgroupchat.settings import Settings


class LlamaEngine:
    """Runs the model the settings name.

    All methods are called on one event loop. One reply at a time; others wait in line.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        """With `settings.model_path` "", the small model that comes with the package."""
        self._settings = settings or Settings()
        self._board = StatusBoard()
        self._line = asyncio.Lock()
        self._turn = 0
        self._loading: asyncio.Task[None] | None = None
        self._worker: WorkerProcess | None = None
        self._hint: Listen | None = None
        self._closed = False

    @property
    def status(self) -> EngineStatus:
        """How it is now."""
        return self._board.now

    @property
    def worker_pid(self) -> int | None:
        """The id of the worker's process, None where there is none."""
        return self._worker.pid if self._worker is not None else None

    def watch(self, listener: StatusListener) -> None:
        """Call `listener` with every new status."""
        self._board.watch(listener)

    def start(self) -> None:
        """Begin to load in the background, unless it is loading or loaded."""
        if self._closed or self._worker is not None or (self._loading is not None and not self._loading.done()):
            return
        self._board.show(EngineStatus(state="loading", progress=0.0))
        self._loading = asyncio.create_task(self._load())

    def listen(self, room: str, prompt: Prompt) -> None:
        """Have the worker read the prompt ahead; while the model is loading, the last one waits for it."""
        self._hint = Listen(room, prompt.segments)
        if self._worker is not None and self.status.state == "ready":
            self._send_hint(self._worker)

    async def stream(self, room: str, prompt: Prompt, sampling: Sampling) -> AsyncGenerator[Piece | Finish, None]:
        """Write a reply, when those before it are written."""
        async with self._line:
            worker = await self._ready_worker()
            self._turn += 1
            turn, pieces, over = self._turn, 0, False
            worker.send(Generate(turn, room, prompt.segments, sampling))
            try:
                while not over:
                    part = await self._next_part(worker, turn)
                    over = isinstance(part, Finish)
                    # Counted before it is given away: who closes the iterator at a piece has seen that piece.
                    pieces += 1
                    yield part
            finally:
                if not over:
                    worker.send(Stop(turn, pieces))

    async def close(self) -> None:
        """End the worker; a reply being written is interrupted."""
        self._closed = True
        if self._worker is not None:
            await self._worker.close()
        if self._loading is not None:
            await self._loading
        self._board.show(EngineStatus(state="off"))

    async def _ready_worker(self) -> WorkerProcess:
        if self._closed:
            raise EngineError("The model was asked for a reply after it was closed. Restart the server.")
        self.start()
        if self._loading is not None:
            # Others may wait for the same load.
            await asyncio.shield(self._loading)
        if self._worker is None:
            raise EngineError(self.status.message or "The model's worker ended while loading. Ask again.")
        return self._worker

    async def _next_part(self, worker: WorkerProcess, turn: int) -> Piece | Finish:
        while True:
            try:
                report = await worker.next_report(self._settings.piece_timeout)
            except TimeoutError:
                await worker.kill()
                raise EngineInterrupted(
                    f"The model showed no sign of life for {self._settings.piece_timeout:g} s and its worker was "
                    "ended. Ask again; c.NbGroupChat.piece_timeout gives it more time."
                ) from None
            match report:
                case None:
                    raise EngineInterrupted(f"The model's worker {worker.how_it_ended()} during the reply. Ask again.")
                case Written(turn=of, text=text, ids=ids) if of == turn:
                    return Piece(text, ids)
                case Failed(turn=of, message=message) if of == turn:
                    raise EngineError(message)
                case Finished(turn=of, reason=reason) if of == turn and reason != "stopped":
                    return Finish(
                        reason, report.prompt, report.evaluated, report.cached, report.written, report.dropped
                    )
                case _:
                    continue  # A sign of life, or the rest of a turn that was stopped.

    async def _load(self) -> None:
        try:
            if find_spec("llama_cpp") is None:
                raise EngineError(f"llama-cpp-python is not installed. Run {INSTALL}.")
            path = find_model(self._settings.model_path)
            threads = self._settings.threads or default_threads()
            self._worker = await WorkerProcess.spawn(self._on_end)
            self._worker.send(Load(str(path), self._settings.context_tokens, threads))
            ready = await self._until_ready(self._worker)
        except EngineError as error:
            await self._fail(str(error))
        # Before OSError, which it is one of.
        except TimeoutError:
            await self._fail(
                f"The model was not loaded after {self._settings.load_timeout:g} s. Set c.NbGroupChat.load_timeout "
                "higher or c.NbGroupChat.model_path to a smaller model."
            )
        except (OSError, NotImplementedError) as error:
            await self._fail(f"The model's worker process cannot be started ({error!r}). Look into the server's log.")
        else:
            self._board.show(EngineStatus(state="ready", model=ready.model))
            self._send_hint(self._worker)

    async def _until_ready(self, worker: WorkerProcess) -> Ready:
        async with asyncio.timeout(self._settings.load_timeout):
            while not self._closed:
                match await worker.next_report(self._settings.load_timeout):
                    case Loading(progress=progress):
                        self._board.show(EngineStatus(state="loading", progress=progress))
                    case Ready() as ready:
                        return ready
                    case Failed(message=message):
                        raise EngineError(message)
                    case _:
                        raise EngineError(
                            f"The model's worker {worker.how_it_ended()} while loading the model. The file may be "
                            "broken or the memory too small."
                        )
        raise EngineError("The engine was closed while loading.")

    async def _fail(self, message: str) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            await worker.close()
        if not self._closed:
            self._board.show(EngineStatus(state="failed", message=message))

    def _send_hint(self, worker: WorkerProcess) -> None:
        hint, self._hint = self._hint, None
        if hint is not None:
            worker.send(hint)

    def _on_end(self, worker: WorkerProcess) -> None:
        if worker is not self._worker:
            return
        was_ready, self._worker = self.status.state == "ready", None
        if was_ready and not self._closed:
            self._board.show(
                EngineStatus(
                    state="off",
                    message=f"The model's worker {worker.how_it_ended()}; the next question starts another.",
                )
            )
