"""Facts to plant in a text of someone else's making: lines that fathom eval reads."""
from __future__ import annotations

import json

from dialogues.draw import Draw
from dialogues.exchange import contains
from dialogues.families.planted import KINDS, Fact, draw_fact
from dialogues.grammar import capital

FACTS = 5  # of a group: they stand in one text


def _clashes(fact: Fact, others: list[Fact]) -> bool:
    """Whether one could be taken for another: the same key or its beginning, or a value within a value."""
    first = (fact.key.split() or [""])[0]
    for other in others:
        if first == (other.key.split() or [""])[0] and (first or fact.about == other.about):
            return True
        one, two = fact.value.lower(), other.value.lower()
        if one in two or two in one:
            return True
    return False


def fact_group(draw: Draw) -> dict[str, object]:
    """Half of the groups are of one kind, so that each fact has others to be confused with."""
    kind = draw.pick(KINDS) if draw.chance(0.5) else None
    facts: list[Fact] = []
    while len(facts) < FACTS:
        fact = draw_fact(draw, kind)
        if len(fact.value) >= 3 and not _clashes(fact, facts):
            facts.append(fact)
        elif draw.chance(0.02):  # a kind with too few different values
            kind = None
    return {
        "facts": [
            {
                "sentence": capital(fact.kind.states.write(draw.rng, fact.slots())),
                "question": capital(fact.kind.asks.write(draw.rng, fact.slots())),
                "check": contains(fact.value),
            }
            for fact in facts
        ]
    }


def fact_line(seed: str, test: bool, number: int) -> str:
    draw = Draw(f"{seed}/{'test' if test else 'train'}/facts/{number}", test)
    return json.dumps(fact_group(draw), ensure_ascii=False) + "\n"
