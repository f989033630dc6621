"""Questions on facts that are in tables, forwards and backwards; and on what nobody knows."""
from __future__ import annotations

from functools import lru_cache

from dialogues import facts
from dialogues.draw import Draw
from dialogues.english import listed, ordinal
from dialogues.exchange import Exchange, any_of, contains, says, unknown
from dialogues.families.fact_said import LEAD, fact_said
from dialogues.families.nature_facts import animal, element, state
from dialogues.grammar import Phrase, lines_of
from dialogues.slots import CONTENT

_DO_NOT_KNOW = Phrase(
    "[I do not know.|I do not know {it}.|I have never heard of {it}, so I do not know.|Sorry, I do not know "
    "{it}.|I am not sure; I do not know {it}.|I know nothing about {it}. I do not know.|I do not know that. Is "
    "{it} made up?]"
)


def country(draw: Draw) -> Exchange | None:
    one = draw.pick(facts.countries())
    title = one.title
    kind = draw.integer(0, 10)
    if kind <= 2:
        return fact_said(
            draw,
            draw.say(
                "[What is the capital of {t}?|What is the capital city of {t}?|Which city is the capital of "
                "{t}?|Name the capital of {t}.|Capital of {t}?|The capital of {t} is ...?|Which city governs "
                "{t}?]",
                t=title,
            ),
            draw.say("[{c}.|{c}|The capital of {t} is {c}.|It is {c}.]", c=one.capital, t=title),
            f"the capital of {title} is {one.capital}.",
            contains(one.capital),
        )
    if kind <= 4:
        return fact_said(
            draw,
            draw.say(
                "[Of which country is {c} the capital?|{c} is the capital of which country?|Which country has "
                "the capital {c}?|Whose capital is {c}?]",
                c=one.capital,
            ),
            draw.say("[{t}.|{c} is the capital of {t}.|Of {t}.]", t=title, c=one.capital),
            f"{one.capital} is the capital of {title}.",
            contains(one.name),
        )
    if kind == 5:
        return fact_said(
            draw,
            draw.say(
                "[On which continent is {t}?|Where is {t}?|In which part of the world is {t}?|In which region is {t}?]",
                t=title,
            ),
            draw.say("[In {s}.|{T} is in {s}.|{s}, in {r}.]", s=one.subregion or one.region, r=one.region, t=title),
            f"{title} is in {one.subregion or one.region}.",
            any_of(one.subregion or one.region, one.region),
        )
    if kind == 6 and one.languages:
        return fact_said(
            draw,
            draw.say(
                "[Which language is spoken in {t}?|What do people speak in {t}?|Which languages are official in "
                "{t}?|Languages of {t}?]",
                t=title,
            ),
            draw.say("[{l}.|In {t} people speak {l}.]", l=listed(one.languages), t=title),
            f"in {title} one speaks {listed(one.languages)}.",
            any_of(*one.languages),
        )
    if kind == 7 and one.currency:
        return fact_said(
            draw,
            draw.say(
                "[What is the currency of {t}?|Which money is used in {t}?|With what do you pay in {t}?|"
                "Currency of {t}?]",
                t=title,
            ),
            draw.say("[The {m}.|In {t} one pays with the {m}.|{m}]", m=one.currency, t=title),
            f"the currency of {title} is the {one.currency}.",
            contains(one.currency),
        )
    if kind == 8:
        names = one.neighbours
        return fact_said(
            draw,
            draw.say(
                "[Which countries border {t}?|What are the neighbours of {t}?|Name the neighbours of {t}.|"
                "Neighbours of {t}?]",
                t=title,
            ),
            (listed(names) if names else f"{title} has no land neighbours") + ".",
            f"{title} borders {listed(names)}." if names else f"{title} is surrounded by water.",
            contains(names[0]) if names else any_of("no "),
        )
    if kind == 9:
        return fact_said(
            draw,
            draw.say(
                "[What do you call someone from {t}?|What are the people of {t} called?|A person from {t} is "
                "called ...?]",
                t=title,
            ),
            f"{one.demonym}.",
            f"people from {title} are called {one.demonym}.",
            contains(one.demonym),
        )
    other = draw.pick(facts.countries())
    yes = draw.chance(0.5)
    city = one.capital if yes else other.capital
    return fact_said(
        draw,
        draw.say(
            "[Is {c} the capital of {t}?|Is it true that {c} is the capital of {t}?|{c} is the capital of {t}, right?]",
            c=city,
            t=title,
        ),
        "Yes." if city == one.capital else f"No, it is {one.capital}.",
        f"the capital of {title} is {one.capital}.",
        any_of("yes") if city == one.capital else contains("no", one.capital),
    )


