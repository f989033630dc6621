"""Many processes, one order: block n of samples is made by process n modulo their number, and read from it in turn.

Each process has a pipe of its own. A pool shares one among all, under a lock; when it is ended early, as a limit in bytes
does, a process that waits to write holds that lock for ever (multiprocessing's Pool.terminate, Python 3.11).
"""
from __future__ import annotations

import json
import multiprocessing
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from itertools import count
from multiprocessing.connection import Connection

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
    for block in in_order(make, samples, jobs):
        for line in block:
            yield line
            written += len(line.encode())
            if limit is not None and written >= limit:
                return


def _serve(make: partial[list[str]], samples: int | None, first: int, jobs: int, pipe: Connection) -> None:
    """What process `first` of `jobs` does: makes its blocks and hands them over; the pipe makes it wait for its reader."""
    try:
        for number, block in enumerate(_blocks(samples)):
            if number % jobs == first:
                pipe.send(make(block))
    except BrokenPipeError:  # nobody reads any more
        pass


def in_order(make: partial[list[str]], samples: int | None, jobs: int) -> Iterator[list[str]]:
    if jobs == 1:
        yield from map(make, _blocks(samples))
        return
    context = multiprocessing.get_context("fork")
    with ExitStack() as stack:
        readers: list[Connection] = []
        for first in range(jobs):
            reader, writer = context.Pipe(duplex=False)
            process = context.Process(target=_serve, args=(make, samples, first, jobs, writer), daemon=True)
            process.start()
            writer.close()  # so that the reader learns of the process's end, and no later process keeps it open
            stack.callback(process.join)
            stack.callback(process.terminate)
            stack.callback(reader.close)
            readers.append(reader)
        for number, _ in enumerate(_blocks(samples)):
            try:
                block = readers[number % jobs].recv()
            except EOFError:
                raise RuntimeError(
                    f"[workers] process {number % jobs}: found its end, expected block {number}"
                ) from None
            yield block
