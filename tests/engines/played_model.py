"""A model played by hand: it says what it is told to, and checks that it is read as llama.cpp wants to be."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from nbgroupchat.engines.base import Sampling
from nbgroupchat.engines.chat_template import TurnLiterals
from nbgroupchat.engines.llama_batches import CHUNK
from nbgroupchat.engines.llama_model import ModelError, Part

from .vocabulary import FakeVocabulary

VOCABULARY = FakeVocabulary(control=["<s>", "<u>", "<a>", "<end>"], ends=["<end>"])
LITERALS = TurnLiterals("<s>", "<u>", "<a>", "<u>", "<a>")


class PlayedSampler:
    """Says its tokens, then the end."""

    def __init__(self, says: Sequence[int], rows: Callable[[], set[int]]) -> None:
        self._says = iter([*says, VOCABULARY.id("<end>")])
        self._rows = rows

    def choose(self, row: int) -> int:
        assert row in self._rows(), "sampled where no logits were asked for"
        return next(self._says)

    def free(self) -> None:
        self._says = iter(())


class PlayedModel:
    """Says the bytes of `says`, one a token, in every reply."""

    context_tokens = 1000

    def __init__(self, says: bytes = b"abc", sequences: int = 1) -> None:
        self.says: Sequence[int] = says
        self.sequences = sequences
        self.memories: list[list[int]] = [[] for _ in range(sequences)]
        self.batches: list[list[Part]] = []
        self.can_truncate = self.can_cut = True
        self.refuses: Callable[[Part], bool] = lambda part: False
        self.on_read: Callable[[], None] = lambda: None
        self._rows: set[int] = set()

    @property
    def memory(self) -> list[int]:
        return self.memories[0]

    @property
    def reads(self) -> list[int]:
        """How many tokens each batch had."""
        return [sum(len(part.ids) for part in batch) for batch in self.batches]

    def decode(self, parts: Sequence[Part]) -> list[int]:
        rows, row = [], 0
        order = [part.sequence for part in parts]
        assert order == sorted(set(order))
        self._rows.clear()
        for part in parts:
            assert 0 < len(part.ids) <= CHUNK
            assert part.start == len(self.memories[part.sequence])
            if self.refuses(part):
                raise ModelError("It would not.")
            self.memories[part.sequence] += part.ids
            assert len(self.memories[part.sequence]) <= self.context_tokens
            row += len(part.ids)
            rows.append(row - 1)
            if part.sample:
                self._rows.add(row - 1)
        self.batches.append(list(parts))
        self.on_read()
        return rows

    def truncate(self, sequence: int, length: int) -> int:
        memory = self.memories[sequence]
        if length < len(memory):
            del memory[length if self.can_truncate else 0 :]
        return len(memory)

    def state_bytes(self, sequence: int) -> int:
        return 4 * len(self.memories[sequence])

    def save(self, sequence: int) -> bytearray:
        return bytearray(b"".join(token.to_bytes(4, "little") for token in self.memories[sequence]))

    def restore(self, sequence: int, state: bytearray) -> bool:
        self.memories[sequence] = [
            int.from_bytes(state[place : place + 4], "little") for place in range(0, len(state), 4)
        ]
        return True

    def sampler(self, sampling: Sampling) -> PlayedSampler:
        assert sampling.seed
        return PlayedSampler(self.says, lambda: self._rows)

    def piece(self, token: int) -> bytes:
        return bytes([token])

    def ends_reply(self, token: int) -> bool:
        return VOCABULARY.ends_reply(token)
