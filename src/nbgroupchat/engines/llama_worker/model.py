"""A loaded model and its context of several sequences. Raises ModelError where llama.cpp refuses."""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Callable, Sequence
from typing import Any

import llama_cpp

from nbgroupchat.engines.base import Sampling
from nbgroupchat.engines.chat_template import derive_literals
from nbgroupchat.engines.llama_batches import CHUNK
from nbgroupchat.engines.llama_model import ModelError, Part
from nbgroupchat.engines.llama_threads import Threads, cores
from nbgroupchat.engines.llama_worker import complaints
from nbgroupchat.engines.llama_worker.sampler import LlamaSampler
from nbgroupchat.engines.llama_worker.vocabulary import LlamaVocabulary
from nbgroupchat.engines.model_file import model_name
from nbgroupchat.engines.prompt_ids import Composer


class LlamaModel:
    """A model with `sequences` sequences of `context_tokens` cells. Raises ModelError where it cannot be loaded.

    With `threads` 0 there is one for each core that is free.
    """

    def __init__(
        self, path: str, context_tokens: int, threads: int, progress: Callable[[float], None], sequences: int = 1
    ) -> None:
        complaints.listen()
        self._model = _load(path, progress)
        self.sequences = sequences
        trained = llama_cpp.llama_model_n_ctx_train(self._model)
        length = min(context_tokens, trained) if trained > 0 else context_tokens
        self._most = CHUNK + sequences
        # Beside a graphics card processors rest, and that says nothing about them.
        offloads = llama_cpp.llama_supports_gpu_offload()
        self._threads = None if threads or offloads else Threads(cores())
        self._reading = threads or cores()
        self._context = _context(self._model, length, sequences, self._most, self._reading)
        if not self._context:
            raise ModelError(
                f"llama.cpp cannot make a context of {sequences} times {length} tokens for {path} "
                f"({complaints.why()}). Set c.NbGroupChat.context_tokens or c.NbGroupChat.turns_at_once lower."
            )
        self._memory = llama_cpp.llama_get_memory(self._context)
        self._batch = llama_cpp.llama_batch_init(self._most, 0, 1)
        self._rows = _Rows(self._batch, self._most)
        self.context_tokens: int = llama_cpp.llama_n_ctx_seq(self._context)
        self.weights: int = llama_cpp.llama_model_size(self._model)
        self.vocabulary = LlamaVocabulary(llama_cpp.llama_model_get_vocab(self._model))
        self.ends_reply = self.vocabulary.ends_reply
        self.piece = self.vocabulary.piece
        self.name = model_name(path, self._metadata("general.name"))
        self._window: int = llama_cpp.llama_model_n_swa(self._model)
        recurrent = llama_cpp.llama_model_is_recurrent(self._model) or llama_cpp.llama_model_is_hybrid(self._model)
        self.can_cut = not recurrent and not self._window

    def composer(self) -> Composer:
        """What composes prompts for this model, by the template in its file."""
        vocab = llama_cpp.llama_model_get_vocab(self._model)
        literals = derive_literals(
            (llama_cpp.llama_model_chat_template(self._model, None) or b"").decode("utf-8", "replace"),
            bos=self.vocabulary.spelling(llama_cpp.llama_vocab_bos(vocab)),
            eos=self.vocabulary.spelling(llama_cpp.llama_vocab_eos(vocab)),
        )
        return Composer(self.vocabulary, literals, self.vocabulary.bos)

    def cache_bytes(self) -> int:
        """The memory of all sequences when they are full, measured by reading a few tokens."""
        sizes = []
        for length in (1, 2):
            self.decode([Part(0, length - 1, [0], False)])
            sizes.append(self.state_bytes(0))
        self.truncate(0, 0)
        one, two = sizes
        return ((two - one) * (self.context_tokens - 1) + one) * self.sequences

    def decode(self, parts: Sequence[Part]) -> list[int]:
        """Read a batch; gives the row of each part's last token. Raises ModelError."""
        rows = []
        row = 0
        for part in parts:
            for place, token in enumerate(part.ids):
                self._rows.put(row, token, part.start + place, part.sequence)
                row += 1
            self._rows.wanted[row - 1] = part.sample
            rows.append(row - 1)
        self._batch.n_tokens = row
        code = self._decode()
        if code:
            raise ModelError(f"llama.cpp could not read {row} tokens (code {code}). Ask again.")
        return rows

    def _decode(self) -> int:
        if self._threads is None:
            return int(llama_cpp.llama_decode(self._context, self._batch))
        count = self._threads.count
        if count != self._reading:
            self._reading = count
            llama_cpp.llama_set_n_threads(self._context, count, count)
        start, used = time.perf_counter(), time.process_time()
        code = int(llama_cpp.llama_decode(self._context, self._batch))
        now = time.perf_counter()
        self._threads.read(now, now - start, time.process_time() - used)
        return code

    def length(self, sequence: int) -> int:
        """How many tokens are in a sequence's memory."""
        return int(llama_cpp.llama_memory_seq_pos_max(self._memory, sequence)) + 1

    def truncate(self, sequence: int, length: int) -> int:
        """Forget a sequence from `length` on; returns how much is left."""
        held = self.length(sequence)
        if held <= length:
            return held
        # Cells that a sliding window has passed may be gone, and with them what the tokens before the cut look back to.
        # They go from the first on.
        whole = not self._window or llama_cpp.llama_memory_seq_pos_min(self._memory, sequence) == 0
        if length and whole and llama_cpp.llama_memory_seq_rm(self._memory, sequence, length, -1):
            return length
        llama_cpp.llama_memory_seq_rm(self._memory, sequence, -1, -1)
        return 0

    def state_bytes(self, sequence: int) -> int:
        """How large what `save` gives will be."""
        return int(llama_cpp.llama_state_seq_get_size(self._context, sequence))

    def save(self, sequence: int) -> bytearray:
        """What is in memory of a sequence."""
        state = bytearray(self.state_bytes(sequence))
        llama_cpp.llama_state_seq_get_data(self._context, _buffer(state), len(state), sequence)
        return state

    def restore(self, sequence: int, state: bytearray) -> bool:
        """Put saved memory in the place of a sequence's; where it cannot, the sequence is empty."""
        if llama_cpp.llama_state_seq_set_data(self._context, _buffer(state), len(state), sequence):
            return True
        llama_cpp.llama_memory_seq_rm(self._memory, sequence, -1, -1)
        return False

    def sampler(self, sampling: Sampling) -> LlamaSampler:
        """A new sampler, with `sampling.seed` as it is."""
        return LlamaSampler(self._context, self.vocabulary.size, sampling)

    def _metadata(self, key: str) -> str:
        text = ctypes.create_string_buffer(256)
        found = llama_cpp.llama_model_meta_val_str(self._model, key.encode(), text, len(text))
        return text.value.decode("utf-8", "replace") if found > 0 else ""


