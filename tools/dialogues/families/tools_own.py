"""Chats with the five tools of the server, as people write to it: short questions, mostly one call, sometimes none."""
from __future__ import annotations

import datetime
from collections.abc import Callable

from dialogues import facts
from dialogues.draw import Draw
from dialogues.english import counted, listed, number_text, plural
from dialogues.exchange import Check, Exchange, Json, assistant, contains, user
from dialogues.families import direct_forms, small_talk
from dialogues.families.direct import asked
from dialogues.families.tool_kit import Arguments, Tool, call, calls, expected_calls, result_message
from dialogues.families.tools_real import REAL_TOOLS, country_record
from dialogues.families.units import convert, unit_pair
from dialogues.grammar import Phrase, capital

TOOL: dict[str, Tool] = {tool.name: tool for tool in REAL_TOOLS}
Made = tuple[str, Arguments, Json, str, list[str]]  # question, arguments, result, answer, what the answer must hold

_PLAN = Phrase("[I use|I call|This is for] {tool}{with}.", "[The user asks for|This needs] {tool}{with}.")
_SYNONYM = Phrase(
    "[Synonym|Another word] for {w}?", "What is another word for {w}?", "Synonyms of {w}?", "Words like {w}?"
)
_DEFINE = Phrase(
    '[Define|Explain|Look up|Please define|Can you define] [{w}|"{w}"|the word {w}][.|]',
    "[What does|What do|What is meant by] {w}[ mean|]?",
    '[Meaning|Definition] of [{w}|"{w}"][?|]',
    "[What is the|What's the|Tell me the|Give me the] [meaning|definition] of {w}?",
    "[{W}?|What is {w}?|What's {w}?|Dictionary: {w}|{w} definition|{w} meaning]",
    "[I do not know|I don't understand] the word {w}[.|. What does it mean?]",
    "[Look|Please look] {w} up in the dictionary.",
)


def define_word(draw: Draw) -> Made:
    word = draw.pick(tuple(facts.first_senses().values()))
    result: dict[str, object] = {"word": word.word, "part_of_speech": word.part, "definition": word.definition}
    if word.synonyms:
        result["synonyms"] = list(word.synonyms)
        if draw.chance(0.12):
            answer = f"Other words for {word.word}: {', '.join(word.synonyms)}."
            return _SYNONYM.write(draw.rng, {"w": word.word}), {"word": word.word}, result, answer, list(word.synonyms)
    question = _DEFINE.write(draw.rng, {"w": word.word}).replace("What do ", "What does ")
    if question.startswith("What does") and "mean" not in question:
        question = f"What does {word.word} mean?"
    if question.startswith("What is meant by"):
        question = f"What is meant by {word.word}?"
    answer = f"{capital(word.word)} ({word.part}): {word.definition}."
    return question, {"word": word.word}, result, answer, [word.definition]


_SUM = Phrase(
    "[What is|What's|How much is|Calculate|Compute|Work out|Please calculate|Can you calculate] {s}[?|]",
    "{s}",
    "{s}[?| =| = ?]",
    "[Use the calculator|Calculator]: {s}",
    "[I need|Give me|Tell me] the [result|value] of {s}.",
)


def calculator(draw: Draw) -> Made:
    a, b, c = draw.integer(2, 9999), draw.integer(2, 999), draw.integer(2, 99)
    sign, word = draw.pick((("+", "plus"), ("-", "minus"), ("*", "times"), ("/", "divided by"), ("*", "x"), ("*", "×")))
    written, spoken = draw.pick(
        (
            (f"{a} {sign} {b}", f"{a} {sign} {b}"),
            (f"{a} {sign} {b}", f"{a}{sign}{b}"),
            (f"{a} {sign} {b}", f"{a} {word} {b}"),
            (f"{c} {sign} {b}", f"{c} {word} {b}"),
            (f"{a} {sign} {b}", f"{a} {word} {b}"),
            (f"({a} + {b}) * {c}", f"({a} + {b}) * {c}"),
            (f"{a} + {b} + {c}", f"{a} + {b} + {c}"),
            (f"{a} * {b} - {c}", f"{a} * {b} - {c}"),
            (f"{a} * {c} / 100", draw.pick((f"{c} percent of {a}", f"{c}% of {a}"))),
            (f"{c} ** 2", draw.pick((f"{c} squared", f"the square of {c}", f"{c} to the power of 2"))),
            (f"2 ** {b % 20}", f"2 to the power of {b % 20}"),
            (f"{c * c} ** 0.5", f"the square root of {c * c}"),
            (f"{a / 100:.2f} * {c}", f"{a / 100:.2f} {draw.pick(('times', '*'))} {c}"),
        )
    )
    value = eval(written, {"__builtins__": {}})  # our own expression, made above
    result = int(value) if value == int(value) else round(value, 4)
    return (
        _SUM.write(draw.rng, {"s": spoken}),
        {"expression": written},
        {"result": result},
        f"{written} = {result}",
        [str(result)],
    )


