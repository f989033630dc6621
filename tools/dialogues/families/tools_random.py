"""Tools that nobody has seen: schemas drawn at random, to be read and not remembered."""
from __future__ import annotations

from typing import Any

from dialogues.draw import Draw
from dialogues.exchange import Json
from dialogues.families.tool_kit import Arguments, Tool
from dialogues.grammar import Phrase, phrase

_DESCRIPTIONS = Phrase(
    "{Verb} {a noun}.",
    "{Verb} the {noun}{given}.",
    "[Use this to|Can] {verb} {a noun}{given}.",
    "{Verb} one {noun} [of the system|by its values|as asked].",
    "Tool to {verb} {a noun}.",
)
_ASKS = Phrase(
    "[Please |]{verb} the {noun}{details}.",
    "[Can|Could|Would] you {verb} the {noun}{details}?",
    "[I want|I need|I would like] to " "{verb} {a noun}{details}.",
    "{Verb} {a noun}{details}[, please|].",
    "[Use|Call|Run] {tool}{details}.",
    "[We have to|Let us|You should] {verb} the {noun}{details}.",
    "The {noun} [needs|has] to be handled: {verb} it{details}.",
    "{Verb} the {noun}. [Values|Details|Parameters|Data]: {plain}.",
    "{tool}: {plain}",
)
_ANSWERS = Phrase(
    "[Done|All right|OK|It worked|Finished]. [The {key} is {value}.|{Key}: {value}.]",
    "The {noun} [is done|was handled]; the {key} is {value}.",
    "The tool [says|reports|returned] {key} {value}.",
    "{Key}: {value}.",
)


def parameter_value(draw: Draw, schema: dict[str, Json]) -> Any:
    kind = schema["type"]
    if "enum" in schema:
        return draw.pick(schema["enum"])
    if kind == "integer":
        return draw.integer(0, 9) if draw.chance(0.2) else draw.integer(10, 5000)
    if kind == "number":
        return draw.integer(1, 9999) / draw.pick((10, 100))
    if kind == "boolean":
        return draw.chance(0.5)
    if kind == "array":
        if schema["items"]["type"] == "integer":
            return [draw.integer(1, 99) for _ in range(draw.integer(1, 4))]
        return draw.several(_words(), draw.integer(1, 3))
    if kind == "object":
        return {key: parameter_value(draw, inner) for key, inner in schema["properties"].items()}
    choice = draw.integer(0, 4)
    if choice == 0:
        return draw.pick(_words())
    if choice == 1:
        return f"{draw.pick('ABCDEFGHKLMNPRSTXYZ')}{draw.pick('ABCDEFGHKLMNPRSTXYZ')}-{draw.integer(1, 9999)}"
    if choice == 2:
        return f"{draw.slot('adjective')} {draw.slot('noun')}"
    return draw.slot("city") if choice == 3 else draw.slot("name")


def _words() -> tuple[str, ...]:
    return (
        "amber",
        "basic",
        "copper",
        "delta",
        "early",
        "express",
        "fast",
        "green",
        "heavy",
        "inner",
        "late",
        "light",
        "main",
        "north",
        "open",
        "plain",
        "quick",
        "round",
        "silver",
        "smooth",
        "south",
        "spare",
        "steel",
        "upper",
        "warm",
        "west",
        "wide",
    )


def parameter_schema(draw: Draw, deep: bool = True) -> dict[str, Json]:
    kind = draw.pick(
        ("string", "string", "string", "integer", "integer", "number", "boolean", "enum", "array")
        + (("object",) if deep and draw.chance(0.25) else ())
    )
    if kind == "enum":
        return {"type": "string", "enum": draw.several(_words(), draw.integer(2, 4))}
    if kind == "array":
        return {"type": "array", "items": {"type": draw.pick(("string", "integer"))}}
    if kind == "object":
        return {"type": "object", "properties": {key: parameter_schema(draw, False) for key in draw.slot_set("key", 2)}}
    return {"type": kind}


