"""What goes into a batch, decided by hand."""

from __future__ import annotations

from nbgroupchat.engines.llama_batches import AHEAD_EVERY, BESIDE, CHUNK, Job, next_batch, reads_ahead
from nbgroupchat.engines.llama_model import Part


def _asked(sequence: int, length: int) -> Job:
    return Job(sequence, 0, list(range(length)), "asked")


def _ahead(sequence: int, length: int) -> Job:
    return Job(sequence, 0, list(range(length)), "ahead")


def _writing(sequence: int) -> Job:
    return Job(sequence, 100, [7], "writing")


def test_nothing_to_do_is_no_batch() -> None:
    """Without jobs, or with those that have nothing to read, the batch is empty."""
    assert next_batch([], 0) == []
    assert next_batch([_ahead(0, 0)], 0) == []


def test_everybody_who_writes_is_in_every_batch() -> None:
    """Each running reply adds its token and is sampled from; parts are in the order of sequences."""
    parts = next_batch([_writing(3), _writing(0), _writing(1)], 0)
    assert parts == [Part(sequence, 100, [7], True) for sequence in (0, 1, 3)]


def test_one_chunk_beside_replies() -> None:
    """However much there is to read, a batch has one chunk of it, a small one where somebody writes."""
    (alone,) = next_batch([_asked(0, 500), _asked(1, 500)], 0)
    assert (len(alone.ids), alone.sample) == (CHUNK, False)
    parts = next_batch([_writing(0), _asked(1, 500), _asked(2, 500), _ahead(3, 500)], 0)
    assert sorted(len(part.ids) for part in parts) == [1, BESIDE]


def test_the_end_of_a_prompt_is_sampled_from() -> None:
    """Only the chunk that ends a prompt somebody waits for asks for logits; one that is read ahead never does."""
    assert next_batch([_asked(0, 5)], 0)[0].sample
    assert not next_batch([_asked(0, CHUNK + 1)], 0)[0].sample
    assert not next_batch([_ahead(0, 5)], 0)[0].sample


def test_who_waits_goes_before_what_is_read_ahead() -> None:
    """Reading ahead gets a chunk only where nobody waits for reading."""
    assert next_batch([_ahead(0, 5), _asked(1, 500)], 0)[0].sequence == 1
    assert next_batch([_writing(2), _ahead(0, 5)], 0)[0].sequence == 0


def test_neither_short_nor_long_waits_for_ever() -> None:
    """Chunks go to the oldest and to the shortest prompt in turns."""
    jobs = [_asked(0, 4000), _asked(1, 4000), _asked(2, 10)]
    assert [next_batch(jobs, count)[0].sequence for count in range(4)] == [2, 0, 2, 0]


def test_reading_ahead_leaves_replies_their_pace() -> None:
    """What nobody waits for is read at once where nothing is written, else in few of the batches, never beside a
    prompt that somebody waits for.
    """
    numbers = range(4 * AHEAD_EVERY)
    assert all(reads_ahead([], count) for count in numbers)
    assert sum(reads_ahead([_writing(0)], count) for count in numbers) == 4
    assert not any(reads_ahead([_writing(0), _asked(1, 5)], count) for count in numbers)
