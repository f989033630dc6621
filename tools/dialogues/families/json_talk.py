"""Answers that are JSON: taken from a text, as a schema or words ask for it."""
from __future__ import annotations

import json
from typing import Any

from dialogues.draw import Draw
from dialogues.exchange import Exchange, Json, json_value, says
from dialogues.families import json_edit
from dialogues.families.json_text import as_json, wanted_style
from dialogues.families.record_said import describe, meaning, type_name
from dialogues.families.records import RECORDS, Record
from dialogues.families.tools_random import parameter_schema, parameter_value, spoken_value
from dialogues.grammar import Phrase

_EXTRACT = Phrase(
    "{text}\n\n[Extract|Take out|Get] the [data|values|facts] as JSON with the keys {keys}.",
    "{text}\n[Return|Give me|Write] JSON with {keys}.",
    "[Turn|Convert|Change|Put] this into [JSON|a JSON object] with the keys {keys}: {text}",
    "[Make|Build|Create] a JSON object ({keys}) from this text: {text}",
    "[Read the text and answer|Answer] [only |]with JSON. Keys: {keys}.\n\n{text}",
    "Text: {text}\nKeys: {keys}\nJSON:",
    "What [does the text say|is said] about {keys}? [Answer|Reply] as JSON.\n{text}",
    "{text} [As JSON, please|JSON, please|Please write that as JSON]: {keys}.",
    "I need {keys} from this text as [JSON|a JSON object].\n\n{text}",
    "[Parse|Analyse] [this|the sentence|the text] into JSON ({keys}).\n\n{text}",
)
_WITH_SCHEMA = Phrase(
    "{text}",
    "{text}",
    "[Extract the data|Take out the values|Fill the schema][.|:]\n\n{text}",
    "[Here is|This is] the text: {text}",
    "[Please read|Read] this: {text}",
    "{text}\n\n[Answer in the given format.|Use the schema.|Only JSON.]",
    "What does this say? {text}",
    "[Turn|Put] this into the [wanted|asked|given] format: {text}",
)
_THINK = Phrase(
    "[The keys are|I need|Wanted are] {keys}. {found}.",
    "[I look for each key|I go through the keys]: {found}.",
    "[From the text|In the text]: {found}.",
    "{found}. [That makes the object.|Now I write it.|So the JSON is clear.]",
)
_NULL_RULE = Phrase(
    "[Use null for what is not there.|What is missing is null.|Missing values become null.|If a value is not in "
    "the text, write null.]"
)


def object_schema(record: Record, values: dict[str, Any], nullable: bool) -> Json:
    properties: dict[str, Json] = {}
    for key, value in values.items():
        kind: Json = type_name(value)
        schema: dict[str, Json] = {"type": [kind, "null"] if nullable and key in record.optional else kind}
        if kind == "array":
            schema["items"] = {"type": "string"}
        if isinstance(value, bool):
            schema["description"] = meaning(key, value)
        properties[key] = schema
    return {"type": "object", "properties": properties, "required": list(values)}


def keys_said(draw: Draw, keys: list[str], values: dict[str, Any]) -> str:
    names = [f'"{key}"' if draw.chance(0.15) else key for key in keys]
    if draw.chance(0.25):
        names = [
            f"{name} ({type_name(values[key]) if values[key] is not None else 'string'})"
            for name, key in zip(names, keys)
        ]
    if draw.chance(0.5) or len(names) < 2:
        return ", ".join(names)
    return ", ".join(names[:-1]) + " and " + names[-1]


def found(values: dict[str, Any]) -> str:
    return ", ".join(
        f"{key.replace('_', ' ')}: {'not there' if value is None else json.dumps(value, ensure_ascii=False)}"
        for key, value in values.items()
    )


def _sample(draw: Draw) -> tuple[Record, str, dict[str, Any], bool]:
    """A record, its text, and the values with null for what the text leaves out."""
    record = draw.pick(RECORDS)
    values = record.draw(draw)
    left_out = frozenset(key for key in record.optional if draw.chance(0.3)) if draw.chance(0.4) else frozenset()
    text = describe(draw, record, values, left_out)
    values = {key: None if key in left_out else value for key, value in values.items()}
    return record, text, values, bool(left_out)


