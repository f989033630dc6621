"""Which families there are, and how much of the text each makes up."""
from __future__ import annotations

from bisect import bisect
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate

from dialogues.draw import Draw
from dialogues.exchange import Exchange
from dialogues.families import (
    code_talk,
    direct,
    facts_talk,
    json_talk,
    numbers,
    open_book,
    package_talk,
    quick_tasks,
    recall,
    small_talk,
    story_talk,
    text_work,
    tool_talk,
    tools_own,
    words,
)
from dialogues.families.mixed import mixed
from dialogues.families.recall import Reach
from dialogues.message import Sample, build_sample


@dataclass(frozen=True)
class Family:
    make: Callable[[Draw, Reach], list[Exchange]]
    share: float  # of the bytes
    bytes: int  # of a sample, about: what turns the share of bytes into one of samples


def _alone(make: Callable[[Draw], Exchange]) -> Callable[[Draw, Reach], list[Exchange]]:
    return lambda draw, reach: [make(draw)]


FAMILIES: dict[str, Family] = {  # the common things first, and often; tokens to be learned differ more than bytes do
    "direct": Family(lambda draw, reach: direct.dialogue(draw), 24, 580),
    "small talk": Family(_alone(small_talk.exchange), 12, 380),
    "own tools": Family(lambda draw, reach: tools_own.dialogue(draw), 16, 3500),
    "tools": Family(lambda draw, reach: tool_talk.dialogue(draw), 14, 2500),
    "near recall": Family(lambda draw, reach: [recall.near(draw, reach)], 14, 2150),
    "recall": Family(lambda draw, reach: [recall.exchange(draw, reach)], 14, 8000),
    "open book": Family(lambda draw, reach: [open_book.exchange(draw, reach)], 6, 1250),
    "packages": Family(lambda draw, reach: [package_talk.exchange(draw, reach)], 4, 720),
    "json": Family(_alone(json_talk.exchange), 14, 450),
    "numbers": Family(_alone(numbers.exchange), 18, 285),
    "words": Family(_alone(words.exchange), 12, 285),
    "facts": Family(_alone(facts_talk.exchange), 10, 257),
    "text": Family(_alone(text_work.exchange), 11, 291),
    "code": Family(_alone(code_talk.exchange), 6, 400),
    "quick tasks": Family(_alone(quick_tasks.exchange), 0.7, 240),
    "stories": Family(_alone(story_talk.exchange), 7, 960),
    "mixed": Family(lambda draw, reach: mixed(draw, reach), 12, 1330),
}


@dataclass(frozen=True)
class Plan:
    """All that decides what is written, besides the sample's number."""

    seed: str
    test: bool
    weights: tuple[tuple[str, float], ...]  # per family: its share of the samples
    reach: Reach


def sample_weights(shares: dict[str, float]) -> tuple[tuple[str, float], ...]:
    return tuple((name, share / FAMILIES[name].bytes) for name, share in shares.items())


def make_sample(plan: Plan, index: int) -> tuple[Sample, Draw]:
    """The sample with this number; it depends on nothing but the plan and the number."""
    draw = Draw(f"{plan.seed}/{'test' if plan.test else 'train'}/{index}", plan.test)
    limits = list(accumulate(weight for _, weight in plan.weights))
    name = plan.weights[bisect(limits, draw.random() * limits[-1])][0]
    return build_sample(draw, name, FAMILIES[name].make(draw, plan.reach)), draw
