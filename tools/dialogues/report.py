"""Figures of each family: how fast, how many different, how long, how much of it is the same again."""
from __future__ import annotations

import json
import lzma
import time
from dataclasses import replace

from dialogues.draw import Draw
from dialogues.families.stories import story_text
from dialogues.mixture import Plan, make_sample


def _row(name: str, texts: list[str], seconds: float) -> str:
    data = "\n".join(texts).encode()
    packed = len(lzma.compress(data, preset=6))
    return (
        f"{name:<12}{len(texts) / seconds:>12.0f}{len(data) / seconds / 1e6:>10.2f}{100 * len(set(texts)) / len(texts):>10.1f}"
        f"{len(data) / len(texts):>14.0f}{packed / len(data):>8.3f}"
    )


def print_report(plan: Plan, families: list[str], samples: int) -> None:
    print(f"{'family':<12}{'samples/s':>12}{'MB/s':>10}{'unique %':>10}{'bytes/sample':>14}{'xz':>8}", flush=True)
    for name in families:
        alone = replace(plan, weights=((name, 1.0),))
        make_sample(alone, 0)  # tables are read before the clock runs
        start = time.perf_counter()
        texts = [json.dumps(make_sample(alone, number)[0], ensure_ascii=False) for number in range(samples)]
        print(_row(name, texts, time.perf_counter() - start), flush=True)
    start = time.perf_counter()
    texts = [story_text(Draw(f"{plan.seed}/text/{number}", plan.test)) for number in range(samples)]
    print(_row("story text", texts, time.perf_counter() - start))
