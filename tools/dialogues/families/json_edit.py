"""Work on JSON that is given: repair, convert, look up, change, filter, sort, count."""
from __future__ import annotations

import json
from typing import Any

from dialogues.draw import Draw
from dialogues.english import number_text
from dialogues.exchange import Exchange, Json, contains, exact, json_value, number, says
from dialogues.families.json_text import as_json
from dialogues.families.records import RECORDS, Record
from dialogues.families.tools_random import parameter_schema, parameter_value


def _flat(draw: Draw) -> dict[str, Any]:
    """A record or an object with random keys."""
    if draw.chance(0.6):
        return draw.pick(RECORDS).draw(draw)
    return {
        key: parameter_value(draw, parameter_schema(draw, deep=False))
        for key in draw.slot_set("key", draw.integer(2, 5))
    }


def _plain_records(draw: Draw, low: int = 2, high: int = 4) -> tuple[Record, list[dict[str, Any]]]:
    record = draw.pick(RECORDS)
    rows = [record.draw(draw) for _ in range(draw.integer(low, high))]
    keys = [
        key
        for key, value in rows[0].items()
        if not isinstance(value, (list, bool)) and "," not in "".join(str(row[key]) for row in rows)
    ]
    keys = keys[: draw.integer(2, 4)] if len(keys) > 2 else keys
    return record, [{key: row[key] for key in keys} for row in rows]


def broken(draw: Draw) -> Exchange:
    value = _flat(draw)
    right = as_json(value)
    faults = [
        ("the last brace is missing", right[:-1]),
        ("there is a comma before the brace", right[:-1] + ",}"),
        ("the quotes are single", right.replace('"', "'")),
    ]
    first = next(iter(value))
    faults.append((f"the key {first} has no quotes", right.replace(f'"{first}"', first, 1)))
    if ", " in right and len(value) > 1:
        second = list(value)[1]
        faults.append((f"a comma is missing before {second}", right.replace(f', "{second}"', f' "{second}"', 1)))
    faults.append((f"the colon after {first} is missing", right.replace(f'"{first}": ', f'"{first}" ', 1)))
    if "true" in right or "false" in right:
        faults.append(
            ("true and false are written with a capital", right.replace("true", "True").replace("false", "False"))
        )
    faults = [(fault, text) for fault, text in faults if text != right and ("'" not in right or "single" not in fault)]
    fault, text = draw.pick(faults)
    question = draw.say(
        "[[Fix|Repair|Correct] this JSON[.|:]\n{text}|{text}\n[This JSON is broken. Fix it.|What is the right "
        "JSON?|Please correct it.]|[This|The following] is not valid JSON[, please repair it|. Repair it]: "
        "{text}]",
        text=text,
    )
    return says(question, right, draw.say("[I see that|The fault:|Here] {fault}.", fault=fault), json_value(value))


def from_csv(draw: Draw) -> Exchange:
    record, rows = _plain_records(draw)
    keys = list(rows[0])
    mark, mark_name = draw.pick(((",", "CSV"), (",", "CSV"), (";", "CSV"), ("\t", "TSV")))
    text = "\n".join([mark.join(keys), *(mark.join(str(value) for value in row.values()) for row in rows)])
    question = draw.say(
        "[[Convert|Turn] this {kind} [to|into] JSON[.|:]\n{text}|{text}\n\n[As a JSON array|As JSON, please|"
        "JSON][.|]|This is {kind}. Make JSON of it.\n{text}]",
        kind=mark_name,
        text=text,
    )
    return says(
        question,
        as_json(rows),
        draw.say(
            "[The first line has|Columns:] {keys}. [There are|Then] {count} rows.",
            keys=", ".join(keys),
            count=len(rows),
        ),
        json_value(rows),
    )


def to_csv(draw: Draw) -> Exchange:
    record, rows = _plain_records(draw)
    keys = list(rows[0])
    text = "\n".join([",".join(keys), *(",".join(str(value) for value in row.values()) for row in rows)])
    question = draw.say(
        "[[Convert|Turn] this [JSON |][to|into] CSV[.|:]\n{json}|{json}\n\n[As CSV|CSV, please|Write that as CSV][.|]]",
        json=as_json(rows),
    )
    return says(
        question,
        text,
        draw.say("[The columns are|Header:] {keys}. {count} rows follow.", keys=", ".join(keys), count=len(rows)),
        exact(text),
    )


def to_lines(draw: Draw) -> Exchange:
    value = {key: inner for key, inner in _flat(draw).items() if not isinstance(inner, list)}
    if not value:
        return to_lines(draw)
    text = "\n".join(
        f"{key}: {'true' if inner is True else 'false' if inner is False else inner}" for key, inner in value.items()
    )
    if draw.chance(0.5):
        question = draw.say(
            "[[Write|Show] this JSON as [YAML|lines of key: value|YAML lines][.|:]\n{json}|{json}\nAs YAML[, "
            "please|].]",
            json=as_json(value),
        )
        return says(question, text, "One line for each key.", exact(text))
    question = draw.say(
        "[[Convert|Turn] [this YAML|these lines] [to|into] JSON[.|:]\n{text}|{text}\n\nAs JSON[, please|].]", text=text
    )
    return says(question, as_json(value), "Each line becomes a key with its value.", json_value(value))


