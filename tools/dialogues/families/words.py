"""Words: what they mean, what is like them, their forms, and sentences with them."""
from __future__ import annotations

from functools import lru_cache

from dialogues import facts
from dialogues.draw import Draw
from dialogues.english import with_article
from dialogues.exchange import Exchange, any_of, contains, says, unknown
from dialogues.facts import Word
from dialogues.grammar import Phrase, capital

_DEFINE = Phrase(
    '[What does ["{word}"|the word "{word}"|the word {word}|{word}] mean?|What is the meaning of ["{word}"|the '
    'word {word}|{word}]?|Define ["{word}"|the word {word}|{word}].|[Explain|Please explain] the word ["{word}"|'
    "{word}].|"
    'Meaning of {word}?|{Word}?|[Please |]define {word}.|What is meant by ["{word}"|{word}]?|[Can|Could] you '
    '[explain|define|tell me the meaning of] ["{word}"|{word}]?|What do [people|we] mean by {word}?|Definition '
    "of {word}[, please.|?|:]|"
    "I do not know the word {word}. What does it mean?|[My child|A friend] asked me what {word} means.|Tell me "
    'what ["{word}"|{word}] means.|[Give|Write] a [short |]definition of ["{word}"|{word}].|How would you '
    "explain {word}?|Dictionary: {word}]"
)
_DEFINE_AS = Phrase(
    '[What does ["{word}"|{word}] mean as {a part}?|Define {word} ({part}).|{Word} as {a part}: what does it '
    'mean?|What is the {part} "{word}"?]'
)
_DEFINED = Phrase(
    "{Definition}.",
    "{Definition}.",
    '["{Word}"|{Word}|The word {word}] means: {definition}.',
    "{Word} ({part}): {definition}.",
    "{Word}: {definition}.",
)
_THINK = Phrase(
    "{Word} is {a part}: {definition}.",
    "[The word|I recall] {word}: {definition}.",
    "{Word}, {part}. [It means|Meaning]: {definition}.",
    "[A question about a word.|They ask about {word}.] {Definition}.",
)
_UNKNOWN = Phrase(
    "[I do not know the word {word}.|I have never heard the word {word}. I do not know it.|I do not know what "
    "{word} means.|Sorry, I do not know that word.|{Word}? I do not know that word.]"
)


@lru_cache(maxsize=None)
def _with(what: str) -> tuple[Word, ...]:
    return tuple(word for word in facts.words() if getattr(word, what))


@lru_cache(maxsize=None)
def _simple_nouns() -> tuple[Word, ...]:
    return tuple(
        word
        for word in facts.first_senses().values()
        if word.part == "noun" and word.broader and " " not in word.broader
    )


def _fresh(draw: Draw, make_question: object, word: Word) -> bool:
    return draw.allows("word question", f"{word.word}/{word.part}/{make_question}")


def define(draw: Draw) -> Exchange:
    word = draw.common(facts.words())
    slots = {"word": word.word, "part": word.part, "definition": word.definition}
    is_first = facts.first_senses()[word.word] is word
    question = (_DEFINE if is_first and draw.chance(0.85) else _DEFINE_AS).write(draw.rng, slots)
    if not _fresh(draw, question, word):
        return define(draw)
    return says(
        question,
        _DEFINED.write(draw.rng, slots),
        _THINK.write(draw.rng, slots),
        contains(word.definition),
        part=word.part,
    )


def synonym(draw: Draw) -> Exchange:
    word = draw.common(_with("synonyms"))
    question = draw.say(
        '[[Give|Tell|Name] me a synonym [of|for] ["{w}"|{w}].|What is another word for ["{w}"|{w}]?|Synonym of '
        "{w}?|Which word means the same as {w}?|[Another|A different] word for {w}[, please.|?]|What can I say "
        "instead of {w}?]",
        w=word.word,
    )
    if not _fresh(draw, question, word):
        return synonym(draw)
    said = word.synonyms[0] if draw.chance(0.7) else ", ".join(word.synonyms)
    return says(
        capital(question),
        draw.say("[{s}|{S}.|Another word for {w} is {s}.]", s=said, w=word.word),
        f"{capital(word.word)} means {word.definition}. The same: {', '.join(word.synonyms)}.",
        any_of(*word.synonyms),
    )


