"""Names, synopses and descriptions of packages, from a text that holds them as `name: synopsis`, a blank line, paragraphs."""
from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from dialogues.carrier import is_foul

_HEAD = re.compile(r"(?m)^([a-z0-9][a-z0-9+.-]{2,28}): ([^\n]{10,90})$")
_LONGEST = 900  # of a description, in bytes


@dataclass(frozen=True, slots=True)
class Package:
    name: str
    synopsis: str
    description: str


def _described(text: str, start: int, end: int) -> str:
    """The first paragraphs between two heads, as far as they are prose."""
    kept: list[str] = []
    for paragraph in text[start:end].strip().split("\n\n"):
        plain = " ".join(paragraph.split())
        if (
            not plain
            or paragraph.lstrip().startswith(("-", "*", "This package contains"))
            or re.match(r"^[^.]{1,80}: ", plain)
        ):
            break
        if sum(map(len, kept)) + len(plain) > _LONGEST:
            break
        kept.append(plain)
    return "\n\n".join(kept)


@lru_cache(maxsize=None)
def packages(file: str) -> tuple[Package, ...]:
    text = Path(file).read_text(encoding="utf-8", errors="replace")
    heads = list(_HEAD.finditer(text))
    found: dict[str, Package] = {}
    for head, following in zip(heads, [*heads[1:], None]):
        end = following.start() if following else len(text)
        if end - head.end() < 120:  # a gloss of a dictionary, or a package without a word on it
            continue
        description = _described(text, head.end(), min(end, head.end() + 4 * _LONGEST))
        synopsis = head[2].strip()
        if len(description) < 100 or not description.isascii() or is_foul(synopsis + description):
            continue
        found.setdefault(
            synopsis, Package(head[1], synopsis, description)
        )  # libraries come in many parts with one synopsis
    if len(found) < 20:
        raise ValueError(
            f"[dialogues] {file}: found {len(found)} packages (name: synopsis, then a paragraph), expected 20"
        )
    return tuple(found.values())
