"""Small talk, and who the assistant is."""
from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from dialogues.draw import Draw
from dialogues.exchange import Exchange, Message, any_of, assistant, contains, says, unknown, user
from dialogues.grammar import Phrase, capital, lines_of
from dialogues.slots import CONTENT

_THOUGHTS = Phrase(
    "[This is small talk|The user is just chatting|A friendly message]. [I answer kindly|I answer briefly|A "
    "short answer is enough].",
    "[The user says|They say] something personal. I [answer|react] [kindly|shortly].",
    "[Nothing to look up here.|No facts are needed.] [A short reply.|I reply in a friendly way.]",
    "[I keep it short|I stay friendly|A kind reply will do].",
)
_SELF_THOUGHTS = Phrase(
    "[The user asks about me.|This is about me.|A question about myself.] [I am minnow|I am honest about what I "
    "am|I say what is true]: a [very small|small] [model|language model|program].",
    "[I am minnow, trained by fathom.|I should be honest: I am a small program.] [So I say that.|That is my answer.|]",
)
_MORE_SLOTS = {"age": (6, 90), "ten": (1, 10)}


def _read(name: str) -> tuple[tuple[Phrase, Phrase], ...]:
    pairs = (line.split(" => ") for line in lines_of((CONTENT / name).read_text(encoding="utf-8")))
    return tuple((Phrase(question), Phrase(f"[{answer}]")) for question, answer in pairs)


@lru_cache(maxsize=None)
def _talk() -> tuple[tuple[Phrase, Phrase], ...]:
    names = ("small_talk.txt", "small_talk_feelings.txt", "small_talk_life.txt", "small_talk_advice.txt")
    return tuple(pair for name in names for pair in _read(name))


@lru_cache(maxsize=None)
def _identity() -> tuple[tuple[Phrase, Phrase], ...]:
    return _read("identity.txt")


@lru_cache(maxsize=None)
def _threads() -> tuple[tuple[tuple[Phrase, Phrase], ...], ...]:
    lines = lines_of((CONTENT / "threads.txt").read_text(encoding="utf-8"))
    return tuple(
        tuple(
            (Phrase(question), Phrase(answer))
            for question, answer in (turn.split(" => ") for turn in line.split(" >> "))
        )
        for line in lines
    )


@lru_cache(maxsize=None)
def _jokes() -> tuple[str, ...]:
    return tuple(lines_of((CONTENT / "jokes.txt").read_text(encoding="utf-8")))


@lru_cache(maxsize=None)
def _values() -> dict[str, tuple[str, ...]]:
    lines = lines_of((CONTENT / "talk_slots.txt").read_text(encoding="utf-8"))
    return {
        kind: tuple(value.strip() for value in values.split(","))
        for kind, _, values in (line.partition(": ") for line in lines)
    }


def exchanges_known() -> int:
    """How many exchanges there are, not counting wordings: a topic or an ability counts as one."""
    special = sum(len(_values()[kind]) for kind in ("topic", "cannot", "can", "done", "do_past", "bad", "good"))
    turns = sum(map(len, _threads()))
    return len(_talk()) + len(_identity()) + len(_jokes()) + turns + special - 7


class _Slots(dict[str, object]):
    """Values drawn when a phrase first asks for them, the same one ever after."""

    def __init__(self, draw: Draw) -> None:
        super().__init__()
        self.draw = draw

    def __missing__(self, key: str) -> object:
        draw = self.draw
        if key in _values():
            value: object = draw.pick(_values()[key])
        elif key in _MORE_SLOTS:
            value = draw.integer(*_MORE_SLOTS[key])
        elif key == "one_animal":
            value = draw.slot("animal")
        elif key == "small_bird":
            value = draw.slot("young_bird")
        elif key == "spelled":
            value = "-".join(str(self["thing"]).replace(" ", "")).upper()
        else:
            value = draw.slot(key)
        self[key] = value
        return value


