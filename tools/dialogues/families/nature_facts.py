"""Elements, states of the USA, animals."""

from __future__ import annotations

from functools import lru_cache

from dialogues import facts
from dialogues.draw import Draw
from dialogues.exchange import Exchange, any_of, contains
from dialogues.families.fact_said import fact_said


@lru_cache(maxsize=None)
def _table(name: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(row) for row in facts.rows(name))


def elements() -> tuple[tuple[str, ...], ...]:
    return _table("elements.tsv")


def states() -> tuple[tuple[str, ...], ...]:
    return _table("states.tsv")


def animals() -> tuple[tuple[str, ...], ...]:
    return _table("animals.tsv")


def element(draw: Draw) -> Exchange | None:
    name, symbol, order, state = draw.pick(elements())
    kind = draw.integer(0, 4)
    lower = name.lower()
    if kind <= 1:
        return fact_said(
            draw,
            draw.say(
                "[What is the symbol of {n}?|What is the chemical symbol for {n}?|Which symbol has {n}?|Symbol "
                "of {n}?]",
                n=lower,
            ),
            draw.say("[{s}|The symbol of {n} is {s}.|{s}.]", s=symbol, n=lower),
            f"{lower} has the symbol {symbol}.",
            contains(symbol),
        )
    if kind == 2:
        return fact_said(
            draw,
            draw.say(
                "[Which element has the symbol {s}?|What is {s} in chemistry?|{s} is the symbol of which element?]",
                s=symbol,
            ),
            draw.say("[{n}.|{s} is {n}.]", n=name, s=symbol),
            f"{symbol} stands for {lower}.",
            contains(name),
        )
    if kind == 3:
        return fact_said(
            draw,
            draw.say(
                "[What is the atomic number of {n}?|Which number has {n} in the periodic table?|Atomic number "
                "of {n}?|Which element has the atomic number {o}?]",
                n=lower,
                o=order,
            ),
            f"{name}: {order}.",
            f"{lower} is number {order}.",
            contains(name, order),
        )
    return fact_said(
        draw,
        draw.say(
            "[Is {n} solid, liquid or gas at room temperature?|In which state is {n} at room temperature?]", n=lower
        ),
        {"gas": "A gas.", "liquid": "Liquid.", "solid": "Solid."}[state],
        f"at room temperature {lower} is {state}.",
        contains(state),
    )


def state(draw: Draw) -> Exchange | None:
    name, city = draw.pick(states())
    if draw.chance(0.65):
        return fact_said(
            draw,
            draw.say(
                "[What is the capital of the US state {s}?|What is the state capital of {s}?|Which city is the "
                "capital of the state of {s}?|State capital of {s}?]",
                s=name,
            ),
            draw.say("[{c}.|The capital of {s} is {c}.|{c}]", c=city, s=name),
            f"the capital of {name} is {city}.",
            contains(city),
        )
    return fact_said(
        draw,
        draw.say(
            "[Which US state has the capital {c}?|Of which US state is {c} the capital?|{c} is the capital of "
            "which state of the USA?]",
            c=city,
        ),
        draw.say("[{s}.|{s}|Of {s}.]", s=name),
        f"{city} is the capital of {name}.",
        contains(name),
    )


def animal(draw: Draw) -> Exchange | None:
    name, young, sound, legs, group, food = draw.pick(animals())
    kind = draw.integer(0, 5)
    if kind == 0:
        return fact_said(
            draw,
            draw.say(
                "[What is a young {n} called?|What do you call the young of {a n}?|How is a baby {n} called?|A "
                "young {n} is a ...?]",
                n=name,
            ),
            draw.say("[{A y}.|A young {n} is called {a y}.|{y}]", y=young, n=name),
            f"a young {name} is called {young}.",
            contains(young),
        )
    if kind == 1 and sound:
        return fact_said(
            draw,
            draw.say(
                "[What sound does {a n} make?|How does {a n} sound?|What does {a n} do: bark, moo or what?|"
                "Which noise does {a n} make?]",
                n=name,
            ),
            draw.say("[{s}|{A n} goes {s}.|It is called: {s}.]", s=sound, n=name),
            f"the sound of a {name} is {sound}.",
            contains(sound),
        )
    if kind == 2:
        return fact_said(
            draw,
            draw.say("[How many legs does {a n} have?|How many legs has {a n}?|Legs of {a n}?]", n=name),
            draw.say("[{l}|{A n} has {l} legs.|{l} legs.]", l=legs, n=name),
            f"a {name} has {legs} legs.",
            contains(legs),
        )
    if kind == 3:
        return fact_said(
            draw,
            draw.say(
                "[What kind of animal is {a n}?|Is {a n} a mammal, a bird, a fish, a reptile or an insect?|To "
                "which group does the {n} belong?|What class of animal is the {n}?]",
                n=name,
            ),
            draw.say("[{A g}.|{A n} is {a g}.]", g=group, n=name),
            f"a {name} belongs to the {group} group.",
            contains(group),
        )
    if kind == 4:
        return fact_said(
            draw,
            draw.say("[What does {a n} eat?|What do {many n} eat?|Food of {a n}?|What do {many n} live on?]", n=name),
            draw.say("[{F}.|{many n} eat {f}.|It eats {f}.]", f=food, n=name),
            f"a {name} eats {food}.",
            contains(food.split()[0]),
        )
    right = draw.chance(0.5)
    asked = group if right else draw.pick(("mammal", "bird", "fish", "insect", "reptile"))
    return fact_said(
        draw,
        draw.say("[Is {a n} {a g}?|True or false: {a n} is {a g}.|Do {many n} count as {many g}?]", n=name, g=asked),
        "Yes." if asked == group else f"No, {'an' if group[0] in 'aei' else 'a'} {group}.",
        f"a {name} is {group}.",
        any_of("yes") if asked == group else contains(group),
    )