def antonym(draw: Draw) -> Exchange:
    word = draw.common(_with("antonyms"))
    question = draw.say(
        '[What is the opposite of ["{w}"|{w}]?|Opposite of {w}?|[Give|Tell|Name] me the opposite of ["{w}"|'
        "{w}].|Which word means the opposite of {w}?|Not {w}, but ...?|Antonym of {w}?]",
        w=word.word,
    )
    if not _fresh(draw, question, word):
        return antonym(draw)
    return says(
        question,
        draw.say("[{a}|{A}.|The opposite of {w} is {a}.]", a=word.antonyms[0], w=word.word),
        f"The opposite of {word.word} is {word.antonyms[0]}.",
        any_of(*word.antonyms),
    )


def in_sentence(draw: Draw) -> Exchange:
    word = draw.pick(_with("example"))
    sentence = capital(word.example)
    if sentence[-1] not in ".!?":
        sentence += "."
    question = draw.say(
        '[[Use|Put] ["{w}"|the word {w}|{w}] in a sentence.|[Write|Make|Give me] a sentence with ["{w}"|the '
        "word {w}|{w}].|[A sentence|An example] with {w}[, please.|?]|Show me how to use {w}.|Example sentence "
        "for {w}?]",
        w=word.word,
    )
    return says(question, sentence, f"{capital(word.word)} means {word.definition}.", contains(word.word))


def which_word(draw: Draw) -> Exchange:
    word = draw.pick(facts.words())
    question = draw.say(
        '[Which {p} means "{d}"?|Which word means: {d}?|What is the word for "{d}"?|I look for a word. It '
        "means: {d}.|Find the word: {d}.|What do you call it: {d}?]",
        p=word.part,
        d=word.definition,
    )
    if not _fresh(draw, question, word):
        return which_word(draw)
    return says(
        question,
        draw.say("[{w}|{W}.|The word is {w}.]", w=word.word),
        f"{capital(word.definition)}: that is {word.word}.",
        any_of(word.word, *word.synonyms),
    )


def form(draw: Draw) -> Exchange:
    word = draw.pick(_with("form"))
    if word.part == "noun":
        question = draw.say(
            '[What is the plural of ["{w}"|{w}]?|Plural of {w}?|One {w}, two ...?|[Give|Tell] me the plural of '
            "{w}.|How do you write more than one {w}?|Make {w} plural.]",
            w=word.word,
        )
        answer = draw.say("[{f}|{F}.|The plural of {w} is {f}.]", f=word.form, w=word.word)
    else:
        question = draw.say(
            '[What is the past tense of ["{w}"|{w}]?|Past tense of {w}?|Today I {w}, yesterday I ...?|[Give|'
            "Tell] me the past of {w}.|Put {w} into the past tense.]",
            w=word.word,
        )
        answer = draw.say("[{f}|{F}.|The past tense of {w} is {f}.]", f=word.form, w=word.word)
    return says(
        question,
        answer,
        f"{capital(word.word)} is {with_article(word.part)}. The form is {word.form}.",
        contains(word.form),
    )


def part_of_speech(draw: Draw) -> Exchange:
    word = draw.pick(tuple(facts.first_senses().values()))
    question = draw.say(
        '[What part of speech is ["{w}"|{w}]?|Is {w} a noun, a verb, an adjective or an adverb?|Which kind of '
        "word is {w}?|Part of speech of {w}?]",
        w=word.word,
    )
    return says(
        question,
        draw.say("[{A p}.|{p}|{W} is {a p}.]", p=word.part, w=word.word),
        f"{capital(word.word)}: {word.definition}. So {with_article(word.part)}.",
        contains(word.part),
    )


