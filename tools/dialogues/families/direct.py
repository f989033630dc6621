"""The commonest questions as people type them, short, with one way to answer each; several in a row."""
from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from dialogues import facts
from dialogues.draw import Draw
from dialogues.english import listed, ordinal
from dialogues.exchange import Check, Exchange, any_of, contains, number, says
from dialogues.families import direct_forms, small_talk, sums
from dialogues.families.nature_facts import animals, elements, states
from dialogues.grammar import Phrase, capital

_PEOPLE_TYPE = ("", "", "", "", "?", ".", " please")


def asked(draw: Draw, question: str) -> str:
    """As people type: small letters, no mark at the end, a please."""
    if draw.chance(0.2):
        question = question.rstrip("?.!") + draw.pick(_PEOPLE_TYPE)
    if draw.chance(0.15):
        question = question[0].lower() + question[1:]
    return question


def fact(draw: Draw, question: str, answer: str, check: Check, about: str = "") -> Exchange | None:
    """None where the wording belongs to the other split."""
    question = asked(draw, capital(question))
    if not draw.allows("direct question", question):
        return None
    return says(question, answer, about or answer, check)


def capital_city(draw: Draw) -> Exchange | None:
    one = draw.pick(facts.countries())
    question = draw.say(
        "[Capital of {t}?|Capital of {t}|{n} capital?|What is the capital of {t}?|What's the capital of {t}?|Which city is "
        "the capital of {t}?|Tell me the capital of {t}.|The capital of {t}?|{n}: capital?|Capital city of {t}?|What is "
        "{t}'s capital?]",
        t=one.title,
        n=one.name,
    )
    return fact(draw, question, f"The capital of {one.title} is {one.capital}.", contains(one.capital))


def capital_of(draw: Draw) -> Exchange | None:
    one = draw.pick(facts.countries())
    question = draw.say(
        "[{c} is the capital of which country?|{c} is the capital of what?|Which country has the capital {c}?|In which "
        "country is {c}?|Where is {c}?|What country is {c} in?|{c}: which country?]",
        c=one.capital,
    )
    return fact(draw, question, f"{one.capital} is the capital of {one.title}.", contains(one.name))


def about_country(draw: Draw) -> Exchange | None:
    one = draw.pick(facts.countries())
    kind = draw.integer(0, 3)
    if kind == 0 and one.currency:
        question = draw.say(
            "[Currency of {t}?|What is the currency of {t}?|What money do they use in {t}?|{n} currency?|Money in {t}?]",
            t=one.title,
            n=one.name,
        )
        return fact(draw, question, f"The currency of {one.title} is the {one.currency}.", contains(one.currency))
    if kind == 1 and one.languages:
        question = draw.say(
            "[Language of {t}?|What language do they speak in {t}?|What is spoken in {t}?|{n} language?|Languages in {t}?]",
            t=one.title,
            n=one.name,
        )
        answer = f"In {one.title} people speak {listed(one.languages)}."
        return fact(draw, question, answer, any_of(*one.languages))
    if kind == 2:
        question = draw.say(
            "[Continent of {t}?|What continent is {t} on?|Which continent is {t} in?|Where is {t}?|Where does {t} lie?]",
            t=one.title,
        )
        place = one.subregion or one.region
        said = f"{capital(one.title)} is in {place}" + (f", in {one.region}." if one.region not in place else ".")
        return fact(draw, question, said, any_of(one.region, place))
    if not one.neighbours:
        return None
    question = draw.say(
        "[Neighbours of {t}?|Who borders {t}?|What countries border {t}?|Which countries are next to {t}?]", t=one.title
    )
    return fact(draw, question, f"{capital(one.title)} borders {listed(one.neighbours)}.", contains(one.neighbours[0]))


def define(draw: Draw) -> Exchange | None:
    word = draw.common(tuple(facts.first_senses().values()))  # the table begins with the commonest words
    question = draw.say(
        "[Define {w}.|define {w}|Define {w}|Meaning of {w}|Meaning of {w}?|What does {w} mean?|What is the meaning of "
        "{w}?|What means {w}?|Explain {w}.|{W} meaning?|Definition of {w}|What's {w}?|{w}: meaning?|What does the word "
        "{w} mean?]",
        w=word.word,
    )
    answer = f"{capital(word.word)} ({word.part}): {word.definition}."
    return fact(draw, question, answer, contains(word.definition))


