"""Small work on lists of words: sort, mark, join, pick."""

from __future__ import annotations

from dialogues import facts
from dialogues.draw import Draw
from dialogues.english import listed, with_article
from dialogues.exchange import Exchange, exact, json_value, says
from dialogues.families.json_text import as_json

LISTS = (
    "food",
    "thing",
    "animal",
    "colour",
    "city",
    "name",
    "job",
    "fruit",
    "hobby",
    "instrument",
    "flower",
    "vehicle",
)


def some_words(draw: Draw, low: int = 3, high: int = 7) -> list[str]:
    if draw.chance(0.3):
        return [draw.pick(facts.words()).word for _ in range(draw.integer(low, high))]
    return draw.slot_set(draw.pick(LISTS), draw.integer(low, high))


def given(draw: Draw, wish: str, text: str) -> str:
    """The wish and the text, in one of the ways people put them together."""
    wish = wish[0].upper() + wish[1:]
    return draw.pick(
        (
            f"{wish}: {text}",
            f"{wish}:\n{text}",
            f"{text}\n\n{wish}.",
            f"{text}\n{wish}, please.",
            f"Please {wish[0].lower()}{wish[1:]}: {text}",
            f'{wish}: "{text}"',
            f"Text: {text}\n{wish}.",
            f"Can you {wish[0].lower()}{wish[1:]}? {text}",
            f"{wish}.\n\n{text}",
        )
    )


def sorted_list(draw: Draw) -> Exchange:
    words = [word for word in dict.fromkeys(some_words(draw, 3, 6))]
    kind = draw.integer(0, 2)
    if kind == 2 and len({len(word) for word in words}) < len(words):
        kind = 0
    result = (
        sorted(words, key=str.lower)
        if kind == 0
        else sorted(words, key=str.lower, reverse=True)
        if kind == 1
        else sorted(words, key=len)
    )
    wish = (
        draw.say(
            "[sort this by the alphabet|put this in alphabetical order|sort this list|order these words from A to Z]"
        ),
        draw.say("[sort this from Z to A|sort this backwards by the alphabet]"),
        draw.say("[sort by length, shortest first|order these by length, short ones first]"),
    )[kind]
    mark = draw.pick((", ", "\n"))
    return says(
        given(draw, wish, mark.join(words)),
        mark.join(result),
        f"First comes {result[0]}, last {result[-1]}.",
        exact(mark.join(result)),
    )


def made_list(draw: Draw) -> Exchange:
    words = some_words(draw)
    text = draw.pick((", ".join(words), listed(words), "; ".join(words)))
    kind = draw.integer(0, 3)
    if kind == 0:
        result = "\n".join(f"- {word}" for word in words)
        wish = draw.say(
            "[make a bullet list|turn this into a bulleted list|write this as a list with bullets|one bullet for each]"
        )
    elif kind == 1:
        result = "\n".join(f"{at}. {word}" for at, word in enumerate(words, 1))
        wish = draw.say("[make a numbered list|number these|turn this into a numbered list]")
    elif kind == 2:
        result = "\n".join(words)
        wish = draw.say("[write each on its own line|one item a line|put each item on a new line]")
    else:
        result = as_json(words)
        return says(
            given(draw, draw.say("[make a JSON list|turn this into a JSON array|write this as JSON]"), text),
            result,
            f"{len(words)} entries.",
            json_value(words),
        )
    return says(given(draw, wish, text), result, f"There are {len(words)} items.", exact(result))


def joined(draw: Draw) -> Exchange:
    words = some_words(draw, 2, 6)
    text = "\n".join(words)
    mark, name = draw.pick(
        ((", ", "commas"), ("; ", "semicolons"), (" - ", "dashes"), (" ", "spaces"), ("/", "slashes"))
    )
    if draw.chance(0.3):
        return says(
            given(
                draw,
                draw.say(
                    '[make a sentence part with commas and "and"|join these with commas and an and before the last]'
                ),
                text,
            ),
            listed(words),
            f"The last is {words[-1]}.",
            exact(listed(words)),
        )
    return says(
        given(
            draw,
            draw.say(
                "[join these lines with {m}|put these on one line with {m}|write this as one line with {m}]", m=name
            ),
            text,
        ),
        mark.join(words),
        f"{len(words)} items on one line.",
        exact(mark.join(words)),
    )


def picked(draw: Draw) -> Exchange:
    """Which of these is longest, is doubled, begins with a letter, does not belong."""
    kind = draw.integer(0, 3)
    words = list(dict.fromkeys(some_words(draw, 3, 6)))
    text = ", ".join(words)
    if kind == 0:
        longest = max(words, key=len)
        if sum(len(word) == len(longest) for word in words) > 1:
            return picked(draw)
        return says(
            draw.say("[Which is the longest word: {t}?|{t}\nWhich one is longest?|Longest of: {t}]", t=text),
            longest,
            ", ".join(f"{word} {len(word)}" for word in words) + ".",
            exact(longest),
        )
    if kind == 1:
        again = draw.pick(words)
        doubled = draw.shuffled([*words, again])
        return says(
            draw.say(
                "[Which one is there twice? {t}|Find the double: {t}|{t}\nWhich item occurs twice?]",
                t=", ".join(doubled),
            ),
            again,
            f"{again} stands there two times.",
            exact(again),
        )
    if kind == 2:
        letter = draw.pick(words)[0].lower()
        found = [word for word in words if word[0].lower() == letter]
        return says(
            draw.say(
                "[Which of these [begin|start] with {l}? {t}|{t}\nOnly those that begin with {l}[, please|].|"
                "List the ones that start with {l}: {t}]",
                l=letter,
                t=text,
            ),
            ", ".join(found),
            f"With {letter}: {listed(found)}.",
            exact(", ".join(found)),
        )
    one, other = draw.several(
        ("food", "animal", "colour", "city", "job", "instrument", "weekday", "language", "month"), 2
    )
    group = draw.slot_set(one, 3)
    odd = draw.slot(other)
    if odd in group:
        return picked(draw)
    return says(
        draw.say(
            "[Which one does not belong: {t}?|{t}\nWhich is the odd one out?|Find the one that does not fit: {t}]",
            t=", ".join(draw.shuffled([*group, odd])),
        ),
        odd,
        f"The others are each {with_article(one)}; {odd} is {with_article(other)}.",
        exact(odd),
    )
