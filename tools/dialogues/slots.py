"""Tables of slot values, read once from content/slots.txt, and which of them training never sees all of."""
from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from dialogues.grammar import lines_of
from dialogues.holdout import portion

CONTENT = Path(__file__).resolve().parent / "content"
HELD_OUT_KINDS = frozenset({"girl", "boy", "name", "surname", "city", "tool_noun", "key", "word_key"})


@lru_cache(maxsize=None)
def _tables() -> dict[str, tuple[str, ...]]:
    tables: dict[str, list[str]] = {}
    for line in lines_of((CONTENT / "slots.txt").read_text(encoding="utf-8")):
        kind, _, values = line.partition(":")
        tables.setdefault(kind.strip(), []).extend(value.strip() for value in values.split(",") if value.strip())
    tables["name"] = tables["girl"] + tables["boy"]
    return {kind: tuple(dict.fromkeys(listed)) for kind, listed in tables.items()}


@lru_cache(maxsize=None)
def values(kind: str, test: bool) -> tuple[str, ...]:
    table = _tables()[kind]
    held_kind = "name" if kind in ("girl", "boy") else kind
    return portion(held_kind, table, test) if kind in HELD_OUT_KINDS else table


def all_values(kind: str) -> tuple[str, ...]:
    return _tables()[kind]