_SHORT = {
    "kilometre": "km", "metre": "m", "centimetre": "cm", "millimetre": "mm", "foot": "ft", "inch": "in", "kilogram": "kg",
    "gram": "g", "milligram": "mg", "pound": "lb", "ounce": "oz", "litre": "l", "millilitre": "ml", "hour": "h",
    "minute": "min", "celsius": "°C", "fahrenheit": "°F",
}  # fmt: skip
_CONVERT = Phrase(
    "[Convert|Turn|Change|Please convert] {v} {f} [to|into] {t}[.|]",
    "{v} {f} [in|to] {t}[?|]",
    "[How many|How much] {t} [is|are] {v} {f}?",
    "[What is|What's|How much is] {v} {f} in {t}?",
    "I have {v} {f}. How [many|much] {t} is that?",
)


def _unit_said(draw: Draw, unit: str) -> str:
    if unit in _SHORT and draw.chance(0.35):
        return _SHORT[unit]
    if unit in ("celsius", "fahrenheit"):
        return draw.pick((unit, f"degrees {unit.capitalize()}", unit.capitalize()))
    said = "feet" if unit == "foot" else plural(unit)
    return said.replace("metres", "meters").replace("litres", "liters") if draw.chance(0.3) else said


def convert_units(draw: Draw) -> Made:
    value: float = draw.integer(1, 500) if draw.chance(0.75) else draw.integer(1, 999) / 10
    if draw.chance(0.15):
        source, target = draw.shuffled(("celsius", "fahrenheit"))
        converted = value * 9 / 5 + 32 if source == "celsius" else (value - 32) * 5 / 9
    else:
        source, target = unit_pair(draw)
        converted = convert(value, source, target)
    question = _CONVERT.write(
        draw.rng, {"v": number_text(value), "f": _unit_said(draw, source), "t": _unit_said(draw, target)}
    )
    shown = number_text(converted)
    result = {"value": int(float(shown)) if float(shown) == int(float(shown)) else float(shown), "unit": target}
    names = [unit if unit in ("celsius", "fahrenheit") else plural(unit) for unit in (source, target)]
    names = ["feet" if name == "foots" else name for name in names]
    answer = f"{number_text(value)} {names[0]} are {shown} {names[1]}."
    return question, {"value": value, "from_unit": source, "to_unit": target}, result, answer, [shown]


def country(draw: Draw) -> Made:
    one = draw.pick(facts.countries())
    record = country_record(one.name)
    t, title = one.title, capital(one.title)
    neighbours = (
        f"{title} borders {listed(record['neighbours'])}." if one.neighbours else f"{title} has no land neighbours."
    )
    pattern, answer, held = draw.pick(
        (
            (
                "[What is|What's|Tell me|Look up] the capital of {t}?|Capital of {t}[?|]|{n} capital|The capital of {t}?|Which "
                "city is the capital of {t}?",
                f"The capital of {t} is {one.capital}.",
                one.capital,
            ),
            (
                "[What is|What's|Tell me] the currency of {t}?|[Currency|Money] of {t}[?|]|What money [is used|do they use] "
                "in {t}?|How do I pay in {t}?",
                f"The currency of {t} is the {record['currency']}.",
                record["currency"],
            ),
            (
                "[What|Which] language[s|] [do they speak|is spoken|do people speak] in {t}?|[Language|Languages] of {t}[?|]",
                f"In {t} people speak {listed(one.languages)}." if one.languages else f"I found no language of {t}.",
                one.languages[0] if one.languages else "no language",
            ),
            (
                "How [big|large] is {t}?|[Area|Size] of {t}[?|]|What is the area of {t}?",
                f"{title} has an area of {one.area} square kilometres.",
                str(one.area),
            ),
            (
                "[Neighbours|Neighbors] of {t}[?|]|[What|Which] countries border {t}?|Who are the neighbours of {t}?",
                neighbours,
                one.neighbours[0] if one.neighbours else "no land",
            ),
            (
                "Where is {t}?|[On which|On what] continent is {t}?|In which part of the world is {t}?",
                f"{title} lies in {record['region']}.",
                record["region"],
            ),
            (
                "Tell me about {t}.|[What do you know|Facts] about {t}[?|]|Look up {t}[.|]",
                f"{title} lies in {record['region']}. Its capital is {one.capital}, and it has an area of {one.area} square "
                "kilometres.",
                one.capital,
            ),
        )
    )
    question = draw.say(f"[{pattern}]", t=t, n=one.name)
    return question, {"name": one.name}, record, answer, [held]


