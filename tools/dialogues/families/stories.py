"""Stories made of a plot, a cast and a frame; what is asked about them is known because it was put in."""
from __future__ import annotations

from dataclasses import dataclass

from dialogues.draw import TRIES, Draw
from dialogues.english import plural, with_article
from dialogues.grammar import capital
from dialogues.families.plots import Plot, frame, plots
from dialogues.slots import all_values

_HOMES = (
    "little house",
    "small hut",
    "hollow tree",
    "wooden cabin",
    "burrow",
    "cottage",
    "round tower",
    "blue house",
    "house of stone",
    "room under the roof",
)
_SKIES = ("blue", "grey", "full of clouds", "clear", "pink", "wide and open")
_BIRDS = ("sparrow", "blackbird", "pigeon", "magpie", "swallow")


@dataclass(slots=True)
class Story:
    title: str
    paragraphs: list[str]
    slots: dict[str, str]
    plot: Plot
    goal: str
    trouble: str
    moral: str
    beats: dict[str, str]

    def text(self, titled: bool = False) -> str:
        body = "\n\n".join(self.paragraphs)
        return f"{self.title}\n\n{body}" if titled else body


def _person(draw: Draw, slots: dict[str, str], role: str, old: bool = False, name: str = "") -> None:
    """Fills the slots of one of the cast: name, kind, pronouns."""
    female = name in all_values("girl") if name else draw.chance(0.5)
    slots[role] = name or draw.slot("girl" if female else "boy")
    he, him, his = ("she", "her", "her") if female else ("he", "him", "his")
    species = draw.slot("story_animal") if draw.chance(0.55) else ""
    if species:
        species_word = species
        kind = draw.say(
            "[little|young|small|{colour}] {species}" if not old else "[old|wise|grey] {species}",
            species=species,
            colour=draw.pick(("white", "brown", "grey", "black")),
        )
    else:
        species_word = "girl" if female else "boy"
        if old:
            species_word = draw.pick(
                ("woman", "grandmother", "baker", "fisher") if female else ("man", "grandfather", "miller", "shepherd")
            )
        kind = draw.say("[little|young|small|]" if not old else "[old|wise|kind]") + " " + species_word
    prefix = "" if role == "hero" else role
    slots[f"{role}species"] = species_word
    slots["kind" if role == "hero" else f"{role}kind"] = with_article(kind.strip())
    for name, value in (("he", he), ("him", him), ("his", his), ("himself", "herself" if female else "himself")):
        slots[prefix + name] = value


def _cast(draw: Draw, plot: Plot, wishes: dict[str, str]) -> dict[str, str]:
    slots: dict[str, str] = {}
    for role in ("hero", "friend", "elder"):
        _person(draw, slots, role, old=role == "elder", name=wishes.get(role, ""))
        taken = {slots[other] for other in ("hero", "friend") if other in slots and other != role}
        for _ in range(TRIES):
            if slots[role] not in taken:
                break
            _person(draw, slots, role, old=role == "elder")
    qualities = draw.several(_qualities(), 3)
    slots.update(species=slots["herospecies"], adjective=qualities[0], quality=qualities[1], quality2=qualities[2])
    for slot, kind in (
        ("thing", "story_thing"),
        ("colour", "colour"),
        ("colour2", "colour"),
        ("food", "story_food"),
        ("place", "story_place"),
        ("season", "season"),
        ("material", "material"),
        ("small", "young"),
        ("smallbird", "young_bird"),
        ("fruit", "fruit"),
        ("vegetable", "vegetable"),
        ("instrument", "instrument"),
        ("weather", "weather"),
    ):
        slots[slot] = draw.slot(kind)
    slots["smalls"] = plural(slots["small"])
    slots.update(home=draw.pick(_HOMES), sky=draw.pick(_SKIES), bird=draw.pick(_BIRDS))
    slots.update(wishes)
    slots.update(before=plot.before, after=plot.after)
    return slots


