"""Small talk, and who the assistant is."""
from __future__ import annotations

from functools import lru_cache

from dialogues.draw import Draw
from dialogues.exchange import Exchange, any_of, assistant, contains, says, unknown, user
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
    return _read("small_talk.txt")


@lru_cache(maxsize=None)
def _identity() -> tuple[tuple[Phrase, Phrase], ...]:
    return _read("identity.txt")


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
    return len(_talk()) + len(_identity()) + len(_jokes()) + special - 6


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
            "[I work as a {value}|My job is {value}].",
            "[What is my job|What do I do for a living|As what do I work]?",
            "[{Value}.|You work as a {value}.|Your job is {value}.]",
            "job",
        ),
        (
            "[I have a {value}|My pet is a {value}].",
            "[What pet do I have|Which animal do I have]?",
            "[A {value}.|You have a {value}.]",
            "animal",
        ),
        (
            "[My hobby is {value}|I like {value}|In the evening I go {value}].",
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
            "[My sister is called {value}|My brother's name is {value}|My best friend is {value}].",
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
        messages += talk(draw).messages
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


def exchange(draw: Draw) -> Exchange:
    kind = draw.random()
    if kind < 0.55:
        return talk(draw)
    if kind < 0.8:
        return identity(draw)
    return joke(draw) if kind < 0.86 else remembered(draw)
