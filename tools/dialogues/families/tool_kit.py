"""What a tool of the training data is: its schema, how it is asked for, what it gives back, what is then said."""
from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from dialogues.draw import Draw
from dialogues.exchange import Json, Message
from dialogues.grammar import Phrase

Arguments = dict[str, Any]


@dataclass(frozen=True)
class Tool:
    """`draw` gives the arguments; what it names with a leading underscore only the wordings see."""

    name: str
    description: Phrase
    parameters: dict[str, Json]
    required: tuple[str, ...]
    ask: Phrase
    draw: Callable[[Draw], Arguments]
    result: Callable[[Draw, Arguments], Json]
    answer: Phrase
    partial: Phrase | None = None  # a question that lacks the first required parameter
    missing: Phrase | None = None  # how the assistant asks for it
    errors: tuple[str, ...] = field(default=())

    def schema(self, draw: Draw) -> Json:
        return {
            "type": "function",
            "function": {
                "name": self.name,
                "description": self.description.write(draw.rng, {}),
                "parameters": {"type": "object", "properties": self.parameters, "required": list(self.required)},
            },
        }


def _parameter(spec: str) -> tuple[str, bool, Json]:
    """`unit?: celsius|fahrenheit = The unit` to name, required, schema."""
    head, _, description = spec.partition(" = ")
    name, _, kind = head.partition(":")
    kind = kind.strip()
    required = not name.endswith("?")
    schema: Json
    if "|" in kind:
        schema = {"type": "string", "enum": kind.split("|")}
    elif kind.endswith("[]"):
        schema = {"type": "array", "items": {"type": kind[:-2]}}
    else:
        schema = {"type": kind}
    if description:
        schema["description"] = description
    return name.removesuffix("?").strip(), required, schema


def tool(
    name: str,
    description: str,
    parameters: list[str],
    ask: str,
    draw: Callable[[Draw], Arguments],
    result: Callable[[Draw, Arguments], Json],
    answer: str,
    partial: str = "",
    missing: str = "",
    errors: tuple[str, ...] = (),
) -> Tool:
    read = [_parameter(spec) for spec in parameters]
    return Tool(
        name,
        Phrase(description),
        {key: schema for key, _, schema in read},
        tuple(key for key, required, _ in read if required),
        Phrase(ask),
        draw,
        result,
        Phrase(answer),
        Phrase(partial) if partial else None,
        Phrase(missing) if missing else None,
        errors,
    )


def optional(draw: Draw, key: str, value: Any, wording: str, probability: float = 0.5, without: str = "") -> Arguments:
    """An argument that may be left out, and what the slot KEY_said says with it and without."""
    if draw.chance(probability):
        return {key: value, f"_{key}_said": wording.replace("{}", str(value))}
    return {f"_{key}_said": without}


def sent(arguments: Arguments) -> Arguments:
    """The arguments that go over the wire."""
    return {key: value for key, value in arguments.items() if not key.startswith("_")}


def shown(arguments: Arguments) -> dict[str, object]:
    """The arguments as wordings see them: a display form wins over the value."""
    values: dict[str, object] = {key: value for key, value in arguments.items() if not key.startswith("_")}
    values.update({key[1:]: value for key, value in arguments.items() if key.startswith("_")})
    return values


def call(name: str, arguments: Arguments) -> Json:
    return {
        "id": "",
        "type": "function",
        "function": {"name": name, "arguments": json.dumps(sent(arguments), ensure_ascii=False)},
    }


def calls(reasoning: str, made: list[Json], content: str = "") -> Message:
    return {"role": "assistant", "reasoning_content": reasoning, "content": content, "tool_calls": made}


def result_message(result: Json) -> Message:
    text = result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)
    return {"role": "tool", "tool_call_id": "", "content": text}


def expected_calls(made: list[Json]) -> Json:
    """The check of a message that must call: names and arguments, in any order of arguments."""
    return {
        "kind": "tool_call",
        "expected": [
            {"name": each["function"]["name"], "arguments": json.loads(each["function"]["arguments"])} for each in made
        ],
    }