def _qualities() -> tuple[str, ...]:
    return (
        "brave",
        "careful",
        "cheerful",
        "clever",
        "curious",
        "friendly",
        "gentle",
        "honest",
        "kind",
        "patient",
        "quiet",
        "shy",
        "strong",
        "polite",
        "funny",
        "lively",
    )


def _attempts(draw: Draw, plot: Plot, slots: dict[str, str]) -> list[str]:
    tries = plot.parts["t"]
    chosen = sorted(draw.several(range(len(tries)), draw.integer(1, len(tries))))
    lines = []
    for at, index in enumerate(chosen):
        text = tries[index].write(draw.rng, slots)
        if draw.chance(0.7):
            place = "try_first" if at == 0 else "try_last" if at + 1 == len(chosen) else "try_next"
            starts_with_pronoun = text.split(" ", 1)[0] in ("He", "She", "They")
            text = frame()[place].write(draw.rng, slots) + (text[0].lower() + text[1:] if starts_with_pronoun else text)
        lines.append(text)
        if draw.chance(0.35):
            lines.append(frame()["between"].write(draw.rng, slots))
    return lines


def tell(draw: Draw, short: bool = False, **wishes: str) -> Story:
    plot = draw.pick(plots())
    slots = _cast(draw, plot, wishes)

    def write(kind: str) -> str:
        return frame()[kind].write(draw.rng, slots)

    beats = {letter: plot.one(letter).write(draw.rng, slots) for letter in "sphe"}
    moral = plot.one("m").write(draw.rng, slots)
    slots.update(moral=moral, moral_open=moral.removesuffix("."))
    goal, trouble = plot.goal.write(draw.rng, slots), plot.trouble.write(draw.rng, slots)
    beginning = [write("open")]
    if not short:
        beginning += dict.fromkeys(write("intro") for _ in range(draw.integer(0, 3)))
        if draw.chance(0.5):
            beginning.insert(draw.integer(0, 1), write("sky"))
    middle = [beats["s"], beats["p"], write("before")]
    tries = _attempts(draw, plot, slots) if not short or draw.chance(0.5) else []
    turn = ([] if "{friend}" in beats["p"] else [write("meet")] if draw.chance(0.75) else []) + [beats["h"]]
    closing = [beats["e"], write("after")]
    if not short or draw.chance(0.5):
        closing.append(write("close"))
        if draw.chance(0.4):
            closing += [
                line
                for line in (write("close"),)
                if not (moral[:-1] in line and moral[:-1] in closing[-1]) and line not in closing
            ]
    if short:
        groups = (
            [beginning + middle, tries + turn + closing]
            if draw.chance(0.5)
            else [beginning + middle + tries + turn + closing]
        )
    else:
        groups = draw.pick(
            (
                [beginning, middle, tries, turn, closing],
                [beginning + middle, tries, turn + closing],
                [beginning, middle + tries, turn + closing],
                [beginning + middle, tries + turn, closing],
            )
        )
    paragraphs = [" ".join(capital(line.strip()) for line in group) for group in groups if group]
    _introduce_elder(paragraphs, slots["elder"])
    title = draw.say(
        "[{hero} and the {thing}|How {hero} [learned a lesson|found a friend]|{hero} and {friend}|"
        "The {adjective} {species}|{hero} in the {place}|The [day|story] of {hero}|A [day|{season}] in the {place}]",
        **slots,
    )
    return Story(capital(title), paragraphs, slots, plot, goal, trouble, moral, beats)


def _introduce_elder(paragraphs: list[str], name: str) -> None:
    """The first time that the elder comes up, the elder is called old."""
    for at, paragraph in enumerate(paragraphs):
        before, found, after = paragraph.partition(name)
        if found:
            if not before.endswith(("old ", "Old ")):
                old = "Old " if not before or before.endswith((". ", '" ', "! ", "? ")) else "old "
                paragraphs[at] = f"{before}{old}{name}{after}"
            return


def story_text(draw: Draw) -> str:
    """A story for pre-training."""
    return tell(draw, short=draw.chance(0.3)).text(titled=draw.chance(0.4))