@lru_cache(maxsize=None)
def _having(what: str) -> tuple[facts.Word, ...]:
    return tuple(word for word in facts.words() if getattr(word, what))


def like_word(draw: Draw) -> Exchange | None:
    kind = draw.integer(0, 2)
    word = draw.common(_having(("synonyms", "antonyms", "form")[kind]))
    if kind == 0:
        question = "[Synonym of {w}?|Synonym for {w}|Another word for {w}?|Other word for {w}?|Same as {w}?]"
        answer = f"Another word for {word.word} is {word.synonyms[0]}."
        return fact(draw, draw.say(question, w=word.word), answer, any_of(*word.synonyms))
    if kind == 1:
        question = "[Opposite of {w}?|Opposite of {w}|What is the opposite of {w}?|Antonym for {w}?|{W}: opposite?]"
        answer = f"The opposite of {word.word} is {word.antonyms[0]}."
        return fact(draw, draw.say(question, w=word.word), answer, any_of(*word.antonyms))
    what = "plural" if word.part == "noun" else "past tense"
    question = draw.say(
        "[{What} of {w}?|{What} of {w}|What is the {what} of {w}?|{w}: {what}?]", what=what, w=word.word
    )
    return fact(draw, question, f"The {what} of {word.word} is {word.form}.", contains(word.form))