def extract(draw: Draw) -> Exchange:
    record, text, values, has_null = _sample(draw)
    keys = list(values)
    if draw.chance(0.35):
        keys = draw.several(keys, draw.integer(1, len(keys)))
    chosen = {key: values[key] for key in keys}
    whole = record.draw(draw)
    question = draw.fill(_EXTRACT, {"text": text, "keys": keys_said(draw, keys, {key: whole[key] for key in keys})})
    if has_null:
        question += " " + draw.fill(_NULL_RULE, {})
    style, wish = wanted_style(draw)
    return says(
        question + wish,
        as_json(chosen, style),
        draw.fill(_THINK, {"keys": ", ".join(keys), "found": found(chosen)}),
        json_value(chosen),
    )


def with_format(draw: Draw) -> Exchange:
    """The schema stands in response_format, or in the system message."""
    record, text, values, has_null = _sample(draw)
    whole = {key: record.fields[key](draw) if value is None else value for key, value in values.items()}
    schema = object_schema(record, whole, has_null or draw.chance(0.3))
    answer = as_json(values, "plain")
    exchange = says(
        draw.fill(_WITH_SCHEMA, {"text": text}),
        answer,
        draw.fill(_THINK, {"keys": ", ".join(values), "found": found(values)}),
        json_value(values, schema),
    )
    exchange.alone = True
    way = draw.random()
    if way < 0.5:
        exchange.response_format = {"type": "json_schema", "json_schema": {"name": record.name, "schema": schema}}
    elif way < 0.75:
        exchange.system = draw.say(
            "[Answer|Reply] [only |]with JSON [of|that follows] this schema: {schema}", schema=json.dumps(schema)
        )
    else:
        exchange.response_format = {"type": "json_object"}
        exchange.system = draw.say(
            "[Give|Return] a JSON object with the keys {keys}. {rule}",
            keys=", ".join(values),
            rule=draw.fill(_NULL_RULE, {}),
        )
    return exchange


def several_records(draw: Draw) -> Exchange:
    record = draw.pick(RECORDS)
    values = [record.draw(draw) for _ in range(draw.integer(2, 4))]
    text = draw.pick((" ", "\n", "\n- ")).join(describe(draw, record, each) for each in values)
    keys = list(values[0])
    if draw.chance(0.5):
        keys = draw.several(keys, draw.integer(1, 2))
    chosen = [{key: each[key] for key in keys} for each in values]
    wrapped = draw.chance(0.25)
    answer: Json = {"items": chosen} if wrapped else chosen
    question = draw.say(
        "[{text}\n\n[Make|Write] a JSON array of objects with {keys}.|[List|Give me] these as a JSON array "
        "({keys}):\n{text}|{text}\n[As a JSON list|As JSON array], keys {keys}[, please|].|"
        "[Turn|Convert] the text into JSON, one object for each {record} with {keys}.\n\n{text}]",
        text=text,
        keys=keys_said(draw, keys, values[0]),
        record=record.name.replace("_", " "),
    )
    if wrapped:
        question += draw.say(' [Put the array under the key "items".|The array should be in "items".]')
    return says(
        question,
        as_json(answer, "plain"),
        draw.say(
            "[There are|I find|The text has] {count} {many record}. [One object each.|So {count} objects.]",
            count=len(values),
            record=record.name.replace("_", " "),
        ),
        json_value(answer),
    )


def to_sentence(draw: Draw) -> Exchange:
    record = draw.pick(RECORDS)
    values = record.draw(draw)
    answer = describe(draw, record, values)
    question = draw.say(
        "[[Say|Write|Describe] this [JSON |]in [words|a sentence|plain English]: {json}|{json}\n[What does this "
        "say?|Put it into words.|As a sentence, please.]|"
        "[Turn|Change] this JSON into [text|a sentence][.|:]\n{json}]",
        json=as_json(values, draw.pick(("plain", "pretty"))),
    )
    return says(
        question,
        answer,
        draw.say(
            "[The object is|It is] {a record}: {found}.", record=record.name.replace("_", " "), found=found(values)
        ),
    )


