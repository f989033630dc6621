"""The five tools that the server really has. Their schemas are constants: what is trained is what is served."""
from __future__ import annotations

import datetime
from typing import Any

from dialogues import facts
from dialogues.draw import Draw
from dialogues.english import number_text, with_article
from dialogues.families.tool_kit import Arguments, Tool, tool
from dialogues.families.units import UNITS, convert, unit_pair


def _word(draw: Draw) -> Arguments:
    return {"word": draw.pick(facts.words()).word}


def _defined(draw: Draw, arguments: Arguments) -> dict[str, object]:
    entry = facts.first_senses()[str(arguments["word"])]
    result: dict[str, object] = {"word": entry.word, "part_of_speech": entry.part, "definition": entry.definition}
    if entry.synonyms:
        result["synonyms"] = list(entry.synonyms)
    return result


def _expression(draw: Draw) -> Arguments:
    """An expression as a calculator takes it, and how a person says it."""
    kind = draw.integer(0, 8)
    a, b, c = draw.integer(12, 9999), draw.integer(3, 999), draw.integer(2, 99)
    written, spoken = (
        (f"{a} + {b}", f"{a} + {b}"),
        (f"{a} - {b}", f"{a} minus {b}"),
        (f"{a} * {b}", f"{a} times {b}"),
        (f"{a} / {c}", f"{a} divided by {c}"),
        (f"({a} + {b}) * {c}", f"({a} + {b}) * {c}"),
        (f"{a} * {c} / 100", f"{c} percent of {a}"),
        (f"{c} ** 2", f"{c} squared"),
        (f"{a} * {b} + {c}", f"{a} * {b} + {c}"),
        (f"{a / 100:.2f} * {c}", f"{a / 100:.2f} times {c}"),
    )[kind]
    return {"expression": written, "_spoken": spoken}


def _calculated(draw: Draw, arguments: Arguments) -> dict[str, object]:
    value = eval(str(arguments["expression"]), {"__builtins__": {}})  # our own expression, made above
    return {"result": int(value) if value == int(value) else round(value, 4)}


def _units(draw: Draw) -> Arguments:
    source, target = unit_pair(draw)
    value = draw.integer(1, 500) if draw.chance(0.7) else draw.integer(1, 999) / 10
    return {"value": value, "from_unit": source, "to_unit": target}


def _converted(draw: Draw, arguments: Arguments) -> dict[str, object]:
    value = convert(float(arguments["value"]), str(arguments["from_unit"]), str(arguments["to_unit"]))
    rounded = float(number_text(value))
    return {"value": int(rounded) if rounded == int(rounded) else rounded, "unit": arguments["to_unit"]}


_FIELDS = ("capital", "currency", "languages", "area", "neighbours", "region")


def _country(draw: Draw) -> Arguments:
    country = draw.pick(facts.countries())
    wanted = draw.pick(_FIELDS)
    question = {
        "capital": "[what is the capital of|what is the capital city of] {}",
        "currency": "[what is the currency of|what money is used in] {}",
        "languages": "[which languages are spoken in|what is spoken in] {}",
        "area": "[how large is|how big is|what is the area of] {}",
        "neighbours": "[which countries border|what are the neighbours of] {}",
        "region": "[on which continent is|where in the world is] {}",
    }[wanted]
    return {
        "name": country.name,
        "_question": draw.say(question.replace("{}", country.title.replace("[", ""))),
        "_wanted": wanted,
        "_title": country.title,
    }


def country_record(name: str) -> dict[str, Any]:
    country = next(each for each in facts.countries() if each.name == name)
    return {
        "name": country.name,
        "capital": country.capital,
        "region": country.subregion or country.region,
        "languages": list(country.languages),
        "currency": f"{country.currency} ({country.currency_code})",
        "area_km2": country.area,
        "neighbours": list(country.neighbours),
    }


