"""What the worker asks of a loaded model: sequences that are read in batches, sampled from, cut, saved and restored.

The interface alone, so that everything above it can be driven by a model that is played by hand. Knows nothing of
rooms, prompts or llama.cpp.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from nbgroupchat.engines.base import Sampling


class ModelError(Exception):
    """llama.cpp refused; the message says what it was asked."""


class Part(Struct, frozen=True):
    """A part of a batch: ids to read at the place `start` of a sequence; with `sample`, a token follows the last."""

    sequence: int
    start: int
    ids: list[int]
    sample: bool


class Sampler(Protocol):
    """Chooses the tokens of one reply."""

    def choose(self, row: int) -> int:
        """The token after this row of the batch read last, which had to ask for it."""

    def free(self) -> None:
        """Give its memory back; it is not used again."""


class Model(Protocol):
    """A model with `sequences` sequences of `context_tokens` cells each."""

    context_tokens: int
    sequences: int
    can_cut: bool
    """Whether a sequence can be cut anywhere without reading it again."""

    def decode(self, parts: Sequence[Part]) -> list[int]:
        """Read a batch; gives the row of each part's last token. Raises ModelError, after which any part of it may be
        in memory.
        """

    def truncate(self, sequence: int, length: int) -> int:
        """Forget a sequence from `length` on; returns how much is left: 0 where it can only forget all."""

    def state_bytes(self, sequence: int) -> int:
        """How large what `save` gives will be."""

    def save(self, sequence: int) -> bytearray:
        """What is in memory of a sequence."""

    def restore(self, sequence: int, state: bytearray) -> bool:
        """Put saved memory in the place of a sequence's; where it cannot, the sequence is empty."""

    def sampler(self, sampling: Sampling) -> Sampler:
        """A new sampler, with `sampling.seed` as it is."""

    def piece(self, token: int) -> bytes:
        """The text of a token."""

    def ends_reply(self, token: int) -> bool:
        """Whether a reply ends with this token."""