def talk(draw: Draw) -> Exchange:
    question, answer = draw.pick(_talk())
    slots = _Slots(draw)
    asked = capital(question.write(draw.rng, slots))
    return says(_roughly(draw, asked), capital(answer.write(draw.rng, slots)), draw.fill(_THOUGHTS, {}))


def _roughly(draw: Draw, text: str) -> str:
    """As people type: sometimes small letters, no full stop, a please or a greeting before it."""
    if draw.chance(0.08):
        text = text.lower() if "{" not in text else text
    if draw.chance(0.06):
        text = text.rstrip("?.!")
    if draw.chance(0.05):
        text = draw.pick(("Hey, ", "So, ", "Well, ", "Tell me: ", "One question: ")) + text
    return text


def identity(draw: Draw) -> Exchange:
    question, answer = draw.pick(_identity())
    slots = _Slots(draw)
    reply = capital(answer.write(draw.rng, slots))
    asked = question.write(draw.rng, slots)
    check = (
        contains("minnow") if "minnow" in reply.lower() and ("name" in asked.lower() or "Who are" in asked) else None
    )
    if reply.startswith(("I do not know", "I cannot know", "You have not")):
        check = unknown()
        check["expected"] = [*check["expected"], "not told me", "cannot know", "no clock", "no calendar"]
    return says(_roughly(draw, capital(asked)), reply, draw.fill(_SELF_THOUGHTS, {}), check)


def thread(draw: Draw) -> Exchange:
    """A talk of several turns whose later ones know the earlier ones."""
    slots = _Slots(draw)
    messages: list[Message] = []
    told: list[str] = []
    for question, answer in draw.pick(_threads()):
        asked = question.write(draw.rng, slots)
        before = [str(value) for value in slots.values() if str(value).lower() not in asked.lower()]
        said = answer.write(draw.rng, slots)
        told = [value for value in before if value.lower() in said.lower()]  # said earlier, and needed now
        thought = f"Earlier in this chat: {', '.join(told)}." if told else draw.fill(_THOUGHTS, {})
        messages += [user(_roughly(draw, capital(asked))), assistant(capital(said), thought)]
    return Exchange(messages, [(len(messages) - 1, contains(*told))] if told else [])


_OF_THE_USER = re.compile(r"\b(I|I'm|my|My|me)\b")


def neutral(draw: Draw) -> Exchange:
    """Talk in which the user says nothing of themselves, so that it can stand between what was told and its question."""

    def made() -> Exchange | None:
        each = draw.pick((talk, talk, identity))(draw)
        return None if _OF_THE_USER.search(each.messages[0]["content"]) else each

    return joke(draw) if draw.chance(0.1) else draw.until(made, "talk without the user")


def conversation(draw: Draw) -> Exchange:
    """From hello to goodbye, with what was told in between."""
    main = draw.pick((thread, remembered, talk, identity))
    messages = list(hello(draw, nameless=True).messages) if draw.chance(0.6) else []
    parts = draw.shuffled([main(draw), *(neutral(draw) for _ in range(draw.integer(0, 3)))])
    checks = []
    for part in parts:
        checks = [(len(messages) + at, check) for at, check in part.checks]
        messages += part.messages
    if draw.chance(0.4):
        checks = []
        messages += goodbye(draw).messages
    return Exchange(messages, checks)


def hello(draw: Draw, nameless: bool = False) -> Exchange:
    name = draw.slot("name")
    question, answer = draw.pick(
        (
            ("[Hello|Hi|Hey|Good morning|Good evening|Hello minnow|Hi minnow][!|.|]", "[Hello|Hi]! [How can I help|What can I do for you]?"),
            ("[Hello|Hi], [I am|my name is|this is] {name}[.|!]", "[Hello|Hi] {name}! [What can I do for you|How can I help]?"),
            ("[Hello|Hi][, how are you|. How are you|! How is it going]?", "[Hello! |Hi! |]I am fine, thank you. And you?"),
        )[:: 2 if nameless else 1]
    )  # fmt: skip
    return says(draw.say(question, name=name), draw.say(answer, name=name), draw.fill(_THOUGHTS, {}))