def to_array(draw: Draw) -> Exchange:
    values = draw.slot_set(draw.pick(("food", "thing", "animal", "colour", "city", "name", "job")), draw.integer(2, 7))
    text = draw.pick((", ", "\n", "; ", " and ", "\n- ")).join(values)
    if "\n- " in text:
        text = "- " + text
    question = draw.say(
        "[[Make|Write] a JSON array of[ these|]: {text}|{text}\n[As a JSON array|As JSON|A JSON list][, please.|"
        ".]|[Turn|Put] this [list |]into a JSON array: {text}]",
        text=text,
    )
    return says(
        question,
        as_json(values),
        draw.say("[There are|I count] {count} entries.", count=len(values)),
        json_value(values),
    )


def from_array(draw: Draw) -> Exchange:
    values = draw.slot_set(draw.pick(("food", "thing", "animal", "colour", "city", "name", "job")), draw.integer(2, 7))
    text = "\n".join(f"- {value}" for value in values)
    return says(
        draw.say(
            "[[Write|Show] this [JSON |]array as a [bullet|bulleted] list[.|:] {json}|{json}\nAs a bullet "
            "list[, please|].]",
            json=as_json(values),
        ),
        text,
        "One line for each entry.",
        exact(text),
    )


def look_up(draw: Draw) -> Exchange:
    value: dict[str, Any] = _flat(draw)
    path: list[str] = []
    if draw.chance(0.35):
        value = {draw.slot("key"): value, draw.slot("key"): draw.integer(1, 99)}
        path = (
            [next(key for key, inner in value.items() if isinstance(inner, dict))]
            if any(isinstance(inner, dict) for inner in value.values())
            else []
        )
    inner: Any = value[path[0]] if path else value
    key = draw.pick(list(inner))
    path.append(key)
    found = inner[key]
    answer = found if isinstance(found, str) else as_json(found)
    question = draw.say(
        "[{json}\n\n[What is|Give me] [the value of |]{path}?|What is {path} in {json}?|[Read|Get] {path} from "
        "this JSON: {json}|{json}\n{path}?]",
        json=as_json(value, draw.pick(("plain", "pretty"))),
        path=".".join(path) if draw.chance(0.5) else " of ".join(f'"{part}"' for part in reversed(path)),
    )
    return says(
        question,
        answer,
        draw.say("[Under|At] {path} [I find|stands] {found}.", path=".".join(path), found=as_json(found)),
        exact(answer),
    )


def changed(draw: Draw) -> Exchange:
    value = _flat(draw)
    before = as_json(value, draw.pick(("plain", "plain", "pretty")))
    kind = draw.integer(0, 3)
    key = draw.pick(list(value))
    new_key = draw.slot("key")
    if new_key in value:
        return changed(draw)
    if kind == 0:
        new: Json = draw.integer(1, 999) if draw.chance(0.5) else draw.slot("noun")
        value[key] = new
        wish = draw.say("[Set|Change] {key} to {new}.", key=key, new=as_json(new))
    elif kind == 1:
        if len(value) == 1:
            return changed(draw)
        del value[key]
        wish = draw.say("[Remove|Delete|Leave out] [the key |]{key}.", key=key)
    elif kind == 2:
        value = {new_key if name == key else name: inner for name, inner in value.items()}
        wish = draw.say("[Rename|Change the key] {key} to {new}.", key=key, new=new_key)
    else:
        new = draw.integer(1, 999) if draw.chance(0.5) else draw.slot("noun")
        value[new_key] = new
        wish = draw.say("[Add|Put in] {key} with the value {new}[.| at the end.]", key=new_key, new=as_json(new))
    question = draw.say("[{wish}\n{json}|{json}\n\n{wish}|In this JSON: {json}\n{wish}]", wish=wish, json=before)
    return says(
        question,
        as_json(value),
        draw.say("[I change only that|All else stays as it is]. {wish}", wish=wish),
        json_value(value),
    )