def random_object(draw: Draw) -> Exchange:
    """Keys that mean nothing in particular, given in words."""
    keys = draw.slot_set("key", draw.integer(1, 5))
    values: dict[str, Any] = {key: parameter_value(draw, parameter_schema(draw, deep=draw.chance(0.5))) for key in keys}
    mark = draw.pick((" is ", " = ", ": ", " -> "))
    parts = [
        f"{key}{mark}{'true' if value is True else 'false' if value is False else spoken_value(draw, value)}"
        for key, value in values.items()
        if not isinstance(value, dict)
    ]
    for key, value in values.items():
        if isinstance(value, dict):
            parts.append(
                f"{key} is an object with "
                + " and ".join(
                    f"{name}{mark}{'true' if inner is True else 'false' if inner is False else spoken_value(draw, inner)}"
                    for name, inner in value.items()
                )
            )
    ordered = {key: value for key, value in values.items() if not isinstance(value, dict)} | {
        key: value for key, value in values.items() if isinstance(value, dict)
    }
    if any(
        isinstance(value, list) or isinstance(value, dict) and any(isinstance(inner, list) for inner in value.values())
        for value in ordered.values()
    ):
        hint = (
            " [Values with several parts are arrays.|Make arrays of lists.|Use arrays where there are several values.]"
        )
        single = any(
            isinstance(value, list) and len(value) == 1
            for value in [
                *ordered.values(),
                *(inner for value in ordered.values() if isinstance(value, dict) for inner in value.values()),
            ]
        )
        if single:
            return random_object(draw)
    else:
        hint = ""
    joined = draw.pick((", ", "; ", "\n")).join(parts)
    question = draw.say(
        "[[Make|Write|Build|Give me] [a JSON object|JSON]: {parts}.|{parts}\n\n[As JSON|JSON|Write this as "
        "JSON][, please|].|JSON with {parts}.|"
        "[Put|Turn] this into [a |]JSON[ object|]: {parts}]" + hint,
        parts=joined,
    )
    style, wish = wanted_style(draw)
    return says(
        question + wish,
        as_json(ordered, style),
        draw.say(
            "[The keys are|I take] {keys}. [Numbers stay numbers, texts get quotes.|Texts in quotes, numbers "
            "without.|]",
            keys=", ".join(ordered),
        ),
        json_value(ordered),
    )


def nested(draw: Draw) -> Exchange:
    outer, inner = draw.several(RECORDS, 2)
    a, b = outer.draw(draw), inner.draw(draw)
    text = f"{describe(draw, outer, a)} {describe(draw, inner, b)}"
    value = {outer.name: a, inner.name: b}
    question = draw.say(
        '[{text}\n\nMake one JSON object with two objects in it: "{one}" ({keys1}) and "{two}" ({keys2}).|JSON '
        'with "{one}": {keys1} and "{two}": {keys2}. Text: {text}]',
        text=text,
        one=outer.name,
        two=inner.name,
        keys1=", ".join(a),
        keys2=", ".join(b),
    )
    return says(
        question,
        as_json(value, "plain"),
        draw.say("[Two objects|An outer object with two parts]: {one} and {two}.", one=outer.name, two=inner.name),
        json_value(value),
    )


_KINDS = (
    extract,
    extract,
    extract,
    with_format,
    with_format,
    with_format,
    several_records,
    to_sentence,
    random_object,
    random_object,
    nested,
    *json_edit.KINDS,
)
_SHORT = tuple(kind for kind in _KINDS if kind is not with_format)


def exchange(draw: Draw) -> Exchange:
    return draw.pick(_KINDS)(draw)


def exchange_in_company(draw: Draw) -> Exchange:
    """One that can stand among exchanges of other families."""
    return draw.pick(_SHORT)(draw)