def small_sum(draw: Draw) -> Exchange | None:
    """The tables that one knows by heart: all of them are trained, and some of their wordings are held out."""
    a, b = draw.integer(0, 12), draw.integer(0, 12)
    sign = draw.pick("+++-**/")
    if sign == "-":
        a, b = a + b, b
    if sign == "/":
        b = max(b, 1)
        a = a * b
    value = {"+": a + b, "-": a - b, "*": a * b, "/": a // b if b else 0}[sign]
    said = {"+": "[+|plus]", "-": "[-|minus]", "*": "[*|times|x]", "/": "[/|divided by|:]"}[sign]
    question = draw.say(
        f"[{{a}} {said} {{b}}?|{{a}} {said} {{b}} =|{{a}} {said} {{b}}|{{a}}{sign}{{b}}?|{{a}}{sign}{{b}}=|{{a}}{sign}{{b}}|"
        f"What is {{a}} {said} {{b}}?|What's {{a}} {said} {{b}}?|How much is {{a}} {said} {{b}}?|Calculate {{a}} {sign} {{b}}.]",
        a=a,
        b=b,
    )
    return fact(draw, question, f"{a} {sign} {b} = {value}", number(value))


def sum_with_steps(draw: Draw) -> Exchange | None:
    a, b = draw.integer(*draw.pick(((10, 99), (10, 99), (100, 999)))), draw.integer(
        *draw.pick(((2, 9), (10, 99), (10, 99)))
    )
    sign = draw.pick("++--*")
    if sign == "-" and a < b:
        a, b = b, a
    if sign == "*":
        b = b % 10 or 2
    if not draw.allows("sum", f"{a}{sign}{b}"):
        return None
    value = {"+": a + b, "-": a - b, "*": a * b}[sign]
    working = {"+": sums.added, "-": sums.subtracted, "*": sums.multiplied}[sign](a, b)
    said = {"+": "[+|plus]", "-": "[-|minus]", "*": "[*|times|x]"}[sign]
    question = draw.say(
        f"[{{a}} {said} {{b}}?|{{a}} {said} {{b}} =|{{a}} {said} {{b}}|{{a}}{sign}{{b}}?|{{a}}{sign}{{b}}|What is {{a}} "
        f"{said} {{b}}?|What's {{a}} {said} {{b}}?|How much is {{a}} {said} {{b}}?|Calculate {{a}} {sign} {{b}}.]",
        a=a,
        b=b,
    )
    return says(question, f"{a} {sign} {b} = {value}", working, number(value), plain=working)


def nature(draw: Draw) -> Exchange | None:
    kind = draw.integer(0, 3)
    if kind == 0:
        name, symbol, order, _ = draw.pick(elements())
        what, value = draw.pick((("chemical symbol", symbol), ("atomic number", order)))
        question = draw.say("[{What} of {n}?|{What} of {n}|What is the {what} of {n}?]", what=what, n=name.lower())
        return fact(draw, question, f"The {what} of {name.lower()} is {value}.", contains(value))
    if kind == 1:
        state, city = draw.pick(states())
        question = draw.say(
            "[Capital of {s}?|State capital of {s}?|What is the capital of {s}?|What's the capital of {s}?]", s=state
        )
        return fact(draw, question, f"The capital of {state} is {city}.", contains(city))
    name, young, sound, legs, group, _ = draw.pick(animals())
    if kind == 2 and young:
        question = draw.say(
            "[Young {n}: what is it called?|What is a young {n} called?|Baby {n}?|What is a baby {n}?]", n=name
        )
        return fact(draw, question, f"A young {name} is called a {young}.", contains(young))
    if kind == 3 and legs:
        question = draw.say("[How many legs has {a n}?|Legs of {a n}?|How many legs does {a n} have?]", n=name)
        answer = (
            draw.say("{A n} has {l} legs.", n=name, l=legs) if legs != "0" else draw.say("{A n} has no legs.", n=name)
        )
        return fact(draw, question, answer, contains(legs if legs != "0" else "no"))
    question = draw.say("[What kind of animal is {a n}?|{A n} is what kind of animal?]", n=name)
    return fact(draw, question, draw.say("{A n} is {a g}.", n=name, g=group), contains(group))


_ORDERS = {
    "day": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split(),
    "month": "January February March April May June July August September October November December".split(),
    "letter": list("ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
}


def in_order(draw: Draw) -> Exchange | None:
    """What comes after, before, and at which place."""
    kind = draw.pick(tuple(_ORDERS))
    row = _ORDERS[kind]
    at = draw.integer(1, len(row) - 2)
    way = draw.integer(0, 3)
    if way == 0:
        question = draw.say(
            "[What comes after {x}?|What {k} comes after {x}?|After {x}?|{x}, then?]", x=row[at], k=kind
        )
        return fact(draw, question, f"After {row[at]} comes {row[at + 1]}.", contains(f"comes {row[at + 1]}"))
    if way == 1:
        question = draw.say("[What comes before {x}?|What {k} comes before {x}?|Before {x}?]", x=row[at], k=kind)
        return fact(draw, question, f"Before {row[at]} comes {row[at - 1]}.", contains(f"comes {row[at - 1]}"))
    where = {"day": "of the week", "month": "of the year", "letter": "of the alphabet"}[kind]
    question = draw.say(
        "[{o} {k}?|What is the {o} {k} {w}?|Which {k} is number {n}?|{K} number {n}?]",
        o=ordinal(at + 1),
        k=kind,
        w=where,
        n=at + 1,
    )
    return fact(draw, question, f"The {ordinal(at + 1)} {kind} {where} is {row[at]}.", contains(f"is {row[at]}."))


def larger(draw: Draw) -> Exchange | None:
    a, b = draw.integer(0, 200), draw.integer(0, 200)
    if a == b:
        return None
    question = draw.say(
        "[Which is [bigger|larger|more]: {a} or {b}?|{a} or {b}, which is [bigger|larger]?|Is {a} or {b} larger?]",
        a=a,
        b=b,
    )
    answer = f"{max(a, b)} is larger than {min(a, b)}."
    return fact(draw, question, answer, contains(f"{max(a, b)} is larger"))


_KINDS: tuple[tuple[Callable[[Draw], Exchange | None], int], ...] = (
    (capital_city, 8),
    (capital_of, 3),
    (about_country, 4),
    (define, 12),
    (like_word, 5),
    (small_sum, 12),
    (sum_with_steps, 8),
    (nature, 4),
    (in_order, 4),
    (larger, 2),
    (direct_forms.list_to_json, 4),
    (direct_forms.pairs_to_json, 4),
    (direct_forms.changed_text, 6),
    (direct_forms.counted, 3),
    (direct_forms.looked_up, 6),
    (direct_forms.echo, 3),
    (small_talk.neutral, 6),
)
_SINGLE = tuple(make for make, weight in _KINDS for _ in range(weight))
_ROWS = tuple(make for make, _ in _KINDS)


def exchange(draw: Draw) -> Exchange:
    return draw.until(lambda: draw.pick(_SINGLE)(draw), "a short question of this split")


def dialogue(draw: Draw) -> list[Exchange]:
    """One question, or two to eight of one kind or of many."""
    thinking = None if draw.chance(0.5) else False
    turns = draw.pick((1, 1, 1, 2, 3, 4, 6, 8))
    makers = (draw.pick(_ROWS),) if draw.chance(0.3) else _SINGLE
    row = [draw.until(lambda: draw.pick(makers)(draw), "a short question of this split") for _ in range(turns)]
    for each in row:
        each.thinking = thinking
    return row