def over_array(draw: Draw) -> Exchange:
    """Filter, sort, count, sum, names of an array of objects."""
    record, rows = _plain_records(draw, 3, 5)
    numbers = [key for key, inner in rows[0].items() if isinstance(inner, (int, float))]
    texts = [key for key, inner in rows[0].items() if isinstance(inner, str)]
    noun = record.name.replace("_", " ")
    given = as_json(rows)
    kind = draw.integer(0, 5)
    if kind == 0 and texts:
        key = draw.pick(texts)
        answer: Json = [row[key] for row in rows]
        return says(
            draw.say(
                "[{json}\n[List|Give me] [all values of|every] {key} as a JSON array.|All {key} values [from|"
                "of] this as an array: {json}]",
                json=given,
                key=key,
            ),
            as_json(answer),
            f"I take {key} from each object.",
            json_value(answer),
        )
    if kind == 1 or not numbers:
        return says(
            draw.say(
                "[{json}\n[How many objects are there?|How many {many noun}?|Count the entries.]|How many "
                "entries has {json}?]",
                json=given,
                noun=noun,
            ),
            str(len(rows)),
            draw.say("[I count|Counting]: {count}.", count=", ".join(str(at + 1) for at in range(len(rows)))),
            number(len(rows)),
        )
    key = draw.pick(numbers)
    if kind == 2:
        limit = sorted(row[key] for row in rows)[len(rows) // 2]
        answer = [row for row in rows if row[key] >= limit]
        return says(
            draw.say(
                "[{json}\n[Keep|Return] only those with {key} of at least {limit}.|Filter {json}: {key} >= {limit}]",
                json=given,
                key=key,
                limit=limit,
            ),
            as_json(answer),
            ", ".join(f"{row[key]} {'stays' if row[key] >= limit else 'goes'}" for row in rows) + ".",
            json_value(answer),
        )
    if kind == 3:
        down = draw.chance(0.5)
        answer = sorted(rows, key=lambda row: float(row[key]), reverse=down)
        return says(
            draw.say(
                "[{json}\nSort by {key}, {order} first.|[Sort|Order] these by {key} ({order} first): {json}]",
                json=given,
                key=key,
                order="largest" if down else "smallest",
            ),
            as_json(answer),
            "In order: " + ", ".join(str(row[key]) for row in answer) + ".",
            json_value(answer),
        )
    if kind == 4 and all(isinstance(row[key], int) and row[key] < 1000 for row in rows):
        total = sum(row[key] for row in rows)
        return says(
            draw.say("[{json}\nWhat is the sum of {key}?|Add up {key} in {json}.]", json=given, key=key),
            str(total),
            " + ".join(str(row[key]) for row in rows) + f" = {total}.",
            number(total),
        )
    best = max(rows, key=lambda row: float(row[key]))
    if texts and sum(row[key] == best[key] for row in rows) == 1:
        name = texts[0]
        return says(
            draw.say(
                "[{json}\nWhich {name} has the [largest|highest|biggest] {key}?|The {name} with the [largest|"
                "highest] {key} in {json}?]",
                json=given,
                name=name,
                key=key,
            ),
            str(best[name]),
            f"The largest {key} is {number_text(best[key])}: {best[name]}.",
            contains(str(best[name])),
        )
    return over_array(draw)


def quoted(draw: Draw) -> Exchange:
    """Escapes and letters beyond ASCII."""
    text = draw.pick(
        (
            'She said "{}".',
            "a\\{}",
            "line one\nline two {}",
            "{}\tend",
            "caf\u00e9 {}",
            "Gr\u00fc\u00dfe, {}",
            "\u00bfd\u00f3nde? {}",
            '"{}"',
            "{} \u2192 ok",
            "50 % {}",
            "C:\\{}\\new",
        )
    ).replace("{}", draw.pick((draw.slot("noun"), draw.slot("name"), draw.slot("city"))))
    key = draw.slot("key")
    value = {key: text}
    question = draw.say(
        "[Make a JSON object with the key {key} and this text as value:\n{text}|JSON, key {key}, value is the "
        "text after the line.\n---\n{text}]",
        key=key,
        text=text,
    )
    return says(
        question,
        as_json(value),
        draw.say(
            '[Quotes, backslashes and line breaks are escaped.|In JSON a quote becomes \\\\", a line break '
            "\\\\n.|Special signs need a backslash.]"
        ),
        json_value(value),
    )


def answered(draw: Draw) -> Exchange:
    """A small question, answered under a key."""
    a, b = draw.integer(1, 50), draw.integer(1, 50)
    subject, value = draw.pick(
        (
            (f"{a} + {b}", a + b),
            (f"{a + b} - {b}", a),
            ("the number of days in a week", 7),
            (f"the first letter of {draw.slot('city')}", ""),
            (f"whether {a} is larger than {b}", a > b),
            ("the colour of snow", "white"),
            ("the month after May", "June"),
            (f"the numbers from {a} to {a + 3}", [a, a + 1, a + 2, a + 3]),
            ("nothing", None),
        )
    )
    if value == "":
        value = subject.split()[-1][0]
    key = draw.slot("key") if draw.chance(0.5) else draw.pick(("answer", "result", "value", "output"))
    result = {key: value}
    question = draw.say(
        '[[Give|Return|Answer with] {subject} as JSON under the key "{key}".|What is {subject}? [Answer|Reply] '
        "as JSON with the key {key}.|JSON with {key}: {subject}]",
        subject=subject,
        key=key,
    )
    if subject.startswith("whether") and question.startswith("What is"):
        question = draw.say(
            "Is {a} larger than {b}? Answer as JSON with the key {key}, true or false.", a=a, b=b, key=key
        )
    if value is None:
        question = draw.say(
            '[Give|Return] JSON with the key "{key}" and [no value|the value null|an empty value (null)].', key=key
        )
    return says(question, json.dumps(result), f"The value is {as_json(value)}.", json_value(result))


KINDS = (
    broken,
    broken,
    from_csv,
    to_csv,
    to_lines,
    to_array,
    from_array,
    look_up,
    look_up,
    changed,
    changed,
    over_array,
    over_array,
    quoted,
    answered,
    answered,
)
