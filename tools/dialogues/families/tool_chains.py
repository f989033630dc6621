"""Calls in a row, where the second takes what the first gave."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dialogues import facts
from dialogues.draw import Draw
from dialogues.english import number_text
from dialogues.exchange import Json
from dialogues.families import tools_random
from dialogues.families.tool_kit import Tool, call
from dialogues.families.tools_life import clock
from dialogues.families.tools_real import country_record
from dialogues.families.tools_office import email, person, topic
from dialogues.grammar import capital


@dataclass(slots=True)
class Steps:
    question: str
    calls: list[tuple[str, Json, Json]]  # why, the call, what it gave back
    answer: str
    last_thought: str
    expected: list[str]
    tools: list[str | Tool]


def _first(draw: Draw, what: str, tool: str) -> str:
    return draw.say(
        "[First|I first] [need|look up] {what}[ with {tool}|]. [Then I can go on.|]", what=what, tool=tool
    ).strip()


def _then(draw: Draw, found: str, tool: str) -> str:
    return draw.say("[Now I have|I got] {found}. [Next I call|Now|With it I call] {tool}.", found=found, tool=tool)


def mail_to_contact(draw: Draw) -> Steps:
    name, about, address = person(draw), topic(draw), email(draw)
    return Steps(
        draw.say(
            "[Send [an email|a mail] to {name} about {about}.|[Mail|Email] {name} about {about}[, please.|.]|"
            "Please write {name} an email about {about}.]",
            name=name,
            about=about,
        ),
        [
            (
                _first(draw, f"the email address of {name}", "find_contact"),
                call("find_contact", {"name": name}),
                {"name": name, "email": address},
            ),
            (
                _then(draw, f"the address {address}", "send_email"),
                call("send_email", {"to": address, "subject": about}),
                {"status": "sent"},
            ),
        ],
        draw.say(
            "[The email to {name} ({address}) is sent.|Sent to {address}.|I wrote to {name} at {address}.]",
            name=name,
            address=address,
        ),
        "The email was sent.",
        [address],
        ["find_contact", "send_email"],
    )


def weather_of_capital(draw: Draw) -> Steps:
    country = draw.pick(facts.countries())
    condition, degrees = draw.slot("weather"), draw.integer(-5, 35)
    return Steps(
        draw.say(
            "[What is|How is|Tell me] the weather in the capital of {country}[?|, please.]", country=country.title
        ).replace("Tell me the weather", "Tell me the weather"),
        [
            (
                _first(draw, f"the capital of {country.title}", "country"),
                call("country", {"name": country.name}),
                country_record(country.name),
            ),
            (
                _then(draw, f"the capital: {country.capital}", "get_weather"),
                call("get_weather", {"city": country.capital}),
                {"city": country.capital, "condition": condition, "temperature": degrees},
            ),
        ],
        draw.say(
            "[In {capital} it is {condition}, {degrees} degrees.|The capital is {capital}; it is {condition} "
            "there, {degrees} degrees.]",
            capital=country.capital,
            condition=condition,
            degrees=degrees,
        ),
        f"It is {condition} in {country.capital}.",
        [country.capital, condition, str(degrees)],
        ["country", "get_weather"],
    )


def price_times(draw: Draw) -> Steps:
    product, count, cents = draw.slot("product"), draw.integer(2, 40), draw.integer(199, 9999)
    price, total = cents / 100, cents * count / 100
    expression = f"{count} * {number_text(price)}"
    return Steps(
        draw.say(
            '[What do {count} pieces of "{product}" cost|How much are {count} times "{product}"|What is the '
            "price of {count} pieces of {product}] [together|in all|altogether]?",
            count=count,
            product=product,
        ),
        [
            (
                _first(draw, "the price of one", "search_products"),
                call("search_products", {"query": product}),
                {"product": product, "price": price, "article": draw.integer(100, 9999)},
            ),
            (
                _then(draw, f"the price {number_text(price)}", "calculator"),
                call("calculator", {"expression": expression}),
                {"result": total},
            ),
        ],
        draw.say(
            "[Together they cost {total} euros.|{count} times {price} euros are {total} euros.|That is {total} euros.]",
            total=number_text(total),
            count=count,
            price=number_text(price),
        ),
        f"The result is {number_text(total)}.",
        [number_text(total)],
        ["search_products", "calculator"],
    )


def event_in_days(draw: Draw) -> Steps:
    import datetime

    today = datetime.date(2024, 1, 1) + datetime.timedelta(days=draw.integer(0, 1400))
    days, title = draw.integer(2, 90), draw.pick(
        ("dentist", "meeting", "lunch", "check the car", "water the plants", "call " + draw.slot("name"))
    )
    day = today + datetime.timedelta(days=days)
    return Steps(
        draw.say(
            '[Put|Add] "{title}" [to|into] my calendar in {days} days[.|, please.]|'.rstrip("|"), title=title, days=days
        ),
        [
            (
                _first(draw, f"the date in {days} days", "date"),
                call("date", {"add_days": days}),
                {"date": day.isoformat(), "weekday": day.strftime("%A")},
            ),
            (
                _then(draw, f"the date {day.isoformat()}", "create_event"),
                call("create_event", {"title": title, "date": day.isoformat()}),
                {"status": "created"},
            ),
        ],
        draw.say(
            '["{title}" is in your calendar on {weekday}, {day}.|Added for {day}, a {weekday}.]',
            title=title,
            day=day.isoformat(),
            weekday=day.strftime("%A"),
        ),
        "The event was created.",
        [day.isoformat()],
        ["date", "create_event"],
    )


def area_in_miles(draw: Draw) -> Steps:
    first, second = draw.several(facts.countries(), 2)
    difference = abs(first.area - second.area)
    larger, smaller = (first, second) if first.area >= second.area else (second, first)
    expression = f"{larger.area} - {smaller.area}"
    return Steps(
        draw.say(
            "[By how much is {larger} larger than {smaller}|How much bigger is {larger} than {smaller}|What is "
            "the difference in area between {larger} and {smaller}]?",
            larger=larger.title,
            smaller=smaller.title,
        ),
        [
            (
                _first(draw, f"the area of {larger.title}", "country"),
                call("country", {"name": larger.name}),
                country_record(larger.name),
            ),
            (
                _then(draw, f"{larger.area}", "country"),
                call("country", {"name": smaller.name}),
                country_record(smaller.name),
            ),
            (
                _then(draw, f"{smaller.area}", "calculator"),
                call("calculator", {"expression": expression}),
                {"result": difference},
            ),
        ],
        draw.say(
            "[By {difference} square kilometres.|{Larger} is {difference} square kilometres larger.]",
            larger=larger.title,
            difference=difference,
        ),
        f"The difference is {difference}.",
        [str(difference)],
        ["country", "calculator"],
    )


def read_and_define(draw: Draw) -> Steps:
    entry = draw.pick(facts.words())
    entry = facts.first_senses()[entry.word]
    path = f"{draw.slot('noun')}.txt"
    return Steps(
        draw.say(
            "[There is a word in {path}. What does it mean?|Read {path} and define the word in it.|What is the "
            "meaning of the word in {path}?]",
            path=path,
        ),
        [
            (
                _first(draw, f"the word in {path}", "read_file"),
                call("read_file", {"path": path}),
                {"content": entry.word},
            ),
            (
                _then(draw, f'the word "{entry.word}"', "define_word"),
                call("define_word", {"word": entry.word}),
                {"word": entry.word, "part_of_speech": entry.part, "definition": entry.definition},
            ),
        ],
        draw.say(
            '[The word is "{word}". It means: {definition}.|"{word}": {definition}.]',
            word=entry.word,
            definition=entry.definition,
        ),
        f"The definition is: {entry.definition}.",
        [entry.word, entry.definition],
        ["read_file", "define_word"],
    )


def book_near(draw: Draw) -> Steps:
    query, article, price, count = (
        draw.slot("product"),
        draw.integer(100, 9999),
        draw.integer(3, 200),
        draw.integer(1, 9),
    )
    order = draw.integer(10000, 99999)
    return Steps(
        draw.say(
            "[Find a {query} and order {count}.|Order {count} pieces of the {query} that you find.|[I need|I "
            "want] {count} pieces of {query}. [Search and order it|Find it and order it], please.]",
            query=query,
            count=count,
        ),
        [
            (
                _first(draw, "the article", "search_products"),
                call("search_products", {"query": query}),
                {"product": query, "price": price, "article": article},
            ),
            (
                _then(draw, f"article {article}", "order_product"),
                call("order_product", {"article": article, "quantity": count}),
                {"order": order, "delivery": f"2026-{draw.integer(1, 12):02d}-{draw.integer(1, 28):02d}"},
            ),
        ],
        draw.say(
            "[I ordered {count} pieces of {query} (article {article}). Order {order}.|Order {order}: {count} "
            "times article {article}.]",
            count=count,
            query=query,
            article=article,
            order=order,
        ),
        "It is ordered.",
        [str(order)],
        ["search_products", "order_product"],
    )


def time_then_table(draw: Draw) -> Steps:
    city, time = draw.slot("city"), clock(draw, 1)
    minutes = draw.integer(3, 59)
    return Steps(
        draw.say(
            "[Tell me the time in {city} and start a timer of {minutes} minutes.|What time is it in {city}? "
            "When you know it, start a timer for {minutes} minutes.|First the time in {city}, then a timer of "
            "{minutes} minutes, please.]",
            city=city,
            minutes=minutes,
        ),
        [
            (_first(draw, f"the time in {city}", "get_time"), call("get_time", {"city": city}), {"time": time}),
            (
                _then(draw, f"the time {time}", "start_timer"),
                call("start_timer", {"minutes": minutes}),
                {"status": "running"},
            ),
        ],
        draw.say(
            "[In {city} it is {time}. The timer of {minutes} minutes runs.|It is {time} in {city}, and the "
            "timer is running.]",
            city=city,
            time=time,
            minutes=minutes,
        ),
        "Both are done.",
        [time],
        ["get_time", "start_timer"],
    )


def random_pair(draw: Draw) -> Steps:
    """Two drawn tools; a result of the first is a parameter of the second."""
    first = tools_random.random_tool(draw)

    def another() -> Tool | None:
        tool = tools_random.random_tool(draw)
        return tool if tool.name != first.name else None

    second = draw.until(another, "a second tool")
    first_arguments, second_arguments = first.draw(draw), second.draw(draw)
    key = next(
        (
            name
            for name in second.required
            if second.parameters[name].get("type") in ("string", "integer") and "enum" not in second.parameters[name]
        ),
        None,
    )
    if key is None:
        return random_pair(draw)
    value = second_arguments[key]
    others = {name: inner for name, inner in second_arguments.items() if name != key and not name.startswith("_")}
    details = " and ".join(
        f"{name.replace('_', ' ')} {tools_random.spoken_value(draw, inner)}" for name, inner in others.items()
    )
    result = second.result(draw, second_arguments)
    said = tools_random.spoken(second_arguments, result)
    return Steps(
        draw.say(
            "[First {verb} the {noun}{details}. [Then|After that] {verb2} the {noun2} with the {key} [you get|"
            "that comes back|from the result]{others}.|"
            "{Verb} the {noun}{details}, then use its {key} to {verb2} the {noun2}{others}.]",
            verb=first_arguments["_verb"],
            noun=first_arguments["_noun"],
            details=first_arguments["_details"],
            verb2=second_arguments["_verb"],
            noun2=second_arguments["_noun"],
            key=key.replace("_", " "),
            others=f" and with {details}" if details else "",
        ),
        [
            (
                _first(draw, f"the {key.replace('_', ' ')}", first.name),
                call(first.name, first_arguments),
                {"status": "ok", key: value},
            ),
            (_then(draw, f"{key.replace('_', ' ')} {value}", second.name), call(second.name, second_arguments), result),
        ],
        capital(
            draw.say(
                "[Both are done. The {key} is {value}.|The first gave {given}; then: {key} {value}.]",
                given=value,
                **said,
            )
        ),
        draw.say("[The second tool gave|I got] {key} {value}.", **said),
        [str(said["value"])],
        [first, second],
    )


CHAINS: tuple[Callable[[Draw], Steps], ...] = (
    mail_to_contact,
    weather_of_capital,
    price_times,
    event_in_days,
    area_in_miles,
    read_and_define,
    book_near,
    time_then_table,
    random_pair,
    random_pair,
    random_pair,
)