def goodbye(draw: Draw) -> Exchange:
    return says(
        draw.say(
            "[Thanks, that was all|Thank you, bye|Bye|Goodbye|I have to go|That is all for today|Thanks minnow, bye][!|.|]"
        ),
        draw.say("[You are welcome. |]Goodbye[!|, and have a nice day!]"),
        draw.fill(_THOUGHTS, {}),
    )


def joke(draw: Draw) -> Exchange:
    text = draw.pick(_jokes())
    question = draw.say(
        "[Tell me a joke[.|, please.]|[Do you know|Have you got] a [good |]joke?|Make me laugh[.|!]|A joke[, "
        "please|]!|Something funny, please.|[I need|I want] a joke.]"
    )
    if draw.chance(0.3):
        asked, _, point = text.partition("? ")
        return Exchange(
            [
                user(question),
                assistant(asked + "?", "I ask first and tell the point later."),
                user(draw.say("[I don't know.|Tell me.|What?|No idea.|Why?]")),
                assistant(point, "Now the point of the joke."),
            ],
            [],
        )
    return says(question, text, draw.say("[The user wants a joke.|A joke.] I know one."))


_TOLD = tuple(
    (Phrase(tell), Phrase(ask), Phrase(reply), kind)
    for tell, ask, reply, kind in (
        (
            "[My name is {value}|I am {value}|Call me {value}|I'm {value}].",
            "[What is my name|Do you remember my name|Who am I|How am I called]?",
            "[Your name is {value}.|You are {value}.|{value}.]",
            "name",
        ),
        (
            "[I live in {value}|My home is in {value}|I come from {value}].",
            "[Where do I live|Where do I come from|In which city do I live]?",
            "[In {value}.|You live in {value}.|{value}.]",
            "city",
        ),
        (
            "[My favourite colour is {value}|I like {value} best of all colours].",
            "[What is my favourite colour|Which colour do I like]?",
            "[{value}.|Your favourite colour is {value}.|You like {value}.]",
            "colour",
        ),
        (
            "[I work as {a value}|I am {a value}|My job is {value}].",
            "[What is my job|What do I do for a living|As what do I work]?",
            "[You work as {a value}.|Your job is {value}.|You are {a value}.]",
            "job",
        ),
        (
            "[I have {a value}|My pet is {a value}].",
            "[What pet do I have|Which animal do I have]?",
            "[{A value}.|You have {a value}.]",
            "animal",
        ),
        (
            "[My hobby is {value}|I like {value}].",
            "[What is my hobby|What do I like to do]?",
            "[{Value}.|Your hobby is {value}.]",
            "hobby",
        ),
        (
            "[I am {value} years old|I'm {value}|My age is {value}].",
            "[How old am I|What is my age]?",
            "[{value}.|You are {value} years old.|You are {value}.]",
            "age",
        ),
        (
            "[My neighbour is called {value}|My best friend is {value}|My teacher's name is {value}].",
            "[Who did I tell you about|Which name did I mention]?",
            "[{value}.|You told me about {value}.]",
            "name",
        ),
        (
            "[I am learning {value}|I study {value}].",
            "[Which language am I learning|What am I learning]?",
            "[{value}.|You are learning {value}.]",
            "language",
        ),
        (
            "[I will travel to {value}|Tomorrow I go to {value}|My trip goes to {value}].",
            "[Where do I want to go|Where does my trip go]?",
            "[To {value}.|You go to {value}.|{value}.]",
            "city",
        ),
        *(
            (
                f"My favourite {kind} is {{value}}.",
                f"[What is my favourite {kind}|Which {kind} do I like most|Do you remember my favourite {kind}]?",
                f"[Your favourite {kind} is {{value}}.|It is {{value}}.|{{value}}]",
                kind,
            )
            for kind in ("season", "sport", "fruit", "flower", "subject", "instrument", "dish", "weekday", "month")
        ),
        (
            "[I bought|I got|I have] a new {value}.",
            "What did I [buy|get]?",
            "[A {value}.|You have a new {value}.]",
            "thing",
        ),
        (
            "[I like to eat|I love|I always eat] {value}.",
            "What do I like to eat?",
            "[{Value}.|You like {value}.]",
            "food",
        ),
        (
            "[I go to work by|I travel by|I always take the] {value}.",
            "[How do I travel|How do I go to work]?",
            "[By {value}.|You go by {value}.]",
            "vehicle",
        ),
        (
            "[I need|Please remember to buy|I must buy] {value}.",
            "[What did I want to buy|What do I need]?",
            "[{Value}.|You need {value}.]",
            "food",
        ),
        (
            "[I play the {value}|I am learning the {value}].",
            "[What do I play|Which instrument do I play]?",
            "[The {value}.|You play the {value}.]",
            "instrument",
        ),
        (
            "[My surname is|My last name is] {value}.",
            "[What is my surname|What is my last name]?",
            "[{value}.|Your surname is {value}.]",
            "surname",
        ),
        (
            "[I am sitting in the|I am in the|Right now I am in the] {value}.",
            "[Where am I|Where am I sitting]?",
            "[In the {value}.|You are in the {value}.]",
            "room",
        ),
        (
            "[Remember|Please remember|Keep in mind] the word {value}.",
            "[What was the word|Which word should you remember]?",
            "[{value}|The word is {value}.]",
            "noun",
        ),
        (
            "[Remember|Please remember|Keep in mind] the number {value}.",
            "[What was the number|Which number should you remember]?",
            "[{value}|The number is {value}.]",
            "age",
        ),
    )
)


