"""Questions on real prose: which sentence speaks of something, how one goes on, whether a word is there at all."""
from __future__ import annotations

import re
from collections import Counter

from dialogues.carrier import prose
from dialogues.draw import Draw
from dialogues.exchange import Exchange, any_of, assistant, contains, says, unknown, user
from dialogues.families.recall import Reach
from dialogues.grammar import Phrase

_SENTENCE = re.compile(r"(?<=[a-z\d)][.?!])\s+(?=[A-Z\"‘“])")
_WORD = re.compile(r"[A-Za-z][a-z]{3,}")
_COMMON = frozenset(
    "about above after again against also always another because been before being below between both cannot could does "
    "down during each either even ever every first from have having here however into itself just last less like made make "
    "many more most much must never next none only other over same should since some such than that their them then there "
    "these they this those through under until upon very want well were what when where which while will with within "
    "without would your used using user users need needs file files".split()
)
_FRAME = Phrase(
    "{text}\n\n{question}",
    "{text}\n\n{question}",
    "[Read this|Here is a text|Text]:\n{text}\n\n{question}",
    "{question}\n\n{text}",
    "<text>\n{text}\n</text>\n{question}",
    "[Answer from the text.|Look into the text.]\n\n{text}\n\n{question}",
)


class Page:
    """Some sentences in a row, and the words that stand in one of them alone."""

    def __init__(self, sentences: list[str]) -> None:
        self.sentences = sentences
        self.text = " ".join(sentences)
        words = [set(map(str.lower, _WORD.findall(sentence))) for sentence in sentences]
        count = Counter(word for each in words for word in each)
        self.own = [sorted(word for word in each if count[word] == 1 and word not in _COMMON) for each in words]

    @property
    def telling(self) -> list[int]:
        """The sentences that have a word of their own."""
        return [at for at, words in enumerate(self.own) if words]


def page(draw: Draw, reach: Reach) -> Page:
    def made() -> Page | None:
        text = prose(draw, reach.carrier, draw.integer(500, 2600))
        found = [" ".join(each.split()) for each in _SENTENCE.split(text)]
        kept = [each for each in found if 25 <= len(each) <= 320 and each[-1] in ".?!" and each[0].isupper()]
        wanted = draw.integer(3, 12)
        one = Page(list(dict.fromkeys(kept))[:wanted])
        return one if len(one.sentences) >= 3 and len(one.telling) >= 2 else None

    return draw.until(made, "a page of prose with three sentences")


def _asked(draw: Draw, one: Page, question: str, answer: str, why: str, check: dict[str, object]) -> Exchange:
    return says(draw.fill(_FRAME, {"text": one.text, "question": question}), answer, why, check)


def says_about(draw: Draw, one: Page) -> Exchange:
    at = draw.pick(one.telling)
    word, sentence = draw.pick(one.own[at]), one.sentences[at]
    question = draw.say(
        '[What does [the text|it] say about [{w}|"{w}"]?|What is said about {w}?|What do you find on {w}?|Which sentence '
        '[mentions|speaks of|has the word] [{w}|"{w}"]?|[Quote|Copy|Find] the sentence [about|with] [{w}|"{w}"].]',
        w=word,
    )
    return _asked(draw, one, question, sentence, f"I look for {word}. There it is.", contains(sentence))


def goes_on(draw: Draw, one: Page) -> Exchange:
    at = draw.integer(0, len(one.sentences) - 2)
    words = one.sentences[at].split()
    if draw.chance(0.5) and len(words) >= 8:
        half = len(words) // 2
        question = draw.say(
            '[How does this sentence go on|Complete the sentence from the text|Go on as in the text]: "{t} ..."',
            t=" ".join(words[:half]),
        )
        rest = " ".join(words[half:])
        return _asked(draw, one, question, rest, "I look for these words, and copy what follows.", contains(rest))
    after = one.sentences[at + 1]
    question = draw.say('[What|Which sentence] [comes|stands|follows] after: "{t}"[?|]', t=one.sentences[at])
    return _asked(draw, one, question, after, "I look for the sentence, and take the next.", contains(after))


def at_an_end(draw: Draw, one: Page) -> Exchange:
    first = draw.chance(0.5)
    question = draw.say(
        "[What is the {e} sentence[ of the text|]?|[Quote|Copy] the {e} sentence.|{E} sentence?|How does the text {v}?]",
        e="first" if first else "last",
        v="begin" if first else "end",
    )
    answer = one.sentences[0 if first else -1]
    return _asked(draw, one, question, answer, f"The {'first' if first else 'last'} sentence.", contains(answer))


def is_there(draw: Draw, one: Page) -> Exchange:
    at = draw.pick(one.telling)
    there = draw.chance(0.5)
    word = draw.pick(one.own[at]) if there else draw.invented().lower()
    question = draw.say(
        '[Does the text [mention|speak of] [{w}|"{w}"]?|Is [{w}|"{w}"] in the text?|Is there anything about {w}?]',
        w=word,
    )
    if there:
        answer = f'Yes: "{one.sentences[at]}"'
        return _asked(draw, one, question, answer, f"I look for {word}. There it is.", contains("yes"))
    return _asked(draw, one, question, f"No, {word} is not in the text.", f"I find no {word}.", any_of("no,"))


def not_there(draw: Draw, one: Page) -> Exchange:
    word = draw.invented().lower()
    question = draw.say(
        "[What does the text say about {w}?|What is said about {w}?|Find the sentence about {w}.]", w=word
    )
    answer = draw.say("[The text does not say anything about {w}.|{W} is not in the text.]", w=word)
    return _asked(draw, one, question, answer, f"I look for {word}, but it is not there.", unknown())


def several(draw: Draw, one: Page) -> Exchange:
    """One text, several questions."""
    chosen = draw.several(one.telling, draw.integer(2, 5))
    messages = []
    for number, at in enumerate(chosen):
        word = draw.pick(one.own[at])
        question = draw.say('[What does the text say about {w}?|And about {w}?|{W}?|The sentence with "{w}"?]', w=word)
        if number == 0:
            question = draw.fill(_FRAME, {"text": one.text, "question": f"What does the text say about {word}?"})
        messages += [user(question), assistant(one.sentences[at], f"I look for {word}. There it is.")]
    return Exchange(messages, [(len(messages) - 1, contains(one.sentences[chosen[-1]]))], alone=True)


_KINDS = (says_about,) * 5 + (goes_on,) * 2 + (at_an_end, is_there, is_there, not_there) + (several,) * 4


def exchange(draw: Draw, reach: Reach) -> Exchange:
    def of_this_split() -> Page | None:
        one = page(draw, reach)
        return one if draw.allows("page", one.sentences[0]) else None

    made = draw.pick(_KINDS)(draw, draw.until(of_this_split, "a page of this split"))
    made.alone = True
    return made
