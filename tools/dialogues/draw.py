"""One sample's source of chance: a seeded generator, the split it may draw from, and what it drew."""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import TypeVar

from dialogues import slots
from dialogues.grammar import Phrase, capital, phrase
from dialogues.holdout import is_held_out

Value = TypeVar("Value")
TRIES = 2000  # a held-out value is one in ten: that so many tries miss it has a chance of 1e-91


class Draw:
    def __init__(self, seed: str, test: bool = False) -> None:
        self.rng = Random(seed)
        self.random = self.rng.random
        self.test = test
        self.drawn: list[tuple[str, str]] = []  # slot values that are held out by kind

    def chance(self, probability: float) -> bool:
        return self.random() < probability

    def integer(self, low: int, high: int) -> int:
        """Both ends included."""
        return low + int(self.random() * (high - low + 1))

    def pick(self, values: Sequence[Value]) -> Value:
        return values[int(self.random() * len(values))]

    def common(self, values: Sequence[Value]) -> Value:
        """The first ones more often: a third of the draws from the first tenth."""
        return values[int(self.random() ** 2 * len(values))]

    def several(self, values: Sequence[Value], count: int) -> list[Value]:
        return self.rng.sample(values, min(count, len(values)))

    def shuffled(self, values: Sequence[Value]) -> list[Value]:
        return self.rng.sample(values, len(values))

    def say(self, pattern: str | Phrase, **values: object) -> str:
        return (phrase(pattern) if isinstance(pattern, str) else pattern).write(self.rng, values)

    def fill(self, pattern: str | Phrase, values: Mapping[str, object]) -> str:
        return (phrase(pattern) if isinstance(pattern, str) else pattern).write(self.rng, values)

    def slot(self, kind: str) -> str:
        """A value of a slot table, from this split's portion where the kind is held out."""
        value = self.pick(slots.values(kind, self.test))
        if kind in slots.HELD_OUT_KINDS:
            self.drawn.append((kind, value))
        return value

    def slot_set(self, kind: str, count: int) -> list[str]:
        """Different values of one kind."""
        chosen = self.several(slots.values(kind, self.test), count)
        if kind in slots.HELD_OUT_KINDS:
            self.drawn += [(kind, value) for value in chosen]
        return chosen

    def until(self, make: Callable[[], Value | None], wanted: str) -> Value:
        """The first of many tries that gives something: what cannot be drawn is an error, not a loop without end."""
        for _ in range(TRIES):
            made = make()
            if made is not None:
                return made
        raise ValueError(f"[draw] {wanted}: found none in {TRIES} tries, expected one")

    def invented(self) -> str:
        """A name that nothing bears, of this split."""

        def word() -> str | None:
            made = "".join(self.pick(_SYLLABLES) for _ in range(self.integer(2, 3))) + self.pick(_ENDINGS)
            return made if is_held_out("invented", made) == self.test else None

        made = self.until(word, "an invented name")
        self.drawn.append(("invented", made))
        return capital(made)

    def allows(self, kind: str, value: str) -> bool:
        """Whether a composed value, such as the question 17 + 25, belongs to this split."""
        if is_held_out(kind, value) != self.test:
            return False
        self.drawn.append((kind, value))
        return True


_SYLLABLES = (
    "ba be bo bra cal chi dor du el fen fla gri hal il jo ka kel lo lum ma mir no nel or pa pli qua ra ros sa "
    "sel tam tor tri u va vel wen xi yor za zel zu"
).split()
_ENDINGS = "ba dor fen gar hem ia ka lin mar nok on por quil rath ston tan ul vex wick xim yth zan".split()
