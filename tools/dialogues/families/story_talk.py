"""Stories in dialogues: told on request, asked about, retold, given a title, gone on with."""
from __future__ import annotations

from dialogues.draw import Draw
from dialogues.exchange import Check, Exchange, any_of, assistant, contains, says, unknown, user
from dialogues.grammar import Phrase, capital
from dialogues.families.stories import Story, tell

_TELL = Phrase(
    "[Tell|Write|Read] me [a|a short|a little|another|a nice] [story|tale|bedtime story]{about}[.|, please.]",
    "[Can|Could|Would] you [please |][tell|write|make up] [me |]a [short |][story|tale]{about}?",
    "[I would like|I want] [to hear |]a story{about}.",
    "[Please write|Write] a [short |]story{about}[ for my daughter| for my son| for children|].",
    "A [short |]story{about}, please[.|!]",
    "[Do you know|Have you got] a story{about}?",
    "[My child cannot sleep.|It is bedtime.|I am bored.] [Tell|Please tell] [us|me] a story{about}.",
)
_READ = Phrase(
    "Read this story.\n\n{story}\n\n{question}",
    "{story}\n\n{question}",
    "{story}\n\nQuestion: {question}",
    "[Here is a story|This is a story|A story]:\n\n{story}\n\n{question}",
    "[Answer|Please answer] the question about the [story|text].\n\n{story}\n\n{question}",
    "{question}\n\n{story}",
    "[Story|Text]: {story}\n[Question|Q]: {question}",
)
_LEAD = Phrase("", "", "[Here is a story|Here you are|Of course|Sure|With pleasure].\n\n", "[Gladly!|All right.]\n\n")


def _about(draw: Draw) -> tuple[str, dict[str, str], list[str]]:
    """A wish, the slots that fulfil it, and the words that a story has to hold."""
    kind = draw.integer(0, 5)
    if kind == 0:
        return "", {}, []
    if kind == 1:
        thing = draw.slot("story_thing")
        return draw.say(" [about|with] {a thing}", thing=thing), {"thing": thing}, []
    if kind == 2:
        place = draw.slot("story_place")
        return draw.say(" [that happens in|set in|in] {a place}", place=place), {"place": place}, []
    name = draw.slot("name")
    if kind == 3:
        return draw.say(" [about|with] [someone|a hero] [called|named] {name}", name=name), {"hero": name}, [name]
    if kind == 4:
        thing, colour = draw.slot("story_thing"), draw.slot("colour")
        return (
            draw.say(" about {name} and {a colour} {thing}", name=name, thing=thing, colour=colour),
            {"hero": name, "thing": thing, "colour": colour},
            [name],
        )
    return draw.say(" about {name}", name=name), {"hero": name}, [name]


def told(draw: Draw) -> Exchange:
    about, wishes, words = _about(draw)
    story = tell(draw, short=draw.chance(0.6), **wishes)
    if any(word not in story.text() for word in wishes.values()):
        return told(draw)
    hero = f"{story.slots['hero']}, {story.slots['kind']}"
    reasoning = draw.say(
        "[The user wants|I am asked for|They want] a [short |]story{about}. [The hero is|I take] {hero}. "
        "[The problem|What goes wrong]: {trouble}. [{friend} helps.|With help from {friend} it ends well.] "
        "[The lesson|At the end]: {moral}",
        about=about,
        hero=hero,
        trouble=story.trouble,
        friend=story.slots["friend"],
        moral=story.moral,
    )
    answer = draw.fill(_LEAD, {}) + story.text(titled=draw.chance(0.25))
    exchange = says(draw.fill(_TELL, {"about": about}), answer, reasoning, contains(*words) if words else None)
    if draw.chance(0.35):
        question, reply, why, check = _question(draw, story)
        exchange.messages += [user(question), assistant(reply, why)]
        exchange.checks = [(3, check)]
    return exchange