def remembered(draw: Draw) -> Exchange:
    """The user says something about themselves, and asks for it later."""
    told = draw.several(_TOLD, draw.integer(1, 3))
    values = [str(draw.integer(6, 90)) if kind == "age" else draw.slot(kind) for *_, kind in told]
    opening = " ".join(tell.write(draw.rng, {"value": value}) for (tell, *_), value in zip(told, values))
    messages = [
        user(draw.pick(("", "Hello! ", "Hi! ", "Good morning. ")) + opening),
        assistant(
            draw.say(
                "[Nice to meet you!|Hello! Thank you for telling me.|Good to know.|Nice! What can I do for you?|"
                "I will keep that in mind.]"
            ),
            draw.fill(_THOUGHTS, {}),
        ),
    ]
    for _ in range(draw.integer(0, 2)):
        messages += neutral(draw).messages
    at = draw.integer(0, len(told) - 1)
    _, ask, reply, kind = told[at]
    value = values[at]
    answer = capital(reply.write(draw.rng, {"value": value}))
    check = contains(value)
    thought = draw.say("[Earlier the user said|The user told me]: {value}.", value=value)
    asked = ask.write(draw.rng, {})
    if draw.chance(0.15):
        missing = [each for each in _TOLD if each[3] not in [kind for *_, kind in told]]
        _, ask, _, _ = draw.pick(missing)
        asked = ask.write(draw.rng, {})
        if "Who did" not in asked and "Which name" not in asked:
            answer, thought, check = (
                draw.say("[You have not told me.|I do not know; you did not say.|You did not tell me that.]"),
                "The user has not said that. I do not invent it.",
                any_of("not told", "did not", "do not know"),
            )
    messages += [user(asked), assistant(answer, thought)]
    return Exchange(messages, [(len(messages) - 1, check)])


_KINDS: tuple[Callable[[Draw], Exchange], ...] = (
    *((talk,) * 9 + (identity,) * 6 + (thread,) * 4 + (remembered,) * 4),
    *(joke, joke, hello, conversation, conversation),
)


def exchange(draw: Draw) -> Exchange:
    return draw.pick(_KINDS)(draw)
