"""Prose to hide facts in: slices of a text file, mapped into memory, or stories where there is no file."""
from __future__ import annotations

import codecs
import mmap
import re
from functools import lru_cache
from pathlib import Path

from dialogues.draw import Draw
from dialogues.grammar import lines_of
from dialogues.slots import CONTENT

BYTES_PER_TOKEN = 3.8  # of the small vocabulary, on prose
PIECE = 16384  # bytes of prose from one place
_GAP = re.compile(r"\s*\f\s*")


@lru_cache(maxsize=None)
def _foul() -> re.Pattern[str]:
    """Old books and jokes hold words that no example should carry."""
    lines = lines_of((CONTENT / "avoided.txt").read_text(encoding="utf-8"))
    return re.compile(r"\b(" + "|".join(codecs.decode(lines[0], "rot13").split()) + r")s?\b", re.IGNORECASE)


def is_foul(text: str) -> bool:
    return _foul().search(text) is not None


class Carrier:
    def __init__(self, file: Path) -> None:
        with file.open("rb") as opened:
            self.text = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)

    def prose(self, draw: Draw, size: int) -> str:
        """About `size` bytes: pieces that begin and end with a sentence, so that a word to avoid costs one piece."""
        pieces = -(-size // PIECE)
        return "\n\n".join(self._clean(draw, size // pieces) for _ in range(pieces))

    def _clean(self, draw: Draw, size: int) -> str:
        size = min(size, len(self.text) // 2)

        def clean() -> str | None:
            text = self._slice(draw, size)
            return None if not text or is_foul(text) else text

        return draw.until(clean, f"{size} bytes of prose without a word to avoid")

    def _slice(self, draw: Draw, size: int) -> str:
        start = int(draw.random() * (len(self.text) - size))
        begin = self.text.find(b". ", start) + 2
        end = self.text.rfind(b". ", begin, begin + size) + 1
        if begin < 2 or end <= begin:
            begin, end = start, start + size
        text = self.text[begin:end].decode("utf-8", "ignore")
        return _GAP.sub("\n\n", text).strip()


@lru_cache(maxsize=None)
def carrier(file: str) -> Carrier:
    return Carrier(Path(file))


def prose(draw: Draw, file: str, size: int) -> str:
    if file:
        return carrier(file).prose(draw, size)
    from dialogues.families.stories import story_text

    texts: list[str] = []
    while sum(map(len, texts)) < size:
        texts.append(story_text(draw))
    return "\n\n".join(texts)


def sentence_ends(text: str) -> list[int]:
    """Where a sentence can be put in: after the space that follows a full stop."""
    return [match.end() for match in re.finditer(r"(?<=[a-z])\. (?=[A-Z])|\n\n", text)]
