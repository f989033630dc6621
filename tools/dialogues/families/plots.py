"""Plots as data: what the hero wants, what goes wrong, what is tried, who helps, how it ends."""
from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from dialogues.grammar import Phrase, lines_of
from dialogues.slots import CONTENT


@dataclass
class Plot:
    goal: Phrase
    trouble: Phrase
    before: str
    after: str
    parts: dict[str, list[Phrase]] = field(default_factory=dict)  # by the letter of their line

    def one(self, letter: str) -> Phrase:
        return self.parts[letter][0]


@lru_cache(maxsize=None)
def plots() -> tuple[Plot, ...]:
    read: list[Plot] = []
    for name in ("plots_one.txt", "plots_two.txt"):
        for line in lines_of((CONTENT / name).read_text(encoding="utf-8")):
            if line.startswith(">"):
                goal, trouble, before, after = (part.strip() for part in line[1:].split("|"))
                read.append(Plot(Phrase(goal), Phrase(trouble), before, after))
            else:
                letter, _, text = line.partition(": ")
                read[-1].parts.setdefault(letter, []).append(Phrase(text))
    return tuple(read)


@lru_cache(maxsize=None)
def frame() -> dict[str, Phrase]:
    """Wordings around the plot, by kind; each kind is one phrase with all its lines as choices."""
    kinds: dict[str, list[str]] = {}
    for line in (CONTENT / "story_frame.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            kind, _, text = line.partition(": ")
            kinds.setdefault(kind, []).append(text)
    return {kind: Phrase(*texts) for kind, texts in kinds.items()}
