"""Recall: facts planted in long prose, asked for afterwards. Distractors, updates, two steps, and what is not there."""
from __future__ import annotations

from dataclasses import dataclass
from math import exp, log

from dialogues import slots
from dialogues.carrier import BYTES_PER_TOKEN, prose, sentence_ends
from dialogues.draw import TRIES, Draw
from dialogues.exchange import Check, Exchange, Message, assistant, contains, unknown, user
from dialogues.families.planted import KINDS, Fact, Kind, draw_fact, other_value, relation
from dialogues.grammar import Phrase, capital

_FRAME = Phrase(
    "{text}\n\n{question}",
    "{text}\n\n{question}",
    "[Read the text and answer the question.|Answer from the text.|Read this carefully.|Here is a "
    "text.]\n\n{text}\n\n{question}",
    "[Text|Document|Context]:\n{text}\n\n[Question|Q]: {question}",
    "{question} [The answer is in the text.|Look in this text.|Answer from the text below.]\n\n{text}",
    "<text>\n{text}\n</text>\n\n{question}",
    "{text}\n\n[According to the text|From the text above]: {question}",
    "[I give you a long text. At the end I have a question.|A long text follows.]\n\n{text}\n\n[My question|Now "
    "the question]: {question}",
    "[Remember what you read.|Keep the facts in mind.]\n\n{text}\n\n[Now tell me|So]: {question}",
)
_FOUND = Phrase(
    '[The text says|I remember|I find|It says|In the text]: "{sentence}"[ So it is {value}.|]',
    '[I look for {about}.|The question is about {about}.] [There it is|Found]: "{sentence}"',
    '"{sentence}" [That is the answer: {value}.|So: {value}.|]',
)
_NOT_THERE = Phrase(
    "[The text does not say|That is not in the text|I do not know; the text does not say it|It is not mentioned "
    "in the text|The text does not say anything about that].",
    "[I cannot find that in the text. I do not know.|There is nothing on it in the text. I do not know.]",
)


@dataclass(frozen=True)
class Reach:
    """How long the texts are, in tokens, and where they come from."""

    carrier: str = ""
    shortest: int = 300
    longest: int = 16000
    packages: str = ""  # a file of package descriptions

    def size(self, draw: Draw) -> int:
        tokens = exp(log(self.shortest) + draw.random() * (log(self.longest) - log(self.shortest)))
        return int(tokens * BYTES_PER_TOKEN)


@dataclass(slots=True)
class Asked:
    question: str
    answer: str
    reasoning: str
    check: Check
    sentence: str  # where the answer stands in the text; empty if nowhere
    operation: str


def _plain(draw: Draw, fact: Fact, sentence: str, operation: str = "plain") -> Asked:
    values = fact.slots()
    about = " ".join(part for part in (fact.key, fact.about) if part)
    return Asked(
        capital(fact.kind.asks.write(draw.rng, values)),
        fact.kind.answers.write(draw.rng, values),
        draw.fill(_FOUND, {"sentence": sentence, "value": fact.value, "about": about}),
        contains(fact.value),
        sentence,
        operation,
    )


def _state(draw: Draw, fact: Fact) -> str:
    return fact.kind.states.write(draw.rng, fact.slots())


