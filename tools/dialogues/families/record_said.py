"""What a record's values are called in sentences and in schemas."""

from __future__ import annotations

from typing import Any

from dialogues.draw import Draw
from dialogues.families.records import Record

_TRUTHS = {
    "in_stock": ("in stock", "sold out"),
    "paid": ("paid", "not paid"),
    "garden": ("a garden", "no garden"),
    "sunny": ("sun", "shade"),
    "remote": ("from home", "in the office"),
    "online": ("online", "offline"),
    "done": ("done", "not done yet"),
    "vegetarian": ("vegetarian", "not vegetarian"),
    "open_on_sunday": ("open", "closed"),
}


def words_of(values: dict[str, Any]) -> dict[str, object]:
    """The values as sentences take them."""
    said: dict[str, object] = dict(values)
    for key, value in values.items():
        if isinstance(value, bool):
            said[key + "_said"] = _TRUTHS[key][0 if value else 1]
        elif isinstance(value, list):
            said[key + "_said"] = value[0] if len(value) == 1 else ", ".join(value[:-1]) + " and " + value[-1]
    if "vehicle" in values:
        said["vehicle_capital"] = str(values["vehicle"]).capitalize()
    return said


def describe(draw: Draw, record: Record, values: dict[str, Any], left_out: frozenset[str] = frozenset()) -> str:
    """A text that says all the values but those left out."""
    said = words_of(values)
    sentences = [record.text.write(draw.rng, said)]
    sentences += [sentence.write(draw.rng, said) for key, sentence in record.optional.items() if key not in left_out]
    return " ".join(sentence[0].upper() + sentence[1:] for sentence in sentences)


def meaning(key: str, value: Any) -> str:
    """What a truth of this key says in words, for the schema's description."""
    return f"true: {_TRUTHS[key][0]}" if isinstance(value, bool) else ""


def type_name(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    return {int: "integer", float: "number", str: "string", list: "array"}[type(value)]
