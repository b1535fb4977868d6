"""The process that runs llama.cpp: `python -m nbgroupchat.engines.llama_worker`, spoken to over its pipes.

The only module that knows llama.cpp. It is gone as soon as its standard input closes, whatever it is doing. Knows
nothing of rooms or members: turns are in `llama_turns`, prompts in `prompt_ids`.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO

import llama_cpp

from nbgroupchat.engines.base import Sampling
from nbgroupchat.engines.chat_template import derive_literals
from nbgroupchat.engines.llama_messages import (
    Failed,
    Load,
    Loading,
    Ready,
    Report,
    Stop,
    decode_request,
    encode,
)
from nbgroupchat.engines.llama_turns import CHUNK, ModelError, Turns
from nbgroupchat.engines.model_file import model_name
from nbgroupchat.engines.prompt_ids import Composer

_PLAIN = llama_cpp.LLAMA_TOKEN_ATTR_NORMAL | llama_cpp.LLAMA_TOKEN_ATTR_BYTE
_NOT_PLAIN = (
    llama_cpp.LLAMA_TOKEN_ATTR_CONTROL
    | llama_cpp.LLAMA_TOKEN_ATTR_USER_DEFINED
    | llama_cpp.LLAMA_TOKEN_ATTR_UNKNOWN
    | llama_cpp.LLAMA_TOKEN_ATTR_UNUSED
)
# Of `enum ggml_log_level` in ggml.h; llama-cpp-python's own table of levels is an older one.
_LOG_ERROR = 4

# llama.cpp's last complaints, for the message of a failed load; errors also go to standard error, the rest nowhere.
_complaints: deque[str] = deque(maxlen=4)


def _why() -> str:
    return "; ".join(_complaints) or "no reason given"


@llama_cpp.llama_log_callback  # type: ignore[untyped-decorator]  # a ctypes function type
def _on_log(level: int, text: bytes, _user_data: object) -> None:
    if level == _LOG_ERROR and (line := text.decode("utf-8", "replace").strip()):
        _complaints.append(line)
        print("llama.cpp:", line, file=sys.stderr, flush=True)


class LlamaVocabulary:
    """The tokenizer of a loaded model."""

    def __init__(self, vocab: object) -> None:
        self._vocab = vocab
        self.size: int = llama_cpp.llama_vocab_n_tokens(vocab)
        attributes = [llama_cpp.llama_vocab_get_attr(vocab, token) for token in range(self.size)]
        self._ends = bytes(llama_cpp.llama_vocab_is_eog(vocab, token) for token in range(self.size))
        self._control = bytes(bool(attribute & llama_cpp.LLAMA_TOKEN_ATTR_CONTROL) for attribute in attributes)
        self._plain = bytes(
            bool(attribute & _PLAIN) and not attribute & _NOT_PLAIN and not end
            for attribute, end in zip(attributes, self._ends, strict=True)
        )
        bos: int = llama_cpp.llama_vocab_bos(vocab)
        self.bos = bos if bos >= 0 and llama_cpp.llama_vocab_get_add_bos(vocab) else None

    def tokenize(self, text: str, *, special: bool) -> list[int]:
        """The ids of a text; with `special`, control tokens are parsed from their spelling."""
        data = text.encode("utf-8", "replace")
        # A token is at least one byte, but for what a tokenizer puts before and after.
        room = len(data) + 8
        ids = (llama_cpp.llama_token * room)()
        count = llama_cpp.llama_tokenize(self._vocab, data, len(data), ids, room, False, special)
        if count < 0:
            ids = (llama_cpp.llama_token * -count)()
            count = llama_cpp.llama_tokenize(self._vocab, data, len(data), ids, -count, False, special)
        return list(ids[:count])

    def is_plain(self, token: int) -> bool:
        """Whether it is a normal token or a byte, and ends no reply."""
        return bool(self._plain[token])

    def is_control(self, token: int) -> bool:
        """Whether it marks turns or ends replies."""
        return bool(self._control[token] or self._ends[token])

    def ends_reply(self, token: int) -> bool:
        """Whether a reply ends with it."""
        return bool(self._ends[token])

    def piece(self, token: int, *, special: bool = False) -> bytes:
        """Its text; that of a control token is empty without `special`."""
        text = ctypes.create_string_buffer(64)
        length = llama_cpp.llama_token_to_piece(self._vocab, token, text, len(text), 0, special)
        if length < 0:
            text = ctypes.create_string_buffer(-length)
            length = llama_cpp.llama_token_to_piece(self._vocab, token, text, len(text), 0, special)
        return text.raw[:length]

    def spelling(self, token: int) -> str:
        """How a template writes it; "" for the id -1, which stands for none."""
        return self.piece(token, special=True).decode("utf-8", "replace") if token >= 0 else ""


class LlamaModel:
    """A loaded model with a context of one sequence. Raises ModelError where llama.cpp cannot load it."""

    def __init__(self, path: str, context_tokens: int, threads: int, progress: Callable[[float], None]) -> None:
        llama_cpp.llama_log_set(_on_log, ctypes.c_void_p(0))

        @llama_cpp.llama_progress_callback  # type: ignore[untyped-decorator]  # a ctypes function type
        def on_progress(share: float, _user_data: object) -> bool:
            progress(share)
            return True

        parameters = llama_cpp.llama_model_default_params()
        parameters.progress_callback = on_progress
        self._model = llama_cpp.llama_model_load_from_file(os.fsencode(path), parameters)
        if not self._model:
            raise ModelError(
                f"llama.cpp cannot load the model file {path} ({_why()}). It may be damaged, no GGUF file, or of a "
                "kind this llama.cpp does not know: fetch it again, upgrade llama-cpp-python, or set "
                "c.NbGroupChat.model_path to another file."
            )
        trained = llama_cpp.llama_model_n_ctx_train(self._model)
        settings = llama_cpp.llama_context_default_params()
        settings.n_ctx = min(context_tokens, trained) if trained > 0 else context_tokens
        settings.n_batch = settings.n_ubatch = CHUNK
        settings.n_threads = settings.n_threads_batch = threads
        self._context = llama_cpp.llama_init_from_model(self._model, settings)
        if not self._context:
            raise ModelError(
                f"llama.cpp cannot make a context of {settings.n_ctx} tokens for {path} ({_why()}). "
                "Set c.NbGroupChat.context_tokens lower."
            )
        self._memory = llama_cpp.llama_get_memory(self._context)
        self.context_tokens: int = llama_cpp.llama_n_ctx(self._context)
        self.vocabulary = LlamaVocabulary(llama_cpp.llama_model_get_vocab(self._model))
        self.ends_reply = self.vocabulary.ends_reply
        self.piece = self.vocabulary.piece
        self.name = model_name(path, self._metadata("general.name"))

    def composer(self) -> Composer:
        """What composes prompts for this model, by the template in its file."""
        vocab = llama_cpp.llama_model_get_vocab(self._model)
        literals = derive_literals(
            (llama_cpp.llama_model_chat_template(self._model, None) or b"").decode("utf-8", "replace"),
            bos=self.vocabulary.spelling(llama_cpp.llama_vocab_bos(vocab)),
            eos=self.vocabulary.spelling(llama_cpp.llama_vocab_eos(vocab)),
        )
        return Composer(self.vocabulary, literals, self.vocabulary.bos)

    def truncate(self, length: int) -> int:
        """Forget what is in memory from `length` on; returns how much is left."""
        # Models with recurrent memory or a sliding window cannot go back a little.
        if length and llama_cpp.llama_memory_seq_rm(self._memory, 0, length, -1):
            return length
        llama_cpp.llama_memory_clear(self._memory, True)
        return 0

    def read(self, ids: Sequence[int]) -> None:
        """Read ids after what is in memory. Raises ModelError."""
        tokens = (llama_cpp.llama_token * len(ids))(*ids)
        code = llama_cpp.llama_decode(self._context, llama_cpp.llama_batch_get_one(tokens, len(ids)))
        if code:
            raise ModelError(f"llama.cpp could not read {len(ids)} tokens (code {code}). Ask again.")

    @contextmanager
    def sampler(self, sampling: Sampling) -> Iterator[Callable[[], int]]:
        """A function that chooses the next token from what was read last."""
        chain = llama_cpp.llama_sampler_chain_init(llama_cpp.llama_sampler_chain_default_params())
        seed = sampling.seed or int.from_bytes(os.urandom(4), "little")
        # Small models fall into loops; the penalty sees the reply only: it must not push away facts of the room.
        steps = [llama_cpp.llama_sampler_init_penalties(self.vocabulary.size, 64, 1.05, 0.0, 0.0)]
        if sampling.temperature > 0:
            steps += [
                llama_cpp.llama_sampler_init_top_k(40),
                llama_cpp.llama_sampler_init_top_p(0.95, 1),
                llama_cpp.llama_sampler_init_min_p(0.05, 1),
                llama_cpp.llama_sampler_init_temp(sampling.temperature),
                llama_cpp.llama_sampler_init_dist(seed & 0xFFFFFFFF),
            ]
        else:
            steps.append(llama_cpp.llama_sampler_init_greedy())
        for step in steps:
            llama_cpp.llama_sampler_chain_add(chain, step)
        try:
            yield lambda: int(llama_cpp.llama_sampler_sample(chain, self._context, -1))
        finally:
            llama_cpp.llama_sampler_free(chain)

    def _metadata(self, key: str) -> str:
        text = ctypes.create_string_buffer(256)
        found = llama_cpp.llama_model_meta_val_str(self._model, key.encode(), text, len(text))
        return text.value.decode("utf-8", "replace") if found > 0 else ""


def main() -> None:
    """Load what the first request says, then answer the others until the input closes."""
    # Ctrl+C in the server's terminal reaches this process too; it ends when its pipe does.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(5)
    # Whatever prints must not end up between the messages.
    output = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)

    def report(message: Report) -> None:
        output.write(encode(message))

    first = sys.stdin.buffer.readline()
    if not first:
        return
    load = decode_request(first)
    if not isinstance(load, Load):
        raise TypeError(f"The first request is {load!r}, and must be Load.")
    turns: deque[Turns] = deque(maxlen=1)
    threading.Thread(target=_take_requests, args=(sys.stdin.buffer, turns), daemon=True).start()
    try:
        model = LlamaModel(load.path, load.context_tokens, load.threads, _in_steps(report))
    except ModelError as error:
        report(Failed(str(error)))
        # A plain end would wait for the thread that reads the input.
        os._exit(1)
    turns.append(Turns(model, model.composer(), report))
    report(Ready(model.name, model.context_tokens))
    turns[0].run()


def _in_steps(report: Callable[[Report], None]) -> Callable[[float], None]:
    shown = [0]

    def progress(share: float) -> None:
        if int(share * 20) > shown[0]:
            shown[0] = int(share * 20)
            report(Loading(shown[0] / 20))

    return progress


def _take_requests(source: BinaryIO, turns: deque[Turns]) -> None:
    """Hand requests over until the input closes; then end the process, also inside a long call of llama.cpp."""
    try:
        for line in source:
            request = decode_request(line)
            if isinstance(request, Stop):
                turns[0].stop(request.turn, request.pieces)
            elif not isinstance(request, Load):
                turns[0].put(request)
    except Exception:
        traceback.print_exc()
    finally:
        os._exit(0)


if __name__ == "__main__":
    main()
