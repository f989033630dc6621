"""The little English grammar that templates need: articles, plurals, past tense, lists, ordinals, numbers in words."""
from __future__ import annotations

from collections.abc import Sequence

_IRREGULAR_PLURALS = {
    "child": "children",
    "man": "men",
    "woman": "women",
    "foot": "feet",
    "tooth": "teeth",
    "mouse": "mice",
    "goose": "geese",
    "person": "people",
    "sheep": "sheep",
    "fish": "fish",
    "deer": "deer",
    "leaf": "leaves",
    "knife": "knives",
    "loaf": "loaves",
    "shelf": "shelves",
    "wolf": "wolves",
    "wife": "wives",
    "half": "halves",
    "scarf": "scarves",
    "potato": "potatoes",
    "tomato": "tomatoes",
    "hero": "heroes",
    "calf": "calves",
    "thief": "thieves",
    "ox": "oxen",
    "life": "lives",
    "swan": "swans",
    "squid": "squid",
    "moose": "moose",
}
_SILENT_H = ("hour", "honest", "heir", "honour")
_CONSONANT_SOUND = ("uni", "use", "user", "usu", "eu", "one", "once", "ute", "ukulele")
UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
).split()
TENS = "_ _ twenty thirty forty fifty sixty seventy eighty ninety".split()


def with_article(noun: str) -> str:
    lower = noun.lower()
    vowel = lower[:1] in "aeiou" and not lower.startswith(_CONSONANT_SOUND) or lower.startswith(_SILENT_H)
    return f"an {noun}" if vowel else f"a {noun}"


def plural(noun: str) -> str:
    head, space, last = noun.rpartition(" ")
    if last in _IRREGULAR_PLURALS:
        return head + space + _IRREGULAR_PLURALS[last]
    if last.endswith(("s", "x", "z", "ch", "sh")):
        return noun + "es"
    if last.endswith("y") and last[-2:-1] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + "s"


def counted(count: int, noun: str) -> str:
    return f"{count} {noun if count == 1 else plural(noun)}"


def listed(items: Sequence[str], last: str = "and") -> str:
    if len(items) < 2:
        return "".join(items)
    if len(items) == 2:
        return f"{items[0]} {last} {items[1]}"
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


def ordinal(number: int) -> str:
    if 10 <= number % 100 <= 20:
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"


def in_words(number: int) -> str:
    """0 to 999,999 in words."""
    if number < 20:
        return UNITS[number]
    if number < 100:
        return TENS[number // 10] + (f"-{UNITS[number % 10]}" if number % 10 else "")
    if number < 1000:
        rest = f" and {in_words(number % 100)}" if number % 100 else ""
        return f"{UNITS[number // 100]} hundred{rest}"
    below = number % 1000
    joint = "" if not below else f" and {in_words(below)}" if below < 100 else f" {in_words(below)}"
    return f"{in_words(number // 1000)} thousand{joint}"


def number_text(value: float) -> str:
    """A number as people write it: no trailing zeros, at most four decimals."""
    if isinstance(value, int) or value == int(value):
        return str(int(value))
    return f"{value:.4f}".rstrip("0").rstrip(".")
