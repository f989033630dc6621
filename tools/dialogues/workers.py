"""Many processes, one order: blocks of samples are made anywhere and written by number."""
from __future__ import annotations

import json
import multiprocessing
import multiprocessing.pool
from collections.abc import Iterator
from functools import partial
from itertools import count

from dialogues.draw import Draw
from dialogues.families.stories import story_text
from dialogues.mixture import Plan, make_sample

BLOCK = 200
PAGE_BREAK = "\n\f\n"


def dialogue_block(plan: Plan, with_slots: bool, numbers: range) -> list[str]:
    lines = []
    for number in numbers:
        sample, draw = make_sample(plan, number)
        if with_slots:
            sample["slots"] = [list(pair) for pair in dict.fromkeys(draw.drawn)]
        lines.append(json.dumps(sample, ensure_ascii=False) + "\n")
    return lines


def story_block(plan: Plan, numbers: range) -> list[str]:
    return [story_text(Draw(f"{plan.seed}/text/{number}", plan.test)) + PAGE_BREAK for number in numbers]


def _blocks(samples: int | None) -> Iterator[range]:
    for start in count(0, BLOCK):
        if samples is not None and start >= samples:
            return
        yield range(start, start + BLOCK if samples is None else min(start + BLOCK, samples))


def produce(
    plan: Plan, text: bool, with_slots: bool, samples: int | None, limit: int | None, jobs: int
) -> Iterator[str]:
    """The samples in order, until there are enough of them or of their bytes; the same however many processes there are."""
    make = partial(story_block, plan) if text else partial(dialogue_block, plan, with_slots)
    written = 0
    for block in _in_order(make, _blocks(samples), jobs):
        for line in block:
            yield line
            written += len(line.encode())
            if limit is not None and written >= limit:
                return


def _in_order(make: partial[list[str]], blocks: Iterator[range], jobs: int) -> Iterator[list[str]]:
    if jobs == 1:
        yield from map(make, blocks)
        return
    with multiprocessing.get_context("fork").Pool(jobs) as pool:
        waiting: list[multiprocessing.pool.AsyncResult[list[str]]] = []
        for block in blocks:  # a few blocks ahead for each process, and no more
            waiting.append(pool.apply_async(make, (block,)))
            if len(waiting) >= 4 * jobs:
                yield waiting.pop(0).get()
        for result in waiting:
            yield result.get()
