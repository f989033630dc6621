"""Short work on what the question holds: a list to JSON, a text in capitals, the value of a key."""
from __future__ import annotations

import json

from dialogues.draw import Draw
from dialogues.english import ordinal
from dialogues.exchange import Exchange, any_of, contains, exact, json_value, number, says

_WORD_KINDS = (
    "fruit",
    "food",
    "animal",
    "colour",
    "thing",
    "city",
    "name",
    "job",
    "flower",
    "sport",
    "language",
    "hobby",
)
_VALUE_KINDS = {"name": "name", "city": "city", "colour": "colour", "job": "job", "animal": "animal", "food": "food",
                "hobby": "hobby", "sport": "sport", "language": "language", "fruit": "fruit"}  # fmt: skip


def _words(draw: Draw, low: int = 2, high: int = 6) -> list[str]:
    return draw.slot_set(draw.pick(_WORD_KINDS), draw.integer(low, high))


def _pairs(draw: Draw, low: int, high: int) -> dict[str, object]:
    """Keys with values: names of the tables, sometimes keys that say nothing about their value."""
    pairs: dict[str, object] = {}
    for key in draw.several(tuple(_VALUE_KINDS), draw.integer(low, high)):
        pairs[key] = draw.slot(_VALUE_KINDS[key])
    if draw.chance(0.5):
        pairs["age"] = draw.integer(5, 95)
    if draw.chance(0.4):
        pairs = {draw.slot("key"): value for value in pairs.values()}
    return pairs


def list_to_json(draw: Draw) -> Exchange:
    words = _words(draw)
    question = draw.say(
        "[[Translate|Turn|Convert|Make] [this list|this|the list] [to|into] [JSON|a JSON array|a JSON list]: {l}|{l} as "
        "[JSON|a JSON array|a JSON list][.|, please.|]|JSON array of {l}|List to JSON: {l}|[Write|Give me] {l} as JSON.]",
        l=", ".join(words)
        if draw.chance(0.8)
        else "\n" + "\n".join(draw.pick(("- ", "* ", "")) + word for word in words),
    )
    return says(question, json.dumps(words, ensure_ascii=False), f"A list of {len(words)}.", json_value(words))


def pairs_to_json(draw: Draw) -> Exchange:
    pairs = _pairs(draw, 1, 4)
    mark = draw.pick((": ", " = ", " is ", ": "))
    given = draw.pick((", ", "; ", "\n")).join(f"{key}{mark}{value}" for key, value in pairs.items())
    question = draw.say(
        "[[Turn|Convert|Make] this [to|into] JSON: {g}|As JSON: {g}|JSON for {g}|[Write|Give me] this as [JSON|a JSON "
        "object]: {g}|{g}\nAs JSON[, please.|.|]|Make a JSON object: {g}]",
        g=given,
    )
    return says(question, json.dumps(pairs, ensure_ascii=False), "One object, the keys as given.", json_value(pairs))


def looked_up(draw: Draw) -> Exchange:
    """One value of several: the shortest recall there is."""
    pairs = _pairs(draw, 2, 7)
    key = draw.pick(tuple(pairs))
    value = str(pairs[key])
    style = draw.integer(0, 3)
    if style == 0:
        given = json.dumps(pairs, ensure_ascii=False, indent=draw.pick((None, None, 2)))
    elif style == 1:
        given = "\n".join(f"{each}: {pairs[each]}" for each in pairs)
    elif style == 2:
        given = ", ".join(f"{each}={pairs[each]}" for each in pairs)
    else:
        given = "\n".join(f"| {each} | {pairs[each]} |" for each in pairs)
    question = draw.say(
        "[{g}\n\n[What is|What is the value of|Which value has] {k}?|{g}\n{k}?|What is {k} in this?\n{g}|{g}\n\nTell me the "
        "{k}.|Look up {k}:\n{g}]",
        g=given,
        k=key,
    )
    return says(question, value, f"{key} is {value}.", contains(value))


