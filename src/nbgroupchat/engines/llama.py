"""The engine that runs a GGUF model with llama.cpp, in a worker process it starts, watches and ends.

A crash of the model is an interrupted reply here, never one of the server. Knows nothing of llama.cpp itself: that is
`llama_worker`'s, on the other end of the pipes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence

import msgspec

from nbgroupchat.engines.backoff import Backoff
from nbgroupchat.engines.base import (
    EngineError,
    EngineInterrupted,
    EngineStatus,
    Finish,
    ModelInfo,
    Part,
    Piece,
    Reading,
    Sampling,
)
from nbgroupchat.engines.llama_loading import start_worker, until_ready
from nbgroupchat.engines.llama_messages import (
    Began,
    Failed,
    Finished,
    Forget,
    Generate,
    Listen,
    Ready,
    Rebuild,
    Rebuilt,
    Report,
    Stop,
    Written,
)
from nbgroupchat.engines.llama_process import WorkerProcess
from nbgroupchat.engines.llama_streams import Streams
from nbgroupchat.engines.status import Watched
from nbgroupchat.prompt import Prompt
from nbgroupchat.settings import Settings


class LlamaEngine(Watched):
    """Runs the model the settings name.

    All methods are called on one event loop. Rooms are written for at the same time, a room's own replies in turn.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        """With `settings.model_path` "", the small model that comes with the package."""
        super().__init__()
        self._settings = settings or Settings()
        self._loading: asyncio.Task[None] | None = None
        self._worker: WorkerProcess | None = None
        self._streams: Streams | None = None
        self._model: ModelInfo | None = None
        self._hints: dict[tuple[type, str], Listen | Forget] = {}
        """What was not sent yet: of each kind the last of each room."""
        self._sending: asyncio.Task[None] | None = None
        self._backoff = Backoff(time.monotonic)
        self._restart: asyncio.TimerHandle | None = None
        self._closed = False

    @property
    def model(self) -> ModelInfo | None:
        """The model loaded last."""
        return self._model

    @property
    def worker_pid(self) -> int | None:
        """The id of the worker's process, None where there is none."""
        return self._worker.pid if self._worker is not None else None

    def start(self) -> None:
        """Begin to load in the background, unless it is loading or loaded, or ended so often that it has to wait."""
        loading = self._loading is not None and not self._loading.done()
        if self._closed or self._worker is not None or loading or self._backoff.left:
            return
        self._board.show(EngineStatus(state="loading", progress=0.0))
        self._loading = asyncio.create_task(self._load())

    def listen(self, room: str, prompt: Prompt) -> None:
        """Have the worker read the prompt ahead; while it loads or is behind, the last of each room waits."""
        if self._settings.read_ahead:
            self._hint(Listen(room, prompt.segments))

    def forget(self, room: str, prompt: Prompt) -> None:
        """Have the worker let go of what the prompt does not begin with. One that is loading has read nothing."""
        self._hints.pop((Listen, room), None)
        if self._streams is not None:
            self._hint(Forget(room, prompt.segments))

    async def stream(self, room: str, prompt: Prompt, sampling: Sampling) -> AsyncGenerator[Part, None]:
        """Write a reply, beside those of other rooms and after those of the same."""
        streams = await self._ready_streams()
        turn, over = streams.open(), False
        streams.worker.send(Generate(turn, room, prompt.segments, sampling))
        try:
            while not over:
                part = await self._next_part(streams, turn)
                over = isinstance(part, Finish)
                yield part
        finally:
            streams.close(turn)
            if not over:
                streams.worker.send(Stop(turn))

    async def rebuild(
        self, prompt: Prompt, replies: Mapping[str, Sequence[int]], dropped: int, max_tokens: int
    ) -> list[int]:
        """The ids the model read for a prompt: `replies` has the ids of those that `Finish.replies` names, by key.

        Raises EngineError where there is no model to ask.
        """
        streams = await self._ready_streams()
        turn = streams.open()
        spelled = {key: tuple(ids) for key, ids in replies.items()}
        streams.worker.send(Rebuild(turn, prompt.segments, spelled, dropped, max_tokens))
        try:
            report = await self._next_report(streams, turn)
        finally:
            streams.close(turn)
        if not isinstance(report, Rebuilt):
            raise EngineError(f"The model's worker answered {report!r} when asked for the ids of a prompt.")
        return report.ids

    async def close(self) -> None:
        """End the worker; a reply being written is interrupted."""
        self._closed = True
        if self._restart is not None:
            self._restart.cancel()
        if self._worker is not None:
            await self._worker.close()
        if self._loading is not None:
            await self._loading
        if self._sending is not None:
            await asyncio.wait([self._sending])
        self._board.show(EngineStatus(state="off"))

    async def _ready_streams(self) -> Streams:
        if self._closed:
            raise EngineError("The model was asked for a reply after it was closed. Restart the server.")
        self.start()
        if self._loading is not None:
            # Others may wait for the same load.
            await asyncio.shield(self._loading)
        if self._streams is None:
            raise EngineError(self.status.message or "The model's worker ended while loading. Ask again.")
        return self._streams

    async def _next_part(self, streams: Streams, turn: int) -> Part:
        while True:
            match await self._next_report(streams, turn):
                case Written(text=text, ids=ids):
                    return Piece(text, ids)
                case Failed(message=message):
                    raise EngineError(message)
                case Finished(reason=reason) as end if reason != "stopped":
                    self._backoff.worked()
                    return msgspec.convert(end, Finish, from_attributes=True)
                case Began() as began if not isinstance(began, Finished):
                    return msgspec.convert(began, Reading, from_attributes=True)
                case _:
                    continue  # A sign of life.

    async def _next_report(self, streams: Streams, turn: int) -> Report:
        try:
            report = await streams.next_report(turn)
        except TimeoutError:
            await streams.worker.kill()
            raise EngineInterrupted(
                f"The model showed no sign of life for {self._settings.piece_timeout:g} s and its worker was "
                "ended. Ask again; c.NbGroupChat.piece_timeout gives it more time."
            ) from None
        if report is None:
            how = streams.worker.how_it_ended()
            raise EngineInterrupted(f"The model's worker {how} during the reply. Ask again.")
        return report

    async def _load(self) -> None:
        try:
            self._worker = await start_worker(self._settings, self._on_end)
            if self._closed:
                raise EngineError("The engine was closed while loading.")
            ready = await until_ready(self._worker, self._settings, self._show_progress)
        except EngineError as error:
            worker, self._worker = self._worker, None
            if worker is not None:
                await worker.close()
            if not self._closed:
                self._board.show(EngineStatus(state="failed", message=str(error)))
        else:
            self._begin(self._worker, ready)

    def _show_progress(self, progress: float) -> None:
        self._board.show(EngineStatus(state="loading", progress=progress))

    def _begin(self, worker: WorkerProcess, ready: Ready) -> None:
        self._model = ModelInfo(ready.model, ready.path, "", ready.context_tokens)
        self._streams = Streams(worker, self._settings.piece_timeout, self._on_hash)
        self._board.show(EngineStatus(state="ready", model=ready.model))
        self._send_hints()

    def _on_hash(self, sha256: str) -> None:
        if self._model is not None:
            self._model = msgspec.structs.replace(self._model, sha256=sha256)

    def _hint(self, hint: Listen | Forget) -> None:
        self._hints.pop((type(hint), hint.room), None)
        self._hints[type(hint), hint.room] = hint
        self._send_hints()

    def _send_hints(self) -> None:
        """Send what the worker is to know and nobody waits for, as far as it takes it: one that hangs takes nothing."""
        streams = self._streams
        while streams is not None and self._hints and not streams.worker.is_behind:
            streams.worker.send(self._hints.pop(next(iter(self._hints))))
        if streams is not None and self._hints and (self._sending is None or self._sending.done()):
            self._sending = asyncio.create_task(self._send_later(streams.worker))

    async def _send_later(self, worker: WorkerProcess) -> None:
        await worker.caught_up()
        self._sending = None
        self._send_hints()

    def _on_end(self, worker: WorkerProcess) -> None:
        if worker is not self._worker:
            return
        was_ready, self._worker, self._streams = self._streams is not None, None, None
        # Whoever knew it is gone.
        self._hints = {key: hint for key, hint in self._hints.items() if isinstance(hint, Listen)}
        if not was_ready or self._closed:
            return
        delay, how = self._backoff.ended(), worker.how_it_ended()
        if not delay:
            self._board.show(
                EngineStatus(state="off", message=f"The model's worker {how}; the next question starts another.")
            )
            return
        self._restart = asyncio.get_running_loop().call_later(delay, self.start)
        self._board.show(
            EngineStatus(
                state="failed",
                message=f"The model's worker {how}, for the {self._backoff.ends}. time in a row. It is started again "
                f"after {delay:g} s; the server's log may say why it ends.",
            )
        )
