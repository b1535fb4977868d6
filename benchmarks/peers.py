"""What the engine is measured against: llama.cpp's bare loop, and llama-cpp-python's chat completion."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import llama_cpp
from llama_cpp import Llama

from nbgroupchat.prompt import Segment


class BareLoop:
    """`llama_decode` and a greedy sampler, and nothing else, in one sequence."""

    def __init__(self, path: str, context_tokens: int, threads: int) -> None:
        self._llama = Llama(
            path, n_ctx=context_tokens, n_threads=threads, n_threads_batch=threads, verbose=False, n_batch=512
        )

    def tokens_per_second(self, prompt: str, count: int) -> float:
        """Write `count` tokens after a prompt, and give the speed of writing them."""
        context, model = self._llama.ctx, self._llama
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(context), True)
        chain = llama_cpp.llama_sampler_chain_init(llama_cpp.llama_sampler_chain_default_params())
        vocab = llama_cpp.llama_model_get_vocab(model.model)
        size = llama_cpp.llama_vocab_n_tokens(vocab)
        llama_cpp.llama_sampler_chain_add(chain, llama_cpp.llama_sampler_init_penalties(size, 64, 1.05, 0.0, 0.0))
        llama_cpp.llama_sampler_chain_add(chain, llama_cpp.llama_sampler_init_greedy())
        self._decode(context, model.tokenize(prompt.encode()))
        token = llama_cpp.llama_sampler_sample(chain, context, -1)
        start = time.perf_counter()
        for _ in range(count):
            self._decode(context, [token])
            token = llama_cpp.llama_sampler_sample(chain, context, -1)
        elapsed = time.perf_counter() - start
        llama_cpp.llama_sampler_free(chain)
        return count / elapsed

    @staticmethod
    def _decode(context: object, ids: Sequence[int]) -> None:
        batch = (llama_cpp.llama_token * len(ids))(*ids)
        if llama_cpp.llama_decode(context, llama_cpp.llama_batch_get_one(batch, len(ids))):
            raise RuntimeError("llama_decode failed")


class ChatCompletion:
    """`Llama.create_chat_completion`, as a notebook would use it, with the prefix it keeps between calls."""

    def __init__(self, path: str, context_tokens: int, threads: int) -> None:
        self._llama = Llama(path, n_ctx=context_tokens, n_threads=threads, n_threads_batch=threads, verbose=False)

    def first_token_seconds(self, segments: Sequence[Segment]) -> float:
        """Ask with a conversation, and give the time until the first text comes."""
        messages: list[Any] = []
        for segment in segments:
            if messages and messages[-1]["role"] == segment.role:
                messages[-1]["content"] += "\n" + segment.text
            else:
                messages.append({"role": segment.role, "content": segment.text})
        start = time.perf_counter()
        stream: Any = self._llama.create_chat_completion(messages, stream=True, max_tokens=2, temperature=0.0)
        for part in stream:
            if part["choices"][0]["delta"].get("content"):
                break
        elapsed = time.perf_counter() - start
        for _ in stream:
            pass
        return elapsed