def changed_text(draw: Draw) -> Exchange:
    words = _words(draw, 1, 5)
    text = " ".join(words)
    listed = ", ".join(words)
    kind = draw.integer(0, 6)
    if kind == 0:
        question = draw.say("[Uppercase: {t}|{t} in capitals|Write {t} in capital letters.|Upper case: {t}]", t=text)
        return says(question, text.upper(), "In capitals.", exact(text.upper()))
    if kind == 1:
        question = draw.say(
            "[Lowercase: {t}|{t} in small letters|Write in small letters: {t}|Lower case: {t}]", t=text.upper()
        )
        return says(question, text.lower(), "In small letters.", exact(text.lower()))
    if kind == 2:
        back = ", ".join(reversed(words))
        return says(
            draw.say("[Reverse the list: {t}|Reverse: {t}|Backwards: {t}]", t=listed), back, "Last first.", exact(back)
        )
    if kind == 3:
        sorted_words = ", ".join(sorted(words, key=str.lower))
        question = draw.say("[Sort: {t}|Sort this list: {t}|Put in ABC order: {t}|Alphabetical order: {t}]", t=listed)
        return says(question, sorted_words, "By their letters.", exact(sorted_words))
    if kind == 4:
        at = draw.integer(1, len(words))
        question = draw.say(
            "[{o} word: {t}|What is the {o} word of: {t}|Which is the {o}: {l}|{l}: the {o}?]",
            o=ordinal(at),
            t=text,
            l=listed,
        )
        if len(text.split()) != len(words) and "word" in question:
            return says(
                f"Which is the {ordinal(at)}: {listed}", words[at - 1], f"Number {at}.", contains(words[at - 1])
            )
        return says(question, words[at - 1], f"Number {at} is {words[at - 1]}.", contains(words[at - 1]))
    if kind == 5:
        question = draw.say("[As a bulleted list: {t}|Bullet list: {t}|Make a list with bullets: {t}]", t=listed)
        bullets = "\n".join(f"- {word}" for word in words)
        return says(question, bullets, "One line each.", exact(bullets))
    question = draw.say("[Last of {t}?|Last item: {t}|First of {t}?|First item: {t}]", t=listed)
    answer = words[-1] if question.startswith("Last") else words[0]
    return says(question, answer, f"It is {answer}.", contains(answer))


def counted(draw: Draw) -> Exchange:
    words = _words(draw, 1, 7)
    if draw.chance(0.6):
        question = draw.say(
            "[How many [items|things] are in this list: {t}?|How many: {t}?|Count: {t}]", t=", ".join(words)
        )
        steps = ", ".join(f"{at + 1} {word}" for at, word in enumerate(words)) + f". So {len(words)}."
        return says(question, str(len(words)), steps, number(len(words)), plain=steps)
    word = words[0].split()[0]
    question = draw.say(
        "[How many letters has {w}?|How many letters are in {w}?|Letters in {w}?|Length of {w}?]", w=word
    )
    steps = ", ".join(f"{at + 1} {letter}" for at, letter in enumerate(word)) + f". So {len(word)}."
    return says(question, str(len(word)), steps, number(len(word)), plain=steps)


def echo(draw: Draw) -> Exchange:
    """Copying, letter by letter."""
    text = " ".join(_words(draw, 1, 4)) if draw.chance(0.7) else f"{draw.invented()} {draw.integer(10, 99999)}"
    kind = draw.integer(0, 2)
    if kind == 0:
        question = draw.say('[Say "{t}".|Say: {t}|Repeat: {t}|Repeat after me: {t}|Write: {t}|Copy this: {t}]', t=text)
        return says(question, text, "I repeat it.", exact(text))
    word = text.split()[0]
    if kind == 1:
        question = draw.say("[Spell {w}.|Spell {w}|How do you spell {w}?|{w}, spelled?]", w=word)
        return says(question, "-".join(word), "Letter by letter.", any_of("-".join(word)))
    first = draw.chance(0.5)
    question = draw.say(f"[{'First' if first else 'Last'} letter of {{w}}?|What is the {'first' if first else 'last'} letter of {{w}}?]", w=word)  # fmt: skip
    letter = word[0] if first else word[-1]
    return says(question, letter, f"{'-'.join(word)}: {letter}.", exact(letter))
