"""JSON as answers write it."""
from __future__ import annotations

import json

from dialogues.draw import Draw
from dialogues.exchange import Json


def as_json(value: Json, style: str = "plain") -> str:
    if style == "pretty":
        return json.dumps(value, ensure_ascii=False, indent=2)
    if style == "compact":
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return json.dumps(value, ensure_ascii=False)


def wanted_style(draw: Draw) -> tuple[str, str]:
    """A style and the words that ask for it; the plain one needs none."""
    kind = draw.random()
    if kind < 0.8:
        return "plain", ""
    if kind < 0.9:
        return "pretty", draw.say("[ Use an indent of 2.| Pretty, please.| One key per line.| Indented, please.]")
    return "compact", draw.say("[ Without spaces.| Compact, please.| No spaces between.| As short as possible.]")