@lru_cache(maxsize=None)
def _general() -> tuple[tuple[Phrase, Phrase, str], ...]:
    read = []
    for line in lines_of((CONTENT / "general_facts.txt").read_text(encoding="utf-8")):
        question, _, rest = line.partition(" => ")
        answer, _, right = rest.rpartition(" | ")
        read.append((Phrase(question), Phrase(answer), right))
    return tuple(read)


def general(draw: Draw) -> Exchange | None:
    question, answer, right = draw.pick(_general())
    said = answer.write(draw.rng, {})
    numbers = {
        "seven": "7",
        "twelve": "12",
        "three": "3",
        "four": "4",
        "six": "6",
        "five": "5",
        "eight": "8",
        "two": "2",
    }
    return fact_said(
        draw, question.write(draw.rng, {}), said, said, any_of(right, *([numbers[right]] if right in numbers else []))
    )


def alphabet(draw: Draw) -> Exchange | None:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    at = draw.integer(1, 24)
    kind = draw.integer(0, 2)
    if kind == 0:
        return fact_said(
            draw,
            draw.say("[Which letter comes after {l}?|What letter follows {l}?|The letter after {l}?]", l=letters[at]),
            letters[at + 1],
            f"after {letters[at]} comes {letters[at + 1]}.",
            contains(letters[at + 1]),
        )
    if kind == 1:
        return fact_said(
            draw,
            draw.say(
                "[Which letter comes before {l}?|What letter is before {l}?|The letter before {l}?]", l=letters[at]
            ),
            letters[at - 1],
            f"before {letters[at]} comes {letters[at - 1]}.",
            contains(letters[at - 1]),
        )
    return fact_said(
        draw,
        draw.say("[What is the {o} letter of the alphabet?|Which letter is number {n}?]", o=ordinal(at + 1), n=at + 1),
        letters[at],
        f"letter {at + 1} is {letters[at]}.",
        contains(letters[at]),
    )


def invented(draw: Draw) -> Exchange:
    """Names that nothing bears: the right answer is not to know."""
    name = draw.invented()
    question, it = draw.pick(
        (
            (
                "[What is the capital of {n}?|What is the capital city of {n}?|Which city is the capital of "
                "{n}?|Name the capital of {n}.]",
                "{n}",
            ),
            ("[Who is {n}?|Who was {n}?|What do you know about {n}?|Tell me about {n}.]", "{n}"),
            ('[Who wrote "The {n}"?|Who is the author of "{n}"?]', "that book"),
            ("[Where is {n}?|On which continent is {n}?|In which country is {n}?]", "{n}"),
            ("[What is the currency of {n}?|Which money is used in {n}?]", "{n}"),
            ("[When was {n} born?|When did {n} live?|How old is {n}?]", "{n}"),
            ("[What is the symbol of {n}?|Which atomic number has {n}?|Is {n} a metal?]", "{n}"),
            ("[What does {n} eat?|How many legs has a {n}?|Is a {n} a bird?]", "{n}"),
            ("[When was the battle of {n}?|Who won the battle of {n}?]", "{n}"),
            ("[How high is Mount {n}?|How long is the river {n}?|How deep is lake {n}?]", "{n}"),
            (
                "[Which language is spoken in {n}?|What do people speak in {n}?|Who rules {n}?|How many people "
                "live in {n}?]",
                "{n}",
            ),
            ("[What did {n} invent?|What is {n} famous for?|Which songs did {n} write?]", "{n}"),
        )
    )
    asked = draw.fill(LEAD, {}) + draw.say(question, n=name)
    thing = it.replace("{n}", name)
    return says(
        asked,
        draw.fill(_DO_NOT_KNOW, {"it": thing}),
        draw.say(
            "[I do not know {n}.|{n} is not a name I know.|I have no fact about {n}.] [I should not invent an "
            "answer.|I say so.|Better to be honest.|So I cannot answer.]",
            n=name,
        ),
        unknown(),
        invented=True,
    )


_KINDS = (country,) * 9 + (
    element,
    element,
    state,
    state,
    animal,
    animal,
    animal,
    general,
    general,
    general,
    general,
    alphabet,
)


def exchange(draw: Draw) -> Exchange:
    if draw.chance(0.13):
        return invented(draw)
    return draw.until(lambda: draw.pick(_KINDS)(draw), "a question of this split")
