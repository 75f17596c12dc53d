"""Small vectorised helpers: hashes in place of random state, and arithmetic within groups.

A hash of what a row *is* decides what happens to it (duplicate, late, malformed, …), so the answer
does not depend on the order or the slices in which rows pass by.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Ints: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]
Bools: TypeAlias = npt.NDArray[np.bool_]
Words: TypeAlias = npt.NDArray[np.uint64]

MILLION = np.uint64(1_000_000)


def mixed(values: Ints | Words, salt: int) -> Words:
    """A 64-bit hash of each value: SplitMix64's finaliser (Steele, Lea and Flood, 2014)."""
    word = values.astype(np.uint64) + np.uint64((salt * 0x9E3779B97F4A7C15) % 2**64)
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))


def drawn(words: Words, salt: int, per_million: int) -> Bools:
    """True for about `per_million` of a million hashed values, independently for each salt."""
    return mixed(words, salt) % MILLION < np.uint64(per_million)


def choice(words: Words, salt: int, options: int) -> Ints:
    """A number in 0 … options - 1 for each hashed value, independently for each salt."""
    return (mixed(words, salt) % np.uint64(options)).astype(np.int64)


def group_starts(counts: Ints) -> Ints:
    """Index of the first element of each group when groups of these sizes follow each other."""
    starts: Ints = np.zeros(len(counts), dtype=np.int64)
    np.cumsum(counts[:-1], out=starts[1:])
    return starts


def positions(counts: Ints) -> Ints:
    """0, 1, 2, … within each group; length `counts.sum()`."""
    total = int(counts.sum())
    return np.arange(total, dtype=np.int64) - np.repeat(group_starts(counts), counts)


def sum_before(values: Floats, first_index: Ints) -> Floats:
    """Sum of the earlier values of the same group; `first_index` is each element's group start."""
    running = np.cumsum(values) - values
    return running - running[first_index]


def any_before(flags: Bools, first_index: Ints) -> Bools:
    """Whether an earlier element of the same group has its flag set."""
    running: Ints = np.cumsum(flags) - flags
    return running > running[first_index]


def last_flagged(flags: Bools, first_index: Ints) -> Ints:
    """Index of the newest flagged element up to and including each one in its group, else -1."""
    index = np.where(flags, np.arange(len(flags)), -1)
    newest = np.maximum.accumulate(index) if len(index) else index
    return np.where(newest >= first_index, newest, -1)