def date(draw: Draw) -> Made:
    day = datetime.date(1990, 1, 1) + datetime.timedelta(days=draw.integer(0, 18000))
    said = draw.pick(
        (day.isoformat(), f"{day.day} {day.strftime('%B')} {day.year}", f"{day.strftime('%B')} {day.day}, {day.year}")
    )
    kind = draw.integer(0, 5)
    if kind <= 1:
        question = draw.say(
            "[What day is it[ today|]?|What is today's date?|What's the date[ today|]?|Which day is [it|today]?|Today's "
            "date[?|, please.]|What is the date?|Date?|What weekday is it?|Tell me today's date.]"
        )
        result = {"date": day.isoformat(), "weekday": day.strftime("%A")}
        return question, {}, result, f"Today is {result['weekday']}, {result['date']}.", [day.isoformat()]
    days = draw.integer(1, 400)
    if kind == 2:
        question = draw.say(
            "[[What|Which] [weekday|day of the week] [is|was] {d}?|Weekday of {d}?|What day was {d}?]", d=said
        )
        result = {"date": day.isoformat(), "weekday": day.strftime("%A")}
        return (
            question,
            {"date": day.isoformat()},
            result,
            f"{day.isoformat()} is a {result['weekday']}.",
            [result["weekday"]],
        )
    later = day + datetime.timedelta(days=days)
    result = {"date": later.isoformat(), "weekday": later.strftime("%A")}
    if kind == 3:
        question = draw.say(
            "[What date is {n} [after|from] {d}?|[Which day|What day] is {n} after {d}?|{n} after {d}?|{d} plus {n}?]",
            n=counted(days, "day"),
            d=said,
        )
        answer = f"{counted(days, 'day')} after {day.isoformat()}: {result['weekday']}, {result['date']}."
        return question, {"date": day.isoformat(), "add_days": days}, result, answer, [later.isoformat()]
    if kind == 4:
        question = draw.say(
            "[What date is it in {n}?|Which day is in {n}?|What day is it {n} from now?]", n=counted(days, "day")
        )
        answer = f"In {counted(days, 'day')} it is {result['weekday']}, {result['date']}."
        return question, {"add_days": days}, result, answer, [later.isoformat()]
    other = draw.pick((later.isoformat(), f"{later.day} {later.strftime('%B')} {later.year}"))
    question = draw.say(
        "[How many days [are|lie] [between {d} and|from {d} to] {o}?|Days [between {d} and|from {d} to] {o}?|Count the days "
        "from {d} to {o}.]",
        d=said,
        o=other,
    )
    arguments = {"date": day.isoformat(), "until": later.isoformat()}
    return question, arguments, {"days": days}, f"It is {counted(days, 'day')}.", [str(days)]


_MAKERS: dict[str, Callable[[Draw], Made]] = {
    "define_word": define_word,
    "calculator": calculator,
    "convert_units": convert_units,
    "country": country,
    "date": date,
}
_ERRORS = {
    "define_word": "word not found",
    "convert_units": "unknown unit",
    "country": "country not found",
}
_NO_TOOL = (
    "[What is|How is|What's] the weather[ today|]?|Will it rain[ tomorrow|]? => I have no tool for the weather.",
    "[What time is it|What is the time]? => I have no clock, only the date.",
    "[What's in the news|What is new in the world|Who won the game]? => I have no tool for news.",
    "[Send|Write] an email to {name}[.|] => I have no tool to send mail.",
    "[Play|Put on] some music[.|] => I have no tool for music.",
    "[What tools do you have|Which tools can you use]? => I have define_word, calculator, convert_units, country and date.",
    "[What can you do|How can you help me]? => I can define words, calculate, convert units, look up countries and dates, and chat.",
    "[Hello|Hi|Hey][!|.|] => Hello! What can I do for you?",
    "[Thanks|Thank you|Great, thanks][!|.|] => You are welcome!",
    "[Bye|Goodbye|That was all][!|.|] => Goodbye!",
    "[Who are you|What is your name]? => I am minnow, a very small model trained by fathom.",
    "[Book a table|Order a pizza|Call {name}][.|] => I have no tool for that.",
)


def _schemas(draw: Draw, needed: set[str]) -> list[Json]:
    """All five as they are served; now and then fewer, or in another order."""
    names = list(_MAKERS)
    if draw.chance(0.25):
        names = draw.shuffled([name for name in names if name in needed or draw.chance(0.5)])
    return [TOOL[name].schema(draw) for name in names]


