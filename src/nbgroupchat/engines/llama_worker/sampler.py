"""llama.cpp's own chain of samplers for one reply: no logits come to Python."""

from __future__ import annotations

import llama_cpp

from nbgroupchat.engines.base import Sampling


class LlamaSampler:
    """Chooses the tokens of one reply from what a context has read."""

    def __init__(self, context: object, vocabulary_size: int, sampling: Sampling) -> None:
        self._context = context
        self._chain = llama_cpp.llama_sampler_chain_init(llama_cpp.llama_sampler_chain_default_params())
        # Small models fall into loops; the penalty sees the reply only: it must not push away facts of the room.
        steps = [llama_cpp.llama_sampler_init_penalties(vocabulary_size, 64, 1.05, 0.0, 0.0)]
        if sampling.temperature > 0:
            steps += [
                llama_cpp.llama_sampler_init_top_k(40),
                llama_cpp.llama_sampler_init_top_p(0.95, 1),
                llama_cpp.llama_sampler_init_min_p(0.05, 1),
                llama_cpp.llama_sampler_init_temp(sampling.temperature),
                llama_cpp.llama_sampler_init_dist(sampling.seed & 0xFFFFFFFF),
            ]
        else:
            steps.append(llama_cpp.llama_sampler_init_greedy())
        for step in steps:
            llama_cpp.llama_sampler_chain_add(self._chain, step)

    def choose(self, row: int) -> int:
        """The token after this row of the batch read last, which had to ask for it."""
        return int(llama_cpp.llama_sampler_sample(self._chain, self._context, row))

    def free(self) -> None:
        """Give its memory back; it is not used again."""
        llama_cpp.llama_sampler_free(self._chain)