def _question(draw: Draw, story: Story) -> tuple[str, str, str, Check]:
    """A question on the story with its answer, why, and the check."""
    slots, text = story.slots, story.text()
    hero, friend, he = slots["hero"], slots["friend"], slots["he"]
    kinds = ["who", "goal", "trouble", "before", "after", "species", "not said"]
    if friend in story.beats["h"] or friend in story.beats["e"]:
        kinds.append("helper")
    if f" {slots['place']}" in text:
        kinds.append("place")
    if story.moral in text:
        kinds.append("moral")
    kind = draw.pick(kinds)
    if kind == "who":
        return (
            draw.say(
                "[Who is the [story|text] about|What is the hero called|Who is the [main character|hero]|What is the "
                "name of the main character]?"
            ),
            draw.say("[The story is about |It is about |]{hero}, {kind}.", hero=hero, kind=slots["kind"]),
            draw.say("The story [follows|is about|begins with] {hero}.", hero=hero),
            contains(hero),
        )
    if kind == "goal":
        return (
            draw.say("What [did|does] {hero} want[ to do|]?", hero=hero),
            draw.say("{hero} wanted to {goal}.", hero=hero, goal=story.goal),
            draw.say(
                "[The text says what {hero} wished for|The goal of {hero} is in the story]: to {goal}.",
                hero=hero,
                goal=story.goal,
            ),
            contains(story.goal.split()[-1]),
        )
    if kind == "trouble":
        return (
            draw.say("What [was the problem|went wrong|was the trouble|happened to {hero}]?", hero=hero),
            capital(story.trouble) + ".",
            draw.say("[In the story|At the beginning]: {beat}", beat=story.beats["p"]),
            contains(story.trouble.split()[-1]),
        )
    if kind in ("before", "after"):
        when = (
            "[at the beginning|at first|in the beginning|when it went wrong]"
            if kind == "before"
            else "[at the end|in the end|when it was over]"
        )
        mood = slots[kind]
        return (
            draw.say(f"How did {{hero}} feel {when}?", hero=hero),
            draw.say("{hero} [felt|was] {mood}.", hero=hero, mood=mood),
            draw.say("The story says that {hero} was {mood} [then|there].", hero=hero, mood=mood),
            contains(mood),
        )
    if kind == "species":
        return (
            draw.say("[What kind of creature|Who or what|What] is {hero}?", hero=hero),
            draw.say("{hero} is {kind}.", hero=hero, kind=slots["kind"]),
            draw.say("{hero} is [called|introduced as] {kind}.", hero=hero, kind=slots["kind"]),
            contains(slots["species"]),
        )
    if kind == "helper":
        return (
            draw.say("Who [helped {hero}|gave help|came to help|was the helper]?", hero=hero),
            draw.say("[It was {friend}.|{friend} helped {hero}.|{friend} did.]", friend=friend, hero=hero),
            draw.say("{friend} came to help: {beat}", friend=friend, beat=story.beats["h"]),
            any_of(friend, slots["elder"]),
        )
    if kind == "place":
        return (
            draw.say("Where [does the story happen|does it take place|is the story set]?"),
            draw.say("[It happens in|In|It takes place in] {a place}.", place=slots["place"]),
            draw.say("The text speaks of the {place}.", place=slots["place"]),
            contains(slots["place"]),
        )
    if kind == "moral":
        return (
            draw.say("What [is the lesson of the story|can we learn from it|is the moral|is the lesson]?"),
            story.moral,
            draw.say("The story ends with its lesson."),
            contains(story.moral[:-1]),
        )
    return _not_said(draw, hero, he)