class _Rows:
    """The rows of a batch. Its fields are looked up once: between two batches Python finds its caches emptied, and each
    lookup takes microseconds.
    """

    def __init__(self, batch: Any, most: int) -> None:
        self.wanted = batch.logits
        """Whether a row's token is followed by one that will be sampled."""
        self._tokens, self._places = batch.token, batch.pos
        self._sequences = [batch.seq_id[row] for row in range(most)]
        for row in range(most):
            batch.n_seq_id[row] = 1

    def put(self, row: int, token: int, place: int, sequence: int) -> None:
        self._tokens[row] = token
        self._places[row] = place
        self._sequences[row][0] = sequence
        self.wanted[row] = False


def _load(path: str, progress: Callable[[float], None]) -> object:
    @llama_cpp.llama_progress_callback  # type: ignore[untyped-decorator]  # a ctypes function type
    def on_progress(share: float, _user_data: object) -> bool:
        progress(share)
        return True

    parameters = llama_cpp.llama_model_default_params()
    parameters.progress_callback = on_progress
    model = llama_cpp.llama_model_load_from_file(os.fsencode(path), parameters)
    if not model:
        raise ModelError(
            f"llama.cpp cannot load the model file {path} ({complaints.why()}). It may be damaged, no GGUF file, or of "
            "a kind this llama.cpp does not know: fetch it again, upgrade llama-cpp-python, or set "
            "c.NbGroupChat.model_path to another file."
        )
    return model


def _context(model: object, length: int, sequences: int, batch: int, threads: int) -> object:
    settings = llama_cpp.llama_context_default_params()
    settings.n_ctx = length * sequences
    settings.n_seq_max = sequences
    # A shared cache makes one room slow for another's history, and a full one fails the whole batch.
    settings.kv_unified = False
    settings.n_batch = settings.n_ubatch = batch
    settings.n_threads = settings.n_threads_batch = threads
    if not llama_cpp.llama_supports_gpu_offload():
        # On processors it took 1.5 to 2 times as long for a few tokens behind 2,000.
        settings.flash_attn_type = llama_cpp.LLAMA_FLASH_ATTN_TYPE_DISABLED
    return llama_cpp.llama_init_from_model(model, settings)


def _buffer(state: bytearray) -> object:
    return (ctypes.c_uint8 * len(state)).from_buffer(state)