class Planting:
    """The sentences to plant, in order, and the questions they allow."""

    def __init__(self, draw: Draw, facts: int, plain: bool = False) -> None:
        self.draw = draw
        self.sentences: list[str] = []
        self.asked: list[Asked] = []
        self.keys: set[tuple[str, str]] = set()
        kind = draw.pick(KINDS) if draw.chance(0.5) else None  # distractors of one kind, or facts of any
        for _ in range(facts):
            fact = self._new(kind)
            what = 1.0 if plain else draw.random()
            if what < 0.2:
                self._updated(fact)
            elif what < 0.4 and fact.kind.person:
                self._two_steps(fact)
            else:
                self._plainly(fact)
        if draw.chance(0.25):
            self._absent(kind)

    def _new(self, kind: Kind | None) -> Fact:
        """A fact with a key of its own; of another kind where this one's keys are used up."""
        for attempt in range(TRIES):
            fact = draw_fact(self.draw, kind if attempt < TRIES // 2 else None)
            first = fact.key.split()[0] if fact.key else ""
            if (first, fact.about) not in self.keys:
                self.keys.add((first, fact.about))
                return fact
        raise ValueError(f"[recall] found no key beside {len(self.keys)} others, expected one more")

    def _plainly(self, fact: Fact) -> None:
        sentence = _state(self.draw, fact)
        self.sentences.append(sentence)
        self.asked.append(_plain(self.draw, fact, sentence) if self.draw.chance(0.9) else self._quoted(fact, sentence))

    def _updated(self, fact: Fact) -> None:
        newer = other_value(self.draw, fact)
        sentence = newer.kind.update.write(self.draw.rng, newer.slots())
        self.sentences += [_state(self.draw, fact), sentence]
        asked = _plain(self.draw, newer, sentence, "updated")
        asked.reasoning = self.draw.say(
            '[First it was|Before it was|At first the text says] {old}. Then: "{sentence}" [The last word '
            "counts|The newer value counts|So now it is]: {new}.",
            old=fact.value,
            sentence=sentence,
            new=newer.value,
        )
        self.asked.append(asked)

    def _two_steps(self, fact: Fact) -> None:
        draw = self.draw
        taken = " ".join([fact.key, *(key for key, _ in self.keys)])
        free = [name for name in slots.values("name", draw.test) if name not in taken]
        if not free:
            return self._plainly(fact)
        other = draw.pick(free)
        draw.drawn.append(("name", other))
        tie = relation(draw)
        link = draw.say(
            "[The {tie} of {other} is {key}.|{other}'s {tie} is {key}.|{key} is the {tie} of {other}.]",
            tie=tie,
            other=other,
            key=fact.key,
        )
        sentence = _state(draw, fact)
        both = [link, sentence]
        self.sentences += both if draw.chance(0.5) else both[::-1]
        asked = _plain(draw, fact, sentence, "two steps")
        asked.question = capital(fact.kind.asks.write(draw.rng, {**fact.slots(), "key": f"the {tie} of {other}"}))
        asked.reasoning = draw.say(
            '[Who is|First:] the {tie} of {other}? "{link}" [So it is|That is] {key}. [Then|And]: "{sentence}"',
            tie=tie,
            other=other,
            link=link,
            key=fact.key,
            sentence=sentence,
        )
        self.keys.add((other, ""))
        self.asked.append(asked)

    def _quoted(self, fact: Fact, sentence: str) -> Asked:
        about = fact.key or f"the {fact.about}"
        question = self.draw.say(
            "[Quote|Copy|Write out] the sentence [about|that speaks of|that mentions] {about}[ and {value}|].",
            about=about,
            value=fact.value,
        )
        return Asked(
            question,
            sentence,
            self.draw.say('[The sentence is|It stands there]: "{sentence}"', sentence=sentence),
            contains(sentence),
            sentence,
            "quoted",
        )

    def _absent(self, kind: Kind | None) -> None:
        fact = self._new(kind)
        about = " ".join(part for part in (fact.key, fact.about) if part)
        self.asked.append(
            Asked(
                capital(fact.kind.asks.write(self.draw.rng, fact.slots())),
                self.draw.fill(_NOT_THERE, {}),
                self.draw.say(
                    "[I look for {about}, but the text has nothing on it.|{About} is not in the text.|Nothing "
                    "in the text is about {about}.]",
                    about=about,
                ),
                unknown(),
                "",
                "not there",
            )
        )


def _plant(draw: Draw, text: str, sentences: list[str]) -> str:
    places = sentence_ends(text) or [0]
    chosen = sorted(draw.pick(places) for _ in sentences)
    pieces, last = [], 0
    for place, sentence in zip(chosen, sentences):
        before = text[last:place]
        pieces += [before, sentence, "\n\n" if before.endswith("\n\n") else " "]
        last = place
    return "".join(pieces) + text[last:]


def _distance(text: str, sentence: str) -> int:
    """Tokens between the end of the planted sentence and the end of the text, about."""
    at = text.rfind(sentence)
    return -1 if not sentence or at < 0 else int((len(text) - at - len(sentence)) / BYTES_PER_TOKEN)


def long_text(draw: Draw, reach: Reach) -> Exchange:
    """Several questions on one text: its tokens are many, those of an answer few."""
    size = reach.size(draw)
    planting = Planting(draw, draw.pick((1, 2, 3, 4, 6, 8, 10) if size > 1500 else (1, 1, 2, 3)))
    return _read_and_asked(draw, reach, size, planting, draw.pick((1, 2, 3, 4, 6, 8)))


def short_text(draw: Draw, reach: Reach) -> Exchange:
    """Plain facts in a text of up to 2,000 tokens, nearly all of them asked for: what recall is learned from."""
    near = Reach(reach.carrier, 40, min(2000, reach.longest))
    facts = draw.integer(1, 8)
    return _read_and_asked(draw, near, near.size(draw), Planting(draw, facts, draw.chance(0.8)), draw.integer(1, 6))


def _read_and_asked(draw: Draw, reach: Reach, size: int, planting: Planting, questions: int) -> Exchange:
    text = _plant(draw, prose(draw, reach.carrier, size), planting.sentences)
    asked = draw.shuffled(planting.asked)
    absent = [each for each in asked if each.operation == "not there"]
    if draw.chance(0.5):
        asked = absent + [each for each in asked if each.operation != "not there"]
    return _asked_in_turn(draw, text, asked[:questions])


def _asked_in_turn(draw: Draw, text: str, asked: list[Asked]) -> Exchange:
    first, last = asked[0], asked[-1]
    messages: list[Message] = [
        user(draw.fill(_FRAME, {"text": text, "question": first.question})),
        assistant(first.answer, first.reasoning),
    ]
    for each in asked[1:]:
        messages += [user(each.question), assistant(each.answer, each.reasoning)]
    return Exchange(
        messages,
        [(len(messages) - 1, last.check)],
        alone=True,
        note={
            "operation": last.operation,
            "tokens": int(len(text) / BYTES_PER_TOKEN),
            "distance": _distance(text, last.sentence),
        },
    )


def notes(draw: Draw, reach: Reach) -> Exchange:
    """Nothing but facts: notes, a list, a table."""
    planting = Planting(draw, draw.integer(2, 12))
    style = draw.pick(("\n", "\n- ", " ", "\n* "))
    text = style.join(planting.sentences)
    text = style.strip() + " " + text if style.strip() else text
    head = draw.pick(("", "Notes:\n", "What I know:\n", "Facts:\n", "My notes:\n"))
    return _asked_in_turn(draw, head + text, draw.several(planting.asked, draw.pick((1, 2, 3, 4, 6))))


def told_in_chat(draw: Draw, reach: Reach) -> Exchange:
    """The user tells facts one by one and asks for them later."""
    planting = Planting(draw, draw.integer(1, 4))
    messages: list[Message] = []
    for sentence in planting.sentences:
        messages += [
            user(
                draw.say(
                    "[{sentence}|Remember this: {sentence}|Please note: {sentence}|For later: {sentence}|Keep "
                    "in mind: {sentence}]",
                    sentence=sentence,
                )
            ),
            assistant(
                draw.say("[I will remember that.|Noted.|OK.|I keep it in mind.|All right, noted.|Good, I have it.]"),
                draw.say("[A fact to remember.|The user tells me something. I note it.|I keep this for later.]"),
            ),
        ]
    filler = prose(draw, reach.carrier, draw.integer(200, 2500)) if draw.chance(0.6) else ""
    if filler:
        messages += [
            user(draw.say("[Here is something to read:|Read this, too:|A text in between:]\n\n{text}", text=filler)),
            assistant(draw.say("[I have read it.|Thank you, I read it.|Read.]"), "Just a text to read."),
        ]
    asked = draw.pick(planting.asked)
    answer = asked.answer
    if asked.operation == "not there":
        answer = draw.pick(("You did not tell me that.", "I do not know; you did not say.", "You have not told me."))
        asked.check["expected"] = [*asked.check["expected"], "not tell me", "did not say", "not told me"]
    messages += [
        user(asked.question),
        assistant(answer, asked.reasoning.replace("the text", "the chat").replace("The text", "The chat")),
    ]
    distance = int(len(filler) / BYTES_PER_TOKEN)
    return Exchange(
        messages,
        [(len(messages) - 1, asked.check)],
        note={"operation": asked.operation + ", told", "distance": distance},
    )


def near(draw: Draw, reach: Reach) -> Exchange:
    """What is close by: a short text, or notes."""
    return short_text(draw, reach) if draw.chance(0.75) else notes(draw, reach)


def exchange(draw: Draw, reach: Reach) -> Exchange:
    kind = draw.random()
    if kind < 0.72:
        return long_text(draw, reach)
    return notes(draw, reach) if kind < 0.87 else told_in_chat(draw, reach)