def spoken_value(draw: Draw, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " and ".join(map(str, value)) if len(value) < 3 else ", ".join(map(str, value))
    if isinstance(value, dict):
        return " and ".join(f"{key.replace('_', ' ')} {spoken_value(draw, inner)}" for key, inner in value.items())
    return f'"{value}"' if isinstance(value, str) and draw.chance(0.3) else str(value)


def _details(draw: Draw, arguments: Arguments) -> tuple[str, str]:
    """The arguments in a sentence, and as a list."""
    style = draw.pick(
        (" {key} {value}", " {key} = {value}", " the {key} {value}", " {a key} of {value}", " {key} set to {value}")
    )
    parts = [
        draw.say(style, key=key.replace("_", " "), value=spoken_value(draw, value)) for key, value in arguments.items()
    ]
    sentence = draw.pick((" with", " using", ", with", " and take")) + (
        " and".join(parts) if len(parts) < 3 else ",".join(parts[:-1]) + " and" + parts[-1]
    )
    mark = draw.pick((": ", " = ", " is "))
    return sentence if arguments else "", ", ".join(
        f"{key.replace('_', ' ') if draw.chance(0.5) else key}{mark}{spoken_value(draw, value)}"
        for key, value in arguments.items()
    )


def tool_name(draw: Draw, verb: str, noun: str) -> str:
    style = draw.integer(0, 5)
    if style == 0:
        return verb + "".join(part.capitalize() for part in noun.split("_"))
    if style == 1:
        return f"{noun}_{verb}"
    if style == 2:
        return f"{noun}.{verb}" if draw.chance(0.3) else f"{verb}-{noun}"
    return f"{verb}_{noun}"


def random_tool(draw: Draw) -> Tool:
    verb, noun = draw.slot("tool_verb"), draw.slot("tool_noun")
    name = tool_name(draw, verb, noun)
    words = noun.replace("_", " ")
    keys = draw.slot_set("key", draw.integer(1, 4))
    properties = {}
    for key in keys:
        schema = parameter_schema(draw)
        if draw.chance(0.5):
            schema["description"] = draw.say(
                "[The {key}|{Key} of the {noun}|{Key} to use|Wanted {key}|{Key}]", key=key.replace("_", " "), noun=words
            )
        properties[key] = schema
    required = tuple(key for key in keys if draw.chance(0.75)) or (keys[0],)

    def arguments(inner: Draw) -> Arguments:
        drawn: Arguments = {
            key: parameter_value(inner, schema)
            for key, schema in properties.items()
            if key in required or inner.chance(0.5)
        }
        details, plain = _details(inner, drawn)
        return {**drawn, "_details": details, "_plain": plain, "_verb": verb, "_noun": words, "_tool": name}

    result_key = draw.slot("key")

    def result(inner: Draw, _: Arguments) -> Json:
        value = inner.integer(1, 9999) if inner.chance(0.6) else inner.pick(_words())
        return {"status": "ok", result_key: value} if inner.chance(0.6) else {result_key: value}

    description = _DESCRIPTIONS.write(
        draw.rng,
        {
            "verb": verb,
            "noun": words,
            "given": draw.pick((" with the given values", " by " + keys[0].replace("_", " "), "", "")),
        },
    )
    return Tool(
        name,
        phrase(description) if "[" not in description else phrase("A tool."),
        properties,
        required,
        _ASKS,
        arguments,
        result,
        _ANSWERS,
        Phrase(
            f"[Please |]{verb} the {words}.",
            f"Can you {verb} the {words}?",
            f"I want to {verb} {'an' if words[0] in 'aeiou' else 'a'} {words}.",
        ),
        Phrase(
            "[Which|What] {missing} [should I use|do you want]?",
            "I need the {missing}. What should it be?",
            "What is the {missing}?",
        ),
        ("not found", "busy", "no rights", "timeout", f"{words} not available", "value out of range"),
    )


def spoken(arguments: Arguments, result: Json) -> dict[str, object]:
    key, value = list(result.items())[-1]
    return {"key": key.replace("_", " "), "value": value}
