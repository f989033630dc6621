"""An exchange: a user's message and all that follows until the assistant's last word on it."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Json = Any
Message = dict[str, Any]
Check = dict[str, Any]


@dataclass(slots=True)
class Exchange:
    messages: list[Message]  # user first, assistant last; assistant messages always carry their reasoning here
    checks: list[tuple[int, Check]]  # index of an assistant message, and how to score what a model says in its place
    tools: list[Json] = field(default_factory=list)
    response_format: Json = None
    system: str = ""  # what the system message has to say for this exchange to make sense
    thinking: bool | None = None  # set where only one mode makes sense
    alone: bool = False  # wants the dialogue for itself
    note: dict[str, Any] = field(default_factory=dict)  # for evaluation: distance, operation ...


def user(content: str) -> Message:
    return {"role": "user", "content": content}


def assistant(content: str, reasoning: str = "", plain: str = "") -> Message:
    """`plain` is what the answer says when there is no thinking: the steps, if the answer needs them."""
    message = {"role": "assistant", "reasoning_content": reasoning, "content": content}
    if plain:
        message["plain"] = plain
    return message


def exact(expected: str) -> Check:
    return {"kind": "exact", "expected": expected}


def contains(*expected: str) -> Check:
    """Every one of the texts, whatever their case."""
    return {"kind": "contains", "expected": list(expected)}


def any_of(*expected: str) -> Check:
    return {"kind": "any_of", "expected": list(expected)}


def json_value(expected: Json, schema: Json = None) -> Check:
    check = {"kind": "json", "expected": expected}
    if schema:
        check["schema"] = schema
    return check


def number(expected: float | int | str) -> Check:
    """The last number of the answer."""
    return {"kind": "number", "expected": expected}


def unknown() -> Check:
    """The answer must say that it does not know."""
    return {
        "kind": "unknown",
        "expected": [
            "do not know",
            "don't know",
            "not sure",
            "no idea",
            "cannot say",
            "not in",
            "does not say",
            "doesn't say",
            "not mentioned",
            "never heard",
            "no information",
            "not given",
            "do not have",
            "cannot tell",
            "cannot find",
            "nothing about",
            "nothing on it",
        ],
    }


def says(
    question: str, answer: str, reasoning: str = "", check: Check | None = None, plain: str = "", **note: Any
) -> Exchange:
    """The common case: one question, one answer."""
    return Exchange([user(question), assistant(answer, reasoning, plain)], [(1, check)] if check else [], note=note)