def _not_said(draw: Draw, hero: str, he: str) -> tuple[str, str, str, Check]:
    asked, missing = draw.pick(
        (
            ("How old is {hero}?", "how old {hero} is"),
            ("What is the last name of {hero}?", "the last name of {hero}"),
            ("How many brothers does {hero} have?", "how many brothers {hero} has"),
            ("What does {hero} dream of at night?", "what {hero} dreams of"),
            ("When is the birthday of {hero}?", "when {hero} has a birthday"),
            ("What is the name of {hero}'s mother?", "the name of the mother"),
            ("What shoe size does {hero} have?", "the shoe size"),
            ("How tall is {hero}?", "how tall {hero} is"),
            ("What did {hero} pay?", "what {hero} paid"),
            ("Which language does {hero} speak?", "the language"),
            ("What is {hero}'s favourite number?", "a favourite number"),
        )
    )
    missing = missing.format(hero=hero)
    return (
        asked.format(hero=hero),
        draw.say(
            "[The story does not say {missing}|The story does not say that|That is not in the story|I do not know; "
            "the story does not say|The text does not say].",
            missing=missing,
        ),
        draw.say("I look for {missing} in the story, [but it is not there|but it is not mentioned].", missing=missing),
        unknown(),
    )


def asked(draw: Draw) -> Exchange:
    story = tell(draw, short=draw.chance(0.7))
    question, reply, why, check = _question(draw, story)
    exchange = says(draw.fill(_READ, {"story": story.text(), "question": question}), reply, why, check)
    for _ in range(draw.pick((0, 0, 0, 1, 2))):
        again, reply, why, check = _question(draw, story)
        if all(again != message["content"] for message in exchange.messages) and again != question:
            exchange.checks = [(len(exchange.messages) + 1, check)]
            exchange.messages += [user(again), assistant(reply, why)]
    return exchange


def titled(draw: Draw) -> Exchange:
    story = tell(draw, short=True)
    question = draw.say("[Give|Find|Write] [me |]a title for this story[.|:]\n\n{story}", story=story.text())
    if draw.chance(0.3):
        question = draw.say(
            "{story}\n\n[What would be a good title?|What title fits?|A title for it, please.]", story=story.text()
        )
    return says(
        question,
        story.title,
        draw.say(
            "[It is about|The story is about] {hero}. [A short title fits.|So:] {title}.",
            hero=story.slots["hero"],
            title=story.title,
        ),
    )


def shortened(draw: Draw) -> Exchange:
    story = tell(draw)
    hero, after = story.slots["hero"], story.slots["after"]
    summary = draw.say(
        "{hero} wanted to {goal}, but {trouble}. [With the help of {friend} it ended well|{friend} helped, and "
        "all ended well], and {hero} was {after}.",
        hero=hero,
        goal=story.goal,
        trouble=story.trouble,
        friend=story.slots["friend"],
        after=after,
    )
    question = draw.say(
        "[Retell|Summarise|Sum up] this story in [two sentences|a few words|short].\n\n{story}", story=story.text()
    )
    return says(
        question,
        summary,
        draw.say(
            "[First the wish|I need the main points]: {goal}. Then the problem: {trouble}. "
            "At the end {hero} is {after}.",
            hero=hero,
            goal=story.goal,
            trouble=story.trouble,
            after=after,
        ),
        contains(hero),
    )


def continued(draw: Draw) -> Exchange:
    story = tell(draw)
    cut = draw.integer(1, len(story.paragraphs) - 1)
    beginning, rest = "\n\n".join(story.paragraphs[:cut]), "\n\n".join(story.paragraphs[cut:])
    question = draw.say("[Continue|Go on with|Finish] this story[.|:]\n\n{text}", text=beginning)
    return says(
        question,
        rest,
        draw.say(
            "[The story so far is about|So far it is about] {hero}. [It needs an ending|Now it "
            "has to end well]: {friend} will help.",
            hero=story.slots["hero"],
            friend=story.slots["friend"],
        ),
    )


_KINDS = (told, told, told, told, asked, asked, asked, titled, shortened, continued)


def exchange(draw: Draw) -> Exchange:
    return draw.pick(_KINDS)(draw)
