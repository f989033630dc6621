"""Text with choices: "[Hello|Hi] {name}[!|.]" stands for four sentences.

`[a|b|c]` is one of its parts, `{slot}` the value of a slot. A slot may be dressed: `{a thing}` puts the article before
it, `{many thing}` makes it plural, and a capital first letter (`{Thing}`, `{A thing}`) makes the first letter a capital.
Values are put in as they are: they may hold brackets and braces. A vertical bar, bracket or brace of the text itself
stands after a backslash.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from random import Random
from typing import Any

from dialogues.english import plural, with_article

Piece = str | tuple["Piece", ...] | Callable[[Mapping[str, object]], str] | list["Piece"]


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _slot(expression: str) -> Callable[[Mapping[str, object]], str]:
    dress, _, name = expression.rpartition(" ")
    wants_capital = expression[:1].isupper()
    key = name if dress else name[:1].lower() + name[1:]
    dress = dress.lower()

    def value(slots: Mapping[str, object]) -> str:
        text = slots[key]
        text = text if isinstance(text, str) else str(text)
        if dress == "a":
            text = with_article(text)
        elif dress == "many":
            text = plural(text)
        return capital(text) if wants_capital else text

    return value


class _Reader:
    """A recursive descent over one pattern. A list is a choice, a tuple a sequence."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0

    def sequence(self, inside_choice: bool) -> Piece:
        pieces: list[Piece] = []
        text: list[str] = []

        def flush() -> None:
            if text:
                pieces.append("".join(text))
                text.clear()

        while self.at < len(self.pattern):
            letter = self.pattern[self.at]
            if letter == "\\":
                text.append(self.pattern[self.at + 1])
                self.at += 2
            elif letter == "[":
                flush()
                self.at += 1
                pieces.append(self.choice())
            elif letter == "{":
                flush()
                end = self.pattern.index("}", self.at)
                pieces.append(_slot(self.pattern[self.at + 1 : end]))
                self.at = end + 1
            elif inside_choice and letter in "|]":
                break
            else:
                text.append(letter)
                self.at += 1
        flush()
        if len(pieces) == 1:
            return pieces[0]
        return tuple(pieces) if pieces else ""

    def choice(self) -> Piece:
        parts = [self.sequence(True)]
        while self.at < len(self.pattern) and self.pattern[self.at] == "|":
            self.at += 1
            parts.append(self.sequence(True))
        if self.at >= len(self.pattern):
            raise ValueError(f"[grammar] found no ] to close a choice in {self.pattern!r}")
        self.at += 1
        return parts


def _write(piece: Any, random: Callable[[], float], slots: Mapping[str, object], out: list[str]) -> None:
    kind = type(piece)  # a Piece; asking for the type is faster than isinstance
    if kind is str:
        out.append(piece)
    elif kind is tuple:
        for part in piece:
            _write(part, random, slots, out)
    elif kind is list:
        _write(piece[int(random() * len(piece))], random, slots, out)
    else:
        out.append(piece(slots))


def _wordings(piece: Piece) -> int:
    if isinstance(piece, tuple):
        product = 1
        for part in piece:
            product *= _wordings(part)
        return product
    return sum(_wordings(part) for part in piece) if isinstance(piece, list) else 1


class Phrase:
    """A compiled pattern, or several of which one is taken."""

    def __init__(self, *patterns: str) -> None:
        pieces = [_Reader(pattern).sequence(False) for pattern in patterns]
        self.piece: Piece = pieces[0] if len(pieces) == 1 else pieces

    def wordings(self) -> int:
        return _wordings(self.piece)

    def write(self, rng: Random, slots: Mapping[str, object]) -> str:
        out: list[str] = []
        _write(self.piece, rng.random, slots, out)
        return "".join(out)


@lru_cache(maxsize=None)
def phrase(*patterns: str) -> Phrase:
    """The compiled phrase of constant patterns: compile once, say often."""
    return Phrase(*patterns)


def lines_of(text: str) -> Sequence[str]:
    """Content lines of a data file: no blank ones, no # comments."""
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
