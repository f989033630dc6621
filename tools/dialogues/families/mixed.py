"""Dialogues of several turns that change the subject."""
from __future__ import annotations

from collections.abc import Callable

from dialogues.draw import Draw
from dialogues.exchange import Exchange
from dialogues.families import (
    code_talk,
    direct,
    facts_talk,
    json_talk,
    numbers,
    recall,
    small_talk,
    story_talk,
    text_work,
    tool_talk,
    words,
)
from dialogues.families.recall import Reach

_SUBJECTS: tuple[Callable[[Draw], Exchange], ...] = (
    small_talk.neutral,
    small_talk.neutral,
    small_talk.neutral,
    facts_talk.exchange,
    facts_talk.exchange,
    words.exchange,
    words.exchange,
    numbers.exchange,
    numbers.exchange,
    text_work.exchange,
    text_work.exchange,
    direct.exchange,
    direct.exchange,
    direct.exchange,
    code_talk.exchange,
    json_talk.exchange_in_company,
    story_talk.exchange,
)


def mixed(draw: Draw, reach: Reach) -> list[Exchange]:
    """Two to six turns; some with a tool throughout, or with something told first and asked for last."""
    turns = draw.integer(2, 6)
    kind = draw.random()
    if kind < 0.15:
        start = recall.told_in_chat(draw, Reach(reach.carrier, 50, 300))
        between = [draw.pick(_SUBJECTS)(draw) for _ in range(draw.integer(0, 3))]
        last = Exchange(start.messages[-2:], [(1, start.checks[0][1])], note=start.note)
        return [Exchange(start.messages[:-2], []), *between, last]
    if kind < 0.3:
        return draw.shuffled([tool_talk.exchange(draw), *(draw.pick(_SUBJECTS)(draw) for _ in range(turns - 1))])
    if kind < 0.5:  # one subject, asked again and again
        subject = draw.pick(_SUBJECTS)
        return [subject(draw) for _ in range(turns)]
    return [draw.pick(_SUBJECTS)(draw) for _ in range(turns)]
