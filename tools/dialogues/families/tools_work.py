"""Tools of the machine room, and all tools of work."""

from __future__ import annotations

from typing import Any

from dialogues.draw import Draw
from dialogues.families.tool_kit import Arguments, Tool, optional, tool
from dialogues.families.tools_office import OFFICE_TOOLS
from dialogues.families.tools_shop import SHOP_TOOLS


def _query(draw: Draw) -> Arguments:
    table, column = draw.pick(
        (
            ("customers", "city"),
            ("users", "name"),
            ("orders", "product"),
            ("books", "genre"),
            ("staff", "job"),
            ("cars", "colour"),
        )
    )
    return {"table": table, "column": column, "value": draw.slot(column)}


MACHINE_TOOLS: tuple[Tool, ...] = (
    tool(
        "run_query",
        "Run a query on the database.",
        ["table: string", "column: string", "value: string"],
        "[[Find|Get|Select] [the rows of|all] {table} where {column} is {value}[.|, please.]|Query {table}: "
        "{column} = {value}.|Which {table} have {column} {value}?]",
        _query,
        lambda d, a: {"rows": d.integer(0, 120)},
        "[{rows} rows match.|There are {rows} {table} with {column} {value}.|I found {rows} rows.]",
        "[Query the database.|Search the table.]",
        "[Which table, column and value?|In which table, and for what?]",
        ("table not found", "timeout"),
    ),
    tool(
        "restart_server",
        "Restart a server.",
        ["server: string", "force?: boolean = Do not wait for open work"],
        "[[Restart|Reboot] [the server |]{server}{force_said}[.|, please.]|{server} hangs. [Restart|Reboot] "
        "it{force_said}[.|, please.]|Can you restart {server}{force_said}?]",
        lambda d: {"server": f"{d.slot('noun')}-{d.integer(1, 40)}", **optional(d, "force", True, " by force", 0.35)},
        lambda d, a: {"status": "running", "seconds": d.integer(4, 90)},
        "[{server} is running again after {seconds} seconds.|Restarted; it took {seconds} seconds.|Done, "
        "{server} is up.]",
        "[Restart the server.|The server hangs.]",
        "[Which server?|What is its name?]",
        ("server not found", "no rights"),
    ),
    tool(
        "get_time",
        "Get the [current |]time in a city.",
        ["city: string"],
        "[What time is it in {city}?|[How late|What's the time] in {city}?|Time in {city}[, please.|?]|Can you "
        "tell me the time in {city}?]",
        lambda d: {"city": d.slot("city")},
        lambda d, a: {"time": f"{d.integer(0, 23):02d}:{d.integer(0, 59):02d}"},
        "[In {city} it is {time}.|It is {time} in {city}.|{time}]",
        "[What time is it there?|Tell me the time there.]",
        "[In which city?|Where?]",
        ("city not found",),
    ),
    tool(
        "roll_dice",
        "Roll dice.",
        ["sides: integer", "count?: integer = Number of dice"],
        "[[Roll|Throw] {count_said} with {sides} sides[.|, please.]|Can you roll {count_said} with {sides} sides?]",
        lambda d: {
            "sides": d.pick((4, 6, 8, 10, 12, 20)),
            **optional(d, "count", d.integer(2, 5), "{} dice", without="a die"),
        },
        lambda d, a: {"rolls": [d.integer(1, a["sides"]) for _ in range(a.get("count", 1))]},
        "[You rolled {rolls_said}.|{rolls_said}|The result: {rolls_said}.]",
        "[Roll for me.|Throw a die.]",
        "[How many sides?|With how many sides?]",
    ),
    tool(
        "random_number",
        "Draw a random whole number.",
        ["minimum: integer", "maximum: integer"],
        "[[Give me|Draw|Pick] a random number [between|from] {minimum} {and} {maximum}[.|, please.]|[Random "
        "number|A number] from {minimum} to {maximum}[.|, please.]]",
        lambda d: {"minimum": d.integer(0, 50), "maximum": d.integer(51, 999), "_and": "and"},
        lambda d, a: {"number": d.integer(a["minimum"], a["maximum"])},
        "[{number}|Your number is {number}.|It is {number}.]",
        "[Give me a random number.|Draw a number.]",
        "[Between which numbers?|From what to what?]",
    ),
    tool(
        "control_robot",
        "Move the robot.",
        ["direction: forward|back|left|right", "steps: integer", "speed?: number = Metres per second"],
        "[[Move|Drive] the robot {steps} steps {direction}{speed_said}[.|, please.]|{steps} steps "
        "{direction}{speed_said}[, robot.|, please.]|Let the robot go {direction} {steps} steps{speed_said}.]",
        lambda d: {
            "direction": d.pick(("forward", "back", "left", "right")),
            "steps": d.integer(1, 50),
            **optional(d, "speed", d.integer(1, 30) / 10, " at {} metres per second", 0.35),
        },
        lambda d, a: {"position": [d.integer(-50, 50), d.integer(-50, 50)], "battery": d.integer(5, 100)},
        "[The robot is at {position_said}; battery {battery} percent.|Done. Position {position_said}, battery "
        "{battery} percent.]",
        "[Move the robot.|Drive on.]",
        "[In which direction, and how many steps?|Where to, and how far?]",
        ("there is a wall", "battery empty"),
    ),
)

WORK_TOOLS: tuple[Tool, ...] = (*OFFICE_TOOLS, *SHOP_TOOLS, *MACHINE_TOOLS)


def spoken_result(arguments: Arguments, result: dict[str, Any]) -> dict[str, object]:
    """Lists and truths of results as wordings want them."""
    spoken: dict[str, object] = {}
    for key, value in result.items():
        if isinstance(value, bool):
            spoken[key + "_said"] = "" if value else " but lent out"
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            spoken.update({f"{key[:-1]}_{name}": inner for name, inner in value[0].items()})
        elif isinstance(value, list):
            spoken[key + "_said"] = ", ".join(map(str, value))
    return spoken
