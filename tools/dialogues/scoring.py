"""Whether an answer passes the check of a test sample. The kinds:

exact      the same text, outer blanks aside          any_of   holds one of the texts, whatever the case
contains   holds each of the texts, whatever the case  number   its last number is this one
json       parses to this value and fits the schema    unknown  says in one of the ways that it does not know
tool_call  these calls with these arguments, in order  no_call  no tool is called
asks       asks back: no call, and a question          read     nothing to check by program
"""
from __future__ import annotations

import json
import re
from typing import Any

from dialogues.exchange import Check, Json, Message

_TYPES: dict[str, Any] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
    "null": type(None),
}


def fits(value: Json, schema: Json) -> bool:
    """The part of JSON schema that our schemas use."""
    kinds = schema.get("type", list(_TYPES))
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if not any(
        isinstance(value, _TYPES[kind]) and (not isinstance(value, bool) or kind == "boolean") for kind in kinds
    ):
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    if isinstance(value, list) and "items" in schema:
        return all(fits(item, schema["items"]) for item in value)
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        return all(key in value for key in schema.get("required", [])) and all(
            fits(inner, properties[key]) if key in properties else not properties for key, inner in value.items()
        )
    return True


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return _parsed


def _calls(message: Message) -> list[Json]:
    return [
        {"name": call["function"]["name"], "arguments": _parsed(call["function"]["arguments"])}
        for call in message.get("tool_calls", [])
    ]


def passes(check: Check, message: Message) -> bool:
    kind, expected = check["kind"], check["expected"]
    text = message.get("content") or ""
    lower = text.lower()
    if kind == "exact":
        return text.strip() == str(expected).strip()
    if kind == "contains":
        return all(str(each).lower() in lower for each in expected)
    if kind in ("any_of", "unknown"):
        return any(str(each).lower() in lower for each in expected)
    if kind == "number":
        numbers = re.findall(r"-?\d+(?:\.\d+)?", text)
        return bool(numbers) and float(numbers[-1]) == float(expected)
    if kind == "json":
        value = _parsed(text)
        return bool(value == expected) and ("schema" not in check or fits(value, check["schema"]))
    if kind == "tool_call":
        return bool(_calls(message) == expected)
    if kind == "no_call":
        return not _calls(message)
    if kind == "asks":
        return not _calls(message) and bool(text.strip()) and ("?" in text or "tell" in lower)
    if kind == "read":
        return True
    raise ValueError(f"[scoring] check.kind: found {kind!r}, expected one of the kinds above")