def _country_said(draw: Draw, arguments: Arguments) -> dict[str, object]:
    return country_record(str(arguments["name"]))


def country_sentence(arguments: Arguments) -> str:
    record = country_record(str(arguments["name"]))
    title = str(arguments["_title"])
    wanted = arguments["_wanted"]
    if wanted == "capital":
        return f"The capital of {title} is {record['capital']}."
    if wanted == "currency":
        return f"The currency of {title} is the {record['currency']}."
    if wanted == "languages":
        return f"Spoken in {title}: {', '.join(record['languages'])}."
    if wanted == "area":
        return f"{title[0].upper()}{title[1:]} has an area of {record['area_km2']} square kilometres."
    if wanted == "neighbours":
        names = record["neighbours"]
        return (
            f"Neighbours of {title}: {', '.join(names)}."
            if names
            else f"{title[0].upper()}{title[1:]} has no land neighbours."
        )
    return f"{title[0].upper()}{title[1:]} lies in {record['region']}."


def _day(draw: Draw) -> datetime.date:
    return datetime.date(1990, 1, 1) + datetime.timedelta(days=draw.integer(0, 18000))


def _date(draw: Draw) -> Arguments:
    day = _day(draw)
    kind = draw.integer(0, 3)
    if kind == 0:
        return {
            "_question": draw.say("[what day is it today|what is today's date|which day is today|what is the date]")
        }
    if kind == 1:
        return {
            "date": day.isoformat(),
            "_question": draw.say("[what weekday was|which day of the week is] {day}", day=day.isoformat()),
        }
    if kind == 2:
        days = draw.integer(2, 400)
        return {
            "date": day.isoformat(),
            "add_days": days,
            "_question": draw.say(
                "[what date is {days} days after {day}|which day comes {days} days after {day}]",
                days=days,
                day=day.isoformat(),
            ),
        }
    other = day + datetime.timedelta(days=draw.integer(2, 900))
    return {
        "date": day.isoformat(),
        "until": other.isoformat(),
        "_question": draw.say(
            "how many days [are there from {day} to|lie between {day} and] {other}",
            day=day.isoformat(),
            other=other.isoformat(),
        ),
    }


def _dated(draw: Draw, arguments: Arguments) -> dict[str, object]:
    day = datetime.date.fromisoformat(str(arguments["date"])) if "date" in arguments else _day(draw)
    if "until" in arguments:
        return {"days": (datetime.date.fromisoformat(str(arguments["until"])) - day).days}
    day += datetime.timedelta(days=int(arguments.get("add_days", 0)))
    return {"date": day.isoformat(), "weekday": day.strftime("%A")}


def date_sentence(arguments: Arguments, result: dict[str, object]) -> str:
    if "days" in result:
        return f"There are {result['days']} days between {arguments['date']} and {arguments['until']}."
    if "date" not in arguments:
        return f"Today is {result['weekday']}, {result['date']}."
    if "add_days" in arguments:
        return f"{arguments['add_days']} days after {arguments['date']} is {result['weekday']}, {result['date']}."
    return f"{arguments['date']} is a {result['weekday']}."


