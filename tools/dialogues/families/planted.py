"""Facts to plant in a text: kinds of key and value, how a sentence says them, how one asks for them."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dialogues.draw import Draw
from dialogues.grammar import Phrase

_RELATIONS = (
    "neighbour",
    "teacher",
    "best friend",
    "cousin",
    "boss",
    "doctor",
    "colleague",
    "partner",
    "lawyer",
    "piano teacher",
)


@dataclass(frozen=True, slots=True)
class Fact:
    kind: "Kind"
    key: str  # what it is of
    about: str  # a second part of the key, such as the colour of what
    value: str

    def slots(self) -> dict[str, str]:
        return {"key": self.key, "about": self.about, "value": self.value}


@dataclass(frozen=True)
class Kind:
    key: Callable[[Draw], str]
    about: Callable[[Draw], str]
    value: Callable[[Draw], str]
    states: Phrase
    asks: Phrase
    answers: Phrase
    update: Phrase
    person: bool = False  # the key is a person, of whom one may ask in two steps

    def draw(self, draw: Draw) -> Fact:
        return Fact(self, self.key(draw), self.about(draw), self.value(draw))


def person(draw: Draw) -> str:
    return draw.slot("name") if draw.chance(0.6) else f"{draw.slot('name')} {draw.slot('surname')}"


def secret(draw: Draw) -> str:
    """A number, a code or words that cannot be guessed."""
    kind = draw.integer(0, 4)
    if kind <= 1:
        return str(draw.integer(100, 999999))
    if kind == 2:
        return f"{draw.pick('ABCDEFGHKLMNPRSTUXYZ')}{draw.pick('ABCDEFGHKLMNPRSTUXYZ')}-{draw.integer(10, 9999)}"
    if kind == 3:
        return f"{draw.slot('adjective')} {draw.slot('noun')}"
    return draw.invented().lower()


def _nothing(draw: Draw) -> str:
    return ""


def _thing(draw: Draw) -> str:
    return f"{draw.slot('adjective')} {draw.slot('thing')}"


def _favourite(draw: Draw) -> str:
    return draw.pick(("colour", "food", "animal", "season", "sport", "city", "instrument", "flower"))


def _kind(
    key: Callable[[Draw], str],
    about: Callable[[Draw], str],
    value: Callable[[Draw], str],
    states: str,
    asks: str,
    answers: str,
    update: str,
    person_: bool = False,
) -> Kind:
    return Kind(key, about, value, Phrase(states), Phrase(asks), Phrase(answers), Phrase(update), person_)


_NOW = "[Later this changed|This has changed|A correction|Note the change|Since yesterday it is different]: "
KINDS: tuple[Kind, ...] = (
    _kind(
        person,
        lambda d: d.slot("word_key"),
        secret,
        "[The {about} of {key} is {value}.|{key} has the {about} {value}.|For {key}, the {about} is {value}.|"
        "Remember: the {about} of {key} is {value}.|{key}'s {about} is {value}.]",
        "[What is the {about} of {key}?|What is {key}'s {about}?|Which {about} does {key} have?|[Find|Tell me] "
        "the {about} of {key}[.|, please.]|{key}'s {about}?]",
        "[{value}|{value}|The {about} of {key} is {value}.|It is {value}.|{key}'s {about} is {value}.]",
        "[From now on|Now] the {about} of {key} is {value}.",
        True,
    ),
    _kind(
        _nothing,
        lambda d: f"{d.slot('adjective')} {d.slot('word_key')}",
        secret,
        "[The {about} is {value}.|Note that the {about} is {value}.|The {about}: {value}.|One should know that "
        "the {about} is {value}.|Someone had written: the {about} is {value}.]",
        "[What is the {about}?|Which is the {about}?|Tell me the {about}[.|, please.]|[Find|Give me] the "
        "{about}.|I forgot the {about}. What was it?]",
        "[{value}|{value}|The {about} is {value}.|It is {value}.]",
        "[Now|From today] the {about} is {value}.",
    ),
    _kind(
        person,
        _nothing,
        lambda d: d.slot("city"),
        "[{key} lives in {value}.|The home of {key} is in {value}.|{key} has a house in {value}.|In {value} "
        "lives {key}.]",
        "[Where does {key} live?|In which city does {key} live?|What is the home town of {key}?|{key} lives where?]",
        "[In {value}.|{key} lives in {value}.|{value}]",
        "[{key} has moved to {value}.|{key} now lives in {value}.]",
        True,
    ),
    _kind(
        person,
        _nothing,
        lambda d: d.slot("job"),
        "[{key} works as {a value}.|{key} is {a value} by trade.|By profession {key} is {a value}.|{key} earns "
        "a living as {a value}.]",
        "[What is the job of {key}?|What does {key} do for a living?|As what does {key} work?|Which profession "
        "has {key}?]",
        "[{key} is {a value}.|{Key} works as {a value}.|{Value}.]",
        "[{key} changed jobs and is {a value} now.|Now {key} works as {a value}.]",
        True,
    ),
    _kind(
        lambda d: d.slot("name"),
        _favourite,
        lambda d: "",
        "[The favourite {about} of {key} is {value}.|{key}'s favourite {about} is {value}.|When asked for a "
        "favourite {about}, {key} says {value}.]",
        "[What is {key}'s favourite {about}?|Which {about} does {key} like most?|What is the favourite {about} "
        "of {key}?]",
        "[{value}|{Value}.|It is {value}.|{key}'s favourite {about} is {value}.]",
        "[The favourite {about} of {key} is now {value}.|{key} changed: the favourite {about} is {value} now.]",
        True,
    ),
    _kind(
        _nothing,
        _thing,
        lambda d: f"{d.pick(('in', 'behind', 'under', 'near'))} the {d.slot('room')}",
        "[The {about} is {value}.|The {about} lies {value}.|One finds the {about} {value}.|They keep the "
        "{about} {value}.]",
        "[Where is the {about}?|Where can I find the {about}?|Where do they keep the {about}?|Where does the "
        "{about} lie?]",
        "[{Value}.|The {about} is {value}.|It is {value}.]",
        "[The {about} was moved; it is {value} now.|Now the {about} is {value}.]",
    ),
    _kind(
        lambda d: d.slot("company"),
        _nothing,
        lambda d: f"{d.slot('weekday')} at {d.integer(7, 19)}:{d.pick(('00', '15', '30', '45'))}",
        "[The meeting with {key} is on {value}.|{key} will meet us on {value}.|Our meeting with {key} was set "
        "for {value}.]",
        "[When is the meeting with {key}?|On which day and at what time do we meet {key}?|When do we meet {key}?]",
        "[On {value}.|The meeting with {key} is on {value}.|{value}]",
        "[The meeting with {key} was moved to {value}.|The meeting with {key} is now on {value}.]",
    ),
    _kind(
        person,
        _nothing,
        lambda d: str(d.integer(1890, 2015)),
        "[{key} was born in {value}.|The year of birth of {key} is {value}.|In {value} {key} was born.]",
        "[When was {key} born?|In which year was {key} born?|What is the birth year of {key}?]",
        "[{value}|In {value}.|{key} was born in {value}.]",
        "[The papers were wrong: {key} was born in {value}.|A later record says that {key} was born in {value}.]",
        True,
    ),
    _kind(
        person,
        _thing,
        lambda d: f"{d.integer(2, 990)} euros",
        "[{key} paid {value} for the {about}.|The {about} cost {key} {value}.|For the {about} {key} gave {value}.]",
        "[How much did {key} pay for the {about}?|What did the {about} cost {key}?|What did {key} pay for the "
        "{about}?]",
        "[{value}|{key} paid {value}.|It cost {value}.]",
        "[In truth {key} paid {value} for the {about}.|The price was corrected: {key} paid {value} for the {about}.]",
    ),
    _kind(
        lambda d: d.slot("city"),
        _nothing,
        lambda d: str(d.integer(1, 40)),
        "[The train to {key} leaves from platform {value}.|For {key} one takes platform {value}.|Platform "
        "{value} is for the train to {key}.]",
        "[From which platform does the train to {key} leave?|Which platform is for {key}?|On what platform is "
        "the train to {key}?]",
        "[Platform {value}.|{value}|From platform {value}.]",
        "[The train to {key} now leaves from platform {value}.|Change of platform: the train to {key} leaves "
        "from {value}.]",
    ),
    _kind(
        person,
        _nothing,
        lambda d: d.slot("language"),
        "[{key} speaks {value} at home.|At home {key} speaks {value}.|The mother tongue of {key} is {value}.]",
        "[Which language does {key} speak at home?|What is the mother tongue of {key}?|What does {key} speak at home?]",
        "[{value}|{value}.|{key} speaks {value}.]",
        "[Now {key} speaks {value} at home.|Since the move {key} speaks {value} at home.]",
        True,
    ),
    _kind(
        lambda d: d.invented(),
        _nothing,
        lambda d: d.invented(),
        "[The ship {key} is steered by captain {value}.|Captain {value} steers the ship {key}.|The captain of "
        "the {key} is {value}.]",
        "[Who is the captain of the {key}?|Who steers the ship {key}?|Which captain does the {key} have?]",
        "[{value}|Captain {value}.|The captain of the {key} is {value}.]",
        "[The {key} has a new captain: {value}.|Now captain {value} steers the ship {key}.]",
    ),
    _kind(
        person,
        _nothing,
        lambda d: f"{d.integer(2, 60)} "
        f"{d.pick(('sheep', 'hens', 'books', 'stamps', 'cups', 'hats', 'clocks', 'ducks', 'coins', 'maps'))}",
        "[{key} owns {value}.|{key} has {value}.|There are {value} in the house of {key}.]",
        "[What does {key} own, and how many?|What does {key} have at home?|What and how many does {key} own?]",
        "[{value}|{key} owns {value}.|{key} has {value}.]",
        "[Now {key} owns {value}.|After the sale {key} has {value}.]",
        True,
    ),
    _kind(
        lambda d: f"{d.slot('adjective').upper()}_{d.slot('noun').upper()}",
        _nothing,
        lambda d: str(d.integer(2, 9999)),
        "[{key} = {value}|set {key} = {value}|const {key} = {value};|The constant {key} has the value {value}.]",
        "[What is the value of {key}?|Which value has {key}?|{key} = ?|What is {key} set to?]",
        "[{value}|{key} is {value}.|{key} = {value}]",
        "[{key} = {value}|The constant {key} was set to {value}.]",
    ),
)


def draw_fact(draw: Draw, kind: Kind | None = None) -> Fact:
    kind = kind or draw.pick(KINDS)
    fact = kind.draw(draw)
    if not fact.value:  # a favourite: the value is of the kind that the key names
        slot = {
            "colour": "colour",
            "food": "food",
            "animal": "animal",
            "season": "season",
            "sport": "sport",
            "city": "city",
            "instrument": "instrument",
            "flower": "flower",
        }[fact.about]
        fact = Fact(kind, fact.key, fact.about, draw.slot(slot))
    return fact


def other_value(draw: Draw, fact: Fact) -> Fact:
    """The same key with another value."""

    def another() -> Fact | None:
        other = draw_fact(draw, fact.kind)
        if fact.kind.about is _favourite and other.about != fact.about or other.value == fact.value:
            return None
        return Fact(fact.kind, fact.key, fact.about, other.value)

    return draw.until(another, f"another value than {fact.value}")


def relation(draw: Draw) -> str:
    return draw.pick(_RELATIONS)