def kind_of(draw: Draw) -> Exchange:
    word = draw.pick(_simple_nouns())
    if draw.chance(0.5):
        question = draw.say(
            "[What kind of thing is {a w}?|{A w} is a kind of what?|To which group does the word {w} belong?|"
            "What is {a w}, in general?]",
            w=word.word,
        )
        return says(
            question,
            draw.say("[{A b}.|{A w} is a kind of {b}.|A kind of {b}.]", b=word.broader, w=word.word),
            f"{capital(word.word)}: {word.definition}. That is a kind of {word.broader}.",
            contains(word.broader),
        )
    other = draw.pick(_simple_nouns())
    true = draw.chance(0.5)
    broader = word.broader if true else other.broader
    if not true and (broader == word.broader or other.broader == word.word):
        return kind_of(draw)
    question = draw.say(
        "[Is {a w} a kind of {b}?|Is {w} a kind of {b}?|True or false: {a w} is a kind of {b}.]", w=word.word, b=broader
    )
    yes, no = ("True.", "False.") if question.startswith("True") else ("Yes.", "No.")
    return says(
        question,
        yes if true else no,
        f"{capital(word.word)} is a kind of {word.broader}.",
        any_of((yes if true else no)[:-1]),
    )


def spelling(draw: Draw) -> Exchange:
    word = draw.pick(facts.words()).word
    at = draw.integer(1, max(1, len(word) - 3))
    fault = draw.integer(0, 2)
    wrong = (
        word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        if fault == 0
        else word[:at] + word[at + 1 :]
        if fault == 1
        else word[:at] + word[at] + word[at:]
    )
    if draw.chance(0.5) or wrong in facts.first_senses() or wrong == word:
        letters = draw.pick(("-", " ", ", ")).join(word)
        return says(
            draw.say(
                "[Spell [the word |]{w}.|How do you spell {w}?|Spell it: {w}|{w}, letter by letter[, please|].]", w=word
            ),
            letters,
            f"The letters of {word}.",
            any_of("-".join(word), " ".join(word), ", ".join(word)),
            open_book=True,
        )
    return says(
        draw.say(
            '[Correct the spelling: {w}|How is {w} spelt right?|There is a mistake in "{w}". What is right?|'
            "[Fix|Correct] this word: {w}|Did I spell {w} right?]",
            w=wrong,
        ),
        draw.say("[{r}|{r}|It is spelt {r}.]", r=word),
        f"{capital(wrong)} is not a word. The right one is {word}.",
        contains(word),
    )


def open_book(draw: Draw) -> Exchange:
    """A made-up word, explained in the question."""
    word = draw.pick(_simple_nouns())
    name = draw.invented().lower()
    text = draw.say(
        '[A {n} is {d}.|{N}: {d}.|The word {n} means {d}.|"{N}" is what we call {d}.|In our town, {n} means {d}.]',
        n=name,
        d=word.definition,
    )
    question = draw.say(
        "[{t} What is a {n}?|{t}\n\nDefine {n}.|Dictionary:\n{t}\n\nWhat does {n} mean?|{t} So what does {n} mean?]",
        t=text,
        n=name,
    )
    return says(
        question,
        _DEFINED.write(draw.rng, {"word": name, "part": "noun", "definition": word.definition}),
        f"The text says it: {word.definition}.",
        contains(word.definition),
        open_book=True,
    )


def invented(draw: Draw) -> Exchange:
    name = draw.invented().lower()
    question = (
        draw.fill(_DEFINE, {"word": name})
        if draw.chance(0.7)
        else draw.say(
            "[What is the opposite of {w}?|Synonym of {w}?|Use {w} in a sentence.|What is a {w}?|Is a {w} an animal?]",
            w=name,
        )
    )
    return says(
        question,
        draw.fill(_UNKNOWN, {"word": name}),
        draw.say(
            "[I do not know a word {w}.|{W} is no word that I know.] [I say so.|I should not invent a meaning.|"
            "Better to be honest.]",
            w=name,
        ),
        unknown(),
        invented=True,
    )


_KINDS = (define,) * 10 + (
    synonym,
    synonym,
    antonym,
    in_sentence,
    in_sentence,
    which_word,
    which_word,
    form,
    form,
    part_of_speech,
    kind_of,
    kind_of,
    spelling,
    spelling,
    open_book,
    open_book,
    invented,
    invented,
)


def exchange(draw: Draw) -> Exchange:
    return draw.pick(_KINDS)(draw)