REAL_TOOLS: tuple[Tool, ...] = (
    tool(
        "define_word",
        "Look up the meaning of an English word.",
        ["word: string = The word to look up"],
        '[What does ["{word}"|the word "{word}"|{word}] mean?|Look up [the word |]"{word}"[.|, please.]|[Please |]'
        '[define|explain] [the word |]"{word}".|What is the [meaning|definition] of [the word |]{word}?|Can you '
        "[look up|check] [what {word} means|the meaning of {word}]?|{Word} - what does [it|that] mean?]",
        _word,
        _defined,
        '["{Word}" ({part_of_speech}) means: {definition}.|{Word}: {definition}.|The word {word} means {definition}.|'
        "As {part_of_speech_article}, {word} means: {definition}.]",
        "[I [do not know|don't understand] a word.|Can you look up a word for me?|What does this word mean?|"
        "Please define a word.]",
        "[Which word[ is it| do you mean|]?|Tell me the word, please. Which one is it?]",
        ("word not found",),
    ),
    tool(
        "calculator",
        "Calculate the value of an arithmetic expression.",
        ["expression: string = For example (2 + 3) * 4"],
        "[[What is|Calculate|Compute|Work out|How much is] {spoken}[.|]|[Please |][calculate|compute] "
        "{spoken}[.|, please.]|"
        "[I need|Give me] the [result|value] of {spoken}.|{spoken} = ?|Can you [calculate|work out] {spoken}?]",
        _expression,
        _calculated,
        "[{result}|The result is {result}.|That is {result}.|It is {result}.|{spoken} is {result}.|{spoken} = "
        "{result}]",
        "[Can you calculate something for me?|I have a sum for you.|Please do some maths for me.|I need a "
        "calculation.]",
        "[What should I calculate?|Which [sum|numbers]? Tell me, please.|Sure. What is the calculation?]",
        ("division by zero",),
    ),
    tool(
        "convert_units",
        "Convert a value from one unit to another.",
        [
            "value: number = The value to convert",
            "from_unit: string = Unit of the value, such as kilometre",
            "to_unit: string = Unit wanted, such as mile",
        ],
        "[[How many|How much is it in] {many to_unit} [are|is] {value} {many from_unit}?|Convert {value} "
        "{many from_unit} "
        "[to|into] {many to_unit}[.|, please.]|What is {value} {many from_unit} in {many to_unit}?|[Please |"
        "]turn {value} "
        "{many from_unit} into {many to_unit}.|I have {value} {many from_unit}. [How much is that|What is that] "
        "in {many to_unit}?]",
        _units,
        _converted,
        "[{value} {many from_unit} [is|are|make] {converted} {many to_unit}.|That is {converted} {many to_unit}.|"
        "It is {converted} {many to_unit}.]",
        "[Can you convert a length for me?|Please convert something to [kilometres|grams|litres].|I need a unit "
        "converted.]",
        "[What value, and [from which unit to which|in which units]?|Which value and which units?]",
        ("unknown unit",),
    ),
    tool(
        "country",
        "Facts about a country: capital, region, languages, currency, area, neighbours.",
        ["name: string = Name of the country in English"],
        "[{Question}?|[Please tell me:|Can you look up:|Do you know:|Tell me,] {question}?|I [want|would like] "
        "to know: {question}?]",
        _country,
        _country_said,
        "{sentence}",
        "[Tell me about a country.|What is the capital of that country?|I have a question about a country.]",
        "[Which country[ do you mean|]?|About which country?]",
        ("country not found",),
    ),
    tool(
        "date",
        "Today's date, the weekday of a date, a date some days later, or the days between two dates.",
        [
            "date?: string = Date as YYYY-MM-DD; today if left out",
            "add_days?: integer = Days to add to the date",
            "until?: string = Second date, to count the days between",
        ],
        "[{Question}?|[Please tell me:|Can you look up:|Do you know:|Tell me,] {question}?|I need to know: "
        "{question}?]",
        _date,
        _dated,
        "{sentence}",
    ),
)


def spoken_result(tool_: Tool, arguments: Arguments, result: dict[str, object]) -> dict[str, object]:
    """What the answers of the real tools need beyond arguments and result."""
    if tool_.name == "convert_units":
        return {
            "converted": number_text(float(str(result["value"]))),
            "value": number_text(float(str(arguments["value"]))),
        }
    if tool_.name == "country":
        return {"sentence": country_sentence(arguments)}
    if tool_.name == "date":
        return {"sentence": date_sentence(arguments, result)}
    if tool_.name == "define_word":
        return {"part_of_speech_article": with_article(str(result["part_of_speech"]))}
    return {}


__all__ = ["REAL_TOOLS", "UNITS", "country_record", "spoken_result"]
