"""What training never sees. A value is held out by its own hash, so that no list of exceptions has to be kept."""
from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

HELD_OUT_ONE_IN = 10


def is_held_out(kind: str, value: str) -> bool:
    return crc32(f"{kind}/{value}".encode()) % HELD_OUT_ONE_IN == 0


def portion(kind: str, values: Sequence[str], test: bool) -> tuple[str, ...]:
    """The values of `values` that the split may use; at least one value goes to each split."""
    chosen = tuple(value for value in values if is_held_out(kind, value) == test)
    if chosen:
        return chosen
    raise ValueError(f"[holdout] {kind}: found none of {len(values)} values for {'test' if test else 'train'}")