def _arguments_said(arguments: Arguments) -> str:
    return " with " + ", ".join(f"{key} {value}" for key, value in arguments.items()) if arguments else ""


def _made(draw: Draw, name: str) -> Made:
    """Of this split: some questions, letter by letter, are never trained; but there are few ways to ask for today."""

    def made() -> Made | None:
        each = _MAKERS[name](draw)
        return each if not each[1] or draw.allows("own question", each[0]) else None

    return draw.until(made, f"a question for {name}")


def one_call(draw: Draw, name: str) -> Exchange:
    question, arguments, result, answer, held = _made(draw, name)
    plan = _PLAN.write(draw.rng, {"tool": name, "with": _arguments_said(arguments)})
    reading = "The result is there. I answer with it."
    if name in _ERRORS and draw.chance(0.06):
        result = {"error": _ERRORS[name]}
        answer, held, reading = f"I am sorry: {_ERRORS[name]}.", [_ERRORS[name]], "The tool found nothing. I say so."
    made = call(name, arguments)
    messages = [
        user(asked(draw, capital(question))),
        calls(plan, [made]),
        result_message(result),
        assistant(answer, reading),
    ]
    return Exchange(messages, [(1, expected_calls([made])), (3, contains(*held))], note={"calls": 1, "tool": name})


def two_calls(draw: Draw, name: str) -> Exchange:
    """Two questions in one message, two calls at once."""
    other = name if draw.chance(0.5) else draw.pick(tuple(_MAKERS))
    first, second = _made(draw, name), _made(draw, other)
    made = [call(name, first[1]), call(other, second[1])]
    if made[0] == made[1]:
        return one_call(draw, name)
    question = f"{capital(first[0])}{draw.pick((' And ', ' Also: ', ' ', chr(10)))}{second[0]}"
    plan = f"Two calls: {name}{_arguments_said(first[1])}, and {other}{_arguments_said(second[1])}."
    messages = [
        user(question),
        calls(plan, made),
        result_message(first[2]),
        result_message(second[2]),
        assistant(f"{first[3]} {second[3]}", "Both results are there."),
    ]
    return Exchange(messages, [(1, expected_calls(made)), (4, contains(*first[4], *second[4]))], note={"calls": 2})


def asking(draw: Draw, name: str) -> Exchange:
    """Something lacks, so the assistant asks before it calls."""
    tool = TOOL[name]
    if tool.partial is None or tool.missing is None:
        return one_call(draw, name)
    back = assistant(tool.missing.write(draw.rng, {}), f"I need more for {name}. I ask.")
    rest = one_call(draw, name)
    checks: list[tuple[int, Check]] = [(1, {"kind": "asks", "expected": list(tool.required)})]
    checks += [(at + 2, check) for at, check in rest.checks]
    return Exchange([user(tool.partial.write(draw.rng, {})), back, *rest.messages], checks, note={"calls": 1})


def no_call(draw: Draw, _: str) -> Exchange:
    """Talk, and work on a text: nothing to look up."""
    kind = draw.random()
    if kind < 0.5:
        question, answer = draw.pick(_NO_TOOL).split(" => ")
        slots = {"name": draw.slot("name")}
        messages = [
            user(asked(draw, draw.fill(f"[{question}]", slots))),
            assistant(answer, "No tool is needed for this."),
        ]
    elif kind < 0.75:
        messages = small_talk.talk(draw).messages
    else:
        make = draw.pick(
            (direct_forms.list_to_json, direct_forms.changed_text, direct_forms.looked_up, direct_forms.echo)
        )
        return make(draw)
    return Exchange(messages, [(1, {"kind": "no_call", "expected": None})], note={"calls": 0})


_KINDS = (one_call,) * 14 + (two_calls,) * 2 + (asking,) + (no_call,) * 4


def dialogue(draw: Draw) -> list[Exchange]:
    """One to eight questions with the same tools throughout."""
    turns = draw.pick((1, 1, 2, 3, 4, 5, 6, 8))  # the schemas are long: many calls for each time they are read
    row = [draw.pick(_KINDS)(draw, draw.pick(tuple(_MAKERS))) for _ in range(turns)]
    needed = {
        made["function"]["name"]
        for each in row
        for message in each.messages
        for made in message.get("tool_calls", ())
    }  # fmt: skip
    schemas = _schemas(draw, needed)
    thinking = None if draw.chance(0.6) else False
    for each in row:
        each.tools, each.thinking = schemas, thinking
    return row
