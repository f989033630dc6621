"""Packages and what they are, from their descriptions: in one sentence, which of several, what it is called."""
from __future__ import annotations

from dialogues.draw import Draw
from dialogues.exchange import Exchange, contains, exact, says
from dialogues.families.recall import Reach
from dialogues.holdout import is_held_out
from dialogues.packages import Package, packages


def _some(draw: Draw, reach: Reach, count: int) -> list[Package]:
    """Packages of this split, each with a name of its own."""

    def one() -> Package | None:
        package = draw.pick(packages(reach.packages))
        return package if is_held_out("package", package.name) == draw.test else None

    chosen: dict[str, Package] = {}
    for _ in range(count):
        package = draw.until(one, "a package of this split")
        chosen[package.name] = package
    draw.drawn += [("package", name) for name in chosen]
    return list(chosen.values())


def in_one_line(draw: Draw, reach: Reach) -> Exchange:
    """The description in the question, its synopsis as the answer: a summary that a person wrote."""
    (one,) = _some(draw, reach, 1)
    question = draw.say(
        "[{d}\n\n[Sum this up in one line.|Summarise this in one line.|Say it in a few words.|A title for this text?|What is "
        "this, in short?]|[Sum up|Summarise in one line|A short title for this]:\n\n{d}]",
        d=one.description,
    )
    return says(question, one.synopsis, "The main point in a few words.", contains(one.synopsis))


def what_is(draw: Draw, reach: Reach) -> Exchange:
    """One of several packages: its synopsis."""
    some = _some(draw, reach, draw.integer(1, 6))
    one = draw.pick(some)
    question = draw.say(
        "{l}\n\n[What is {n}?|What is the package {n}?|What does {n} do?|What is {n} for?|Explain {n}.]",
        l=_listed(draw, some),
        n=one.name,
    )
    answer = f"{one.name}: {one.synopsis}"
    return says(question, answer, f"I look for {one.name} in the list.", contains(one.synopsis))


def which(draw: Draw, reach: Reach) -> Exchange:
    some = _some(draw, reach, draw.integer(2, 8))
    one = draw.pick(some)
    question = draw.say(
        '{l}\n\n[Which package is this: "{s}"?|Which of them is "{s}"?|I look for: {s}. Which package?|Name of the package: {s}]',
        l=_listed(draw, some),
        s=one.synopsis,
    )
    return says(question, one.name, f"The line with these words begins with {one.name}.", exact(one.name))


def described(draw: Draw, reach: Reach) -> Exchange:
    """The paragraph of one of a few packages."""
    some = _some(draw, reach, draw.integer(1, 3))
    one = draw.pick(some)
    text = "\n\n".join(f"{each.name}: {each.description}" for each in some)
    question = draw.say(
        "{t}\n\n[Tell me more about {n}.|What does the text say about {n}?|Describe {n}.]", t=text, n=one.name
    )
    first = one.description.split("\n\n")[0]
    return says(question, first, f"I copy what stands under {one.name}.", contains(first))


def _listed(draw: Draw, some: list[Package]) -> str:
    mark = draw.pick((": ", " - ", ": ", " | "))
    start = draw.pick(("", "- ", ""))
    return "\n".join(f"{start}{each.name}{mark}{each.synopsis}" for each in some)


_KINDS = (in_one_line, in_one_line, in_one_line, what_is, what_is, which, described, described)


def exchange(draw: Draw, reach: Reach) -> Exchange:
    made = draw.pick(_KINDS)(draw, reach)
    made.alone = True
    return made
