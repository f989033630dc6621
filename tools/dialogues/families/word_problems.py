"""Small stories with numbers in them, one or two steps long."""
from __future__ import annotations

from dialogues.draw import Draw
from dialogues.english import plural
from dialogues.exchange import Exchange, contains, says
from dialogues.families import sums
from dialogues.grammar import Phrase, capital

# Text, the question, the steps with {a}, {b}, {c}; every step is an expression of what was given or found before.
_PROBLEMS: tuple[tuple[Phrase, Phrase, tuple[str, ...]], ...] = tuple(
    (Phrase(text), Phrase(question), steps)
    for text, question, steps in (
        (
            "{name} has {a} {things}. {other} [gives|brings] {name} {b} more.",
            "[How many {things} does {name} have now?|How many are there now?]",
            ("a + b",),
        ),
        (
            "{name} has {a} {things} and {other} has {b}.",
            "[How many {things} do they have together?|How many is that in all?]",
            ("a + b",),
        ),
        (
            "In the {place} there are {a} {things}. {name} brings {b} more.",
            "[How many are there now?|How many {things} are in the {place} now?]",
            ("a + b",),
        ),
        (
            "{name} reads {a} pages on Monday and {b} pages on Tuesday.",
            "[How many pages are that in all?|How many pages did {name} read?]",
            ("a + b",),
        ),
        (
            "{name} had {big} {things} and gave {a} to {other}.",
            "[How many are left?|How many {things} does {name} have now?]",
            ("big - a",),
        ),
        (
            "There are {big} people on the {vehicle}. {a} get off.",
            "[How many stay?|How many people are still on the {vehicle}?]",
            ("big - a",),
        ),
        (
            "{name} has {big} euros and buys a {product} for {a} euros.",
            "[How much money is left?|How many euros does {name} have left?]",
            ("big - a",),
        ),
        (
            "{name} is {big} years old. {other} is {a} years younger.",
            "[How old is {other}?|What is the age of {other}?]",
            ("big - a",),
        ),
        (
            "{name} has {s} boxes. In each box there are {t} {things}.",
            "[How many {things} are there?|How many {things} does {name} have?]",
            ("s * t",),
        ),
        (
            "A {product} costs {t} euros. {name} buys {s}.",
            "[What does {name} pay?|How much is that?|How many euros are that?]",
            ("s * t",),
        ),
        ("{name} runs {t} km every day for {s} days.", "[How many km are that?|How far does {name} run?]", ("s * t",)),
        (
            "There are {s} rows with {t} chairs each.",
            "[How many chairs are there?|How many people can sit?]",
            ("s * t",),
        ),
        (
            "{name} shares {product_st} {things} among {s} children.",
            "[How many does each child get?|How many {things} does each get?]",
            ("product_st / s",),
        ),
        (
            "{product_st} {things} are put into bags of {s}.",
            "[How many bags are there?|How many bags does {name} need?]",
            ("product_st / s",),
        ),
        ("{s} tickets cost {product_st} euros.", "[What does one ticket cost?|How much is one?]", ("product_st / s",)),
        (
            "{name} has {a} {things}, finds {b} more and then loses {s}.",
            "[How many are left?|How many {things} does {name} have at the end?]",
            ("a + b", "r - s"),
        ),
        (
            "{name} buys {s} {things} for {t} euros each and pays with {much} euros.",
            "[How much does {name} get back?|What is the change?]",
            ("s * t", "much - r"),
        ),
        (
            "{name} has {s} bags with {t} {things} each and {a} more on the table.",
            "[How many {things} are there in all?|How many is that?]",
            ("s * t", "r + a"),
        ),
        (
            "On the bus there are {big} people. {a} get off and {b} get on.",
            "[How many people are on the bus now?|How many are on it then?]",
            ("big - a", "r + b"),
        ),
        (
            "{name} saves {t} euros each week for {s} weeks and then spends {few}.",
            "[How much is left?|How many euros are left?]",
            ("s * t", "r - few"),
        ),
        (
            "A book has {big} pages. {name} reads {a} on the first day and {few} on the second.",
            "[How many pages are left?|How many are still to be read?]",
            ("big - a", "r - few"),
        ),
        (
            "{name} and {other} pick {a} and {b} {things} and share them with {other2}, so that {other2} gets {few}.",
            "[How many are left for {name} and {other}?|How many do the two keep?]",
            ("a + b", "r - few"),
        ),
        (
            "A train leaves with {big} people. At the first stop {a} get off, at the second {few}.",
            "[How many are still on it?|How many people are left?]",
            ("big - a", "r - few"),
        ),
        (
            "{name} plants {s} rows of {t} {flowers}. {few} of them do not grow.",
            "[How many {flowers} grow?|How many are there then?]",
            ("s * t", "r - few"),
        ),
    )
)


def problem(draw: Draw) -> Exchange:
    a, b, s, t = draw.integer(2, 60), draw.integer(2, 60), draw.integer(2, 9), draw.integer(4, 12)
    few = draw.integer(1, 3)
    numbers = {
        "a": a,
        "b": b,
        "s": s,
        "t": t,
        "few": few,
        "big": a + draw.integer(5, 60),
        "product_st": s * t,
        "much": s * t + draw.integer(1, 60),
    }
    which = draw.integer(0, len(_PROBLEMS) - 1)
    text, question, steps = _PROBLEMS[which]
    if not draw.allows("problem", f"{which}/{a}/{b}/{s}/{t}"):
        return problem(draw)
    names = draw.slot_set("name", 3)
    slots: dict[str, object] = {
        **numbers,
        "name": names[0],
        "other": names[1],
        "other2": names[2],
        "things": plural(draw.slot("thing")).replace("scissorss", "scissors"),
        "place": draw.pick(("garden", "shop", "school", "house", "room", "cellar")),
        "vehicle": draw.pick(("bus", "train", "ferry", "tram")),
        "product": draw.slot("product").removesuffix("s"),
        "flowers": plural(draw.slot("flower")),
    }
    said, result = [], 0
    for step in steps:
        left, sign, right = step.split()
        x = result if left == "r" else numbers[left]
        y = result if right == "r" else numbers[right]
        result = {"+": x + y, "-": x - y, "*": x * y, "/": x // y}[sign]
        said.append(sums.step(x, sign, y))
    why = ". ".join(said) + "."
    order = draw.chance(0.9)
    full = (
        f"{text.write(draw.rng, slots)} {question.write(draw.rng, slots)}"
        if order
        else f"{question.write(draw.rng, slots)} {text.write(draw.rng, slots)}"
    )
    answer = draw.say("[{r}|{r}.|The answer is {r}.|It is {r}.]", r=result)
    return says(
        capital(full),
        answer,
        why,
        contains(str(result)),
        plain=f"{why} {draw.say('[So|The answer is|Answer:] {r}.', r=result)}",
        operation="word problem",
        steps=len(steps),
    )
