"""Dialogues with tools: one call, two at once, a chain, a missing parameter, an error, or no call at all."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dialogues.draw import Draw
from dialogues.exchange import Check, Exchange, Json, Message, assistant, contains, user
from dialogues.families import tools_random, tools_real, tools_work
from dialogues.families.tool_chains import CHAINS
from dialogues.families.tool_kit import Arguments, Tool, call, calls, expected_calls, result_message, sent, shown
from dialogues.families.tools_life import LIFE_TOOLS
from dialogues.families.tools_real import REAL_TOOLS
from dialogues.families.tools_work import WORK_TOOLS
from dialogues.grammar import Phrase, capital

KNOWN_TOOLS = (*REAL_TOOLS, *LIFE_TOOLS, *WORK_TOOLS)
BY_NAME = {tool.name: tool for tool in KNOWN_TOOLS}

_PLAN = Phrase(
    "[The user wants|They ask me] to know or do something that {tool} [can do|is for]. [Arguments|I set]: {arguments}.",
    "[I can use|I use|This needs|The right tool is] {tool}. {Arguments}.",
    "{tool} fits. [Its parameters|The parameters]: {arguments}.",
    "[Let me call|I call|I should call] {tool} with {arguments}.",
    "[The question|This] is a case for {tool}: {arguments}.",
)
_READ = Phrase(
    "[The result|The tool|{tool}] [says|gives|returned]: {result}. [I answer with it.|Now I can answer.|I tell "
    "the user.]",
    "[Now I have|I got] {result}.",
    "{result}: [that is the answer.|this answers the question.|I report it.]",
)
_GIVE_UP = Phrase(
    "[I am sorry, but that|Sorry, that|Unfortunately that|That] [did not work|failed]: {error}.",
    "[I could not do it|It did not work|I tried, but it failed]: {error}.",
    "The tool [reports|says|answered]: {error}. [Do you want to try something else?|Shall I try again?|Please "
    "check it.|So I cannot tell you.]",
    "Sorry: {error}. [Shall I try again later?|Please check what you gave me.|]",
)
_NO_TOOL = Phrase(
    "[I have no tool for that|None of my tools can do that|My tools cannot do that|I cannot do that with my tools].",
    "[Sorry, I|I] have no tool [for this|that can do this].[| I can only use {names}.]",
    "That is not possible with the tools I have.[| They are: {names}.]",
)
_IDLE = (
    "Hello!|Hello! What can I do for you?",
    "Thank you.|You are welcome.",
    "Thanks, that was all.|Good. Goodbye!",
    "Hi there|Hi! How can I help?",
    "Good morning!|Good morning! What can I do?",
    "What is 2 + 3?|5",
    "What can you do?|I can use these tools: {names}.",
    "Which tools do you have?|I have these: {names}.",
    "Who are you?|I am minnow, a very small model.",
    "Say yes.|yes",
    "What colour is grass?|Green.",
    "Do not use any tool, just say hello.|Hello!",
    "Are you there?|Yes, I am here.",
    "How do you feel?|I have no feelings, but I am ready to help.",
    "What comes after Monday?|Tuesday.",
    "Good night.|Good night!",
)


@dataclass(slots=True)
class Use:
    """One use of one tool: the question, the call, the result, the answer."""

    tool: Tool
    arguments: Arguments
    question: str
    result: Json
    answer: str

    @property
    def made(self) -> Json:
        return call(self.tool.name, self.arguments)


def is_random(tool: Tool) -> bool:
    return BY_NAME.get(tool.name) is not tool


def use(draw: Draw, tool: Tool) -> Use:
    arguments = tool.draw(draw)
    result = tool.result(draw, arguments)
    values: dict[str, Any] = {**shown(arguments), **result}
    if is_random(tool):
        values.update(tools_random.spoken(arguments, result))
    else:
        values.update(tools_work.spoken_result(arguments, result))
        values.update(tools_real.spoken_result(tool, arguments, result))
        if tool.name == "control_robot":
            values["position_said"] = " / ".join(map(str, result["position"]))
    return Use(
        tool, arguments, capital(tool.ask.write(draw.rng, values)), result, capital(tool.answer.write(draw.rng, values))
    )


def pick_tool(draw: Draw) -> Tool:
    kind = draw.random()
    if kind < 0.35:
        return tools_random.random_tool(draw)
    return draw.pick(REAL_TOOLS) if kind < 0.6 else draw.pick(KNOWN_TOOLS)


def offered(draw: Draw, needed: list[Tool], at_least: int = 0) -> list[Json]:
    """The schemas of the needed tools among others, in any order."""
    tools = {tool.name: tool for tool in needed}
    for _ in range(max(at_least, draw.pick((0, 0, 1, 1, 2, 3, 4, 5)))):
        other = tools_random.random_tool(draw) if draw.chance(0.3) else draw.pick(KNOWN_TOOLS)
        tools.setdefault(other.name, other)
    return [tool.schema(draw) for tool in draw.shuffled(list(tools.values()))]


def _arguments_said(draw: Draw, used: Use) -> str:
    parts = [f"{key} is {tools_random.spoken_value(draw, value)}" for key, value in sent(used.arguments).items()]
    return ", ".join(parts) or "no arguments"


def plan(draw: Draw, uses: list[Use]) -> str:
    return " ".join(
        draw.fill(_PLAN, {"tool": used.tool.name, "arguments": _arguments_said(draw, used)}) for used in uses
    )


def reading(draw: Draw, uses: list[Use]) -> str:
    said = ", ".join(
        f"{key} {tools_random.spoken_value(draw, value)}"
        for used in uses
        for key, value in list(used.result.items())[:2]
        if not isinstance(value, list)
    )
    return draw.fill(_READ, {"tool": uses[0].tool.name, "result": said or "a list"})


def grounded(uses: list[Use], answer: str) -> Check:
    """The values of the results that the answer names must be in it."""
    values = [
        str(value) for used in uses for value in used.result.values() if not isinstance(value, (list, dict, bool))
    ]
    named = [value for value in values if value in answer and value not in ("ok", "status")]
    return contains(*(named[:3] or [answer]))


def call_and_answer(draw: Draw, question: str, uses: list[Use], lead: str = "") -> Exchange:
    answer = " ".join(used.answer for used in uses)
    made = [used.made for used in uses]
    messages: list[Message] = [
        user(question),
        calls(plan(draw, uses), made, lead),
        *(result_message(used.result) for used in uses),
        assistant(answer, reading(draw, uses)),
    ]
    return Exchange(
        messages,
        [(1, expected_calls(made)), (len(messages) - 1, grounded(uses, answer))],
        offered(draw, [used.tool for used in uses]),
        note={"calls": len(made)},
    )


def single(draw: Draw) -> Exchange:
    used = use(draw, pick_tool(draw))
    lead = (
        draw.pick(("I will look it up.", "One moment.", "Let me check.", "I use a tool for this."))
        if draw.chance(0.08)
        else ""
    )
    return call_and_answer(draw, used.question, [used], lead)


def parallel(draw: Draw) -> Exchange:
    first_tool = pick_tool(draw)
    second_tool = first_tool if draw.chance(0.5) else pick_tool(draw)
    first, second = use(draw, first_tool), use(draw, second_tool)
    if first.made == second.made or first.tool.name == second.tool.name and first_tool is not second_tool:
        return single(draw)
    question = draw.say(
        "[{first} {second}|{first} And {lower}|{first} Also: {second}|{first} [Then|And also]: {second}|Two "
        "things: {first} {second}|"
        "1. {first} 2. {second}|{first}\n{second}]",
        first=first.question,
        second=second.question,
        lower=second.question[0].lower() + second.question[1:],
    )
    return call_and_answer(draw, question, [first, second])


def chained(draw: Draw) -> Exchange:
    """A second call that needs what the first gave back."""
    steps = draw.pick(CHAINS)(draw)
    messages: list[Message] = [user(steps.question)]
    for reasoning, made, result in steps.calls:
        messages += [calls(reasoning, [made]), result_message(result)]
    messages.append(assistant(steps.answer, steps.last_thought))
    checks = [(1 + 2 * at, expected_calls([made])) for at, (_, made, _) in enumerate(steps.calls)]
    checks.append((len(messages) - 1, contains(*steps.expected)))
    tools = [BY_NAME[each] if isinstance(each, str) else each for each in steps.tools]
    return Exchange(messages, checks, offered(draw, tools), note={"calls": len(steps.calls)})


def _tool_with(draw: Draw, what: str, has: Callable[[Tool], bool]) -> Tool:
    def fitting() -> Tool | None:
        tool = pick_tool(draw)
        return tool if has(tool) else None

    return draw.until(fitting, f"a tool with the {what}")


def missing(draw: Draw) -> Exchange:
    """The question lacks something; the assistant asks for it, gets it and calls."""
    tool = _tool_with(draw, "question to ask back", lambda each: bool(each.partial and each.missing and each.required))
    assert tool.partial and tool.missing
    used = use(draw, tool)
    lacking = [name.replace("_", " ") for name in tool.required]
    values: dict[str, object] = {**shown(used.arguments), "missing": " and the ".join(lacking)}
    question = capital(tool.partial.write(draw.rng, values))
    asking = capital(tool.missing.write(draw.rng, values))
    reply = used.question if draw.chance(0.4) or len(tool.required) > 1 and not is_random(tool) else _given(draw, used)
    thought = draw.say(
        "[The tool|{tool}] [needs|requires] the {missing}, [which the user did not give|but it is not there|and "
        "that is missing]. I "
        "[ask|have to ask][ for it|].",
        tool=tool.name,
        missing=" and the ".join(lacking),
    )
    messages = [
        user(question),
        assistant(asking, thought),
        user(reply),
        calls(plan(draw, [used]), [used.made]),
        result_message(used.result),
        assistant(used.answer, reading(draw, [used])),
    ]
    return Exchange(
        messages,
        [(1, {"kind": "asks", "expected": lacking}), (3, expected_calls([used.made]))],
        offered(draw, [tool]),
        note={"calls": 0},
    )


def _given(draw: Draw, used: Use) -> str:
    values = sent(used.arguments)
    if len(values) == 1:
        return capital(tools_random.spoken_value(draw, next(iter(values.values()))).strip('"')) + draw.pick(
            ("", ".", ", please.")
        )
    mark = draw.pick((": ", " ", " is ", " = "))
    return ", ".join(
        f"{key.replace('_', ' ')}{mark}{tools_random.spoken_value(draw, value)}" for key, value in values.items()
    )


def failing(draw: Draw) -> Exchange:
    tool = _tool_with(draw, "error", lambda each: bool(each.errors))
    used = use(draw, tool)
    error = draw.pick(tool.errors)
    result: Json = {"error": error}
    if draw.chance(0.3):
        result = {"status": "error", "message": error} if draw.chance(0.5) else f"Error: {error}"
    answer = draw.fill(_GIVE_UP, {"error": error}).strip()
    thought = draw.say(
        "[The tool|{tool}] [failed|gave an error|reports an error]: {error}. I [must not|should not|cannot] "
        "[make up|invent] a result.",
        tool=tool.name,
        error=error,
    )
    messages = [
        user(used.question),
        calls(plan(draw, [used]), [used.made]),
        result_message(result),
        assistant(answer, thought),
    ]
    return Exchange(messages, [(3, contains(error))], offered(draw, [tool]), note={"calls": 1})


def idle(draw: Draw) -> Exchange:
    tools = offered(draw, [], 2)
    names = ", ".join(tool["function"]["name"] for tool in tools)
    question, answer = draw.pick(_IDLE).replace("{names}", names).split("|")
    return Exchange(
        [
            user(question),
            assistant(
                answer, draw.say("[No tool is needed for this.|I can answer without a tool.|This needs no tool.]")
            ),
        ],
        [(1, {"kind": "no_call", "expected": None})],
        tools,
        note={"calls": 0},
    )


def unfitting(draw: Draw) -> Exchange:
    """Tools are there, but none that fits."""
    wanted = use(draw, draw.pick((*LIFE_TOOLS, *WORK_TOOLS)))
    tools = [tool for tool in offered(draw, [], 2) if tool["function"]["name"] != wanted.tool.name]
    related = {
        "find_train": "plan_route",
        "plan_route": "find_train",
        "find_contact": "find_doctor",
        "get_time": "date",
        "search_web": "get_news",
        "get_news": "search_web",
        "convert_currency": "calculator",
        "order_product": "search_products",
        "search_products": "order_product",
    }
    tools = [tool for tool in tools if tool["function"]["name"] not in ("search_web", related.get(wanted.tool.name))]
    names = ", ".join(tool["function"]["name"] for tool in tools)
    if not tools:
        return idle(draw)
    answer = draw.fill(_NO_TOOL, {"names": names})
    thought = draw.say("[I have|There is] {names}. [None of them fits|Nothing fits this].", names=names)
    return Exchange(
        [user(wanted.question), assistant(answer, thought)],
        [(1, {"kind": "no_call", "expected": None})],
        tools,
        note={"calls": 0},
    )


_KINDS = (single,) * 9 + (parallel,) * 4 + (chained,) * 4 + (missing,) * 2 + (failing,) * 2 + (idle,) * 2 + (unfitting,)


_CALLING = tuple(kind for kind in _KINDS if kind not in (idle, unfitting))  # what other tools cannot make untrue


def exchange(draw: Draw) -> Exchange:
    return draw.pick(_KINDS)(draw)


def dialogue(draw: Draw) -> list[Exchange]:
    """One to three uses of tools in a row; all that any of them offers is offered throughout."""
    count = draw.pick((1, 1, 1, 1, 2, 3))
    if count == 1:
        return [exchange(draw)]

    def agreeing() -> list[Exchange] | None:
        made = [draw.pick(_CALLING)(draw) for _ in range(count)]
        schemas: dict[str, Json] = {}
        agree = all(
            schemas.setdefault(tool["function"]["name"], tool["function"]["parameters"])
            == tool["function"]["parameters"]
            for each in made
            for tool in each.tools
        )
        return made if agree else None

    return draw.until(agreeing, "uses of tools whose schemas agree")
