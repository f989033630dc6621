"""Small work on text: letters, words, lines."""
from __future__ import annotations

from dialogues import facts
from dialogues.draw import Draw
from dialogues.english import in_words, listed
from dialogues.exchange import Exchange, any_of, contains, exact, number, says
from dialogues.families.text_lists import LISTS, given, joined, made_list, picked, some_words, sorted_list


def sentence(draw: Draw) -> str:
    return draw.say(
        "[{a} and {b} [met|walked|talked] in {c}[ on {d}|].|The {q} {t} [is|was|lies] in the {r}.|[Yesterday|"
        "Today|On {d}] {a} bought {n} {food} and a {t}.|{a} likes {food}, but {b} likes {food2}.|In {c} the "
        "{season} is {weather}.|"
        "[My|Our] {x} [lives|works] in {c} as a {j}.|{a} {v} the {q} {t} [slowly|carefully|every day].|There "
        "are {n} {col} birds in the {p}.|{b} wants to learn {l} and {h}.|The train to {c} leaves on {d} at {n} "
        "o'clock.]",
        a=draw.slot("name"),
        b=draw.slot("name"),
        c=draw.slot("city"),
        d=draw.slot("weekday"),
        q=draw.pick(("old", "small", "red", "new", "heavy", "lost")),
        t=draw.slot("thing"),
        r=draw.slot("room"),
        n=draw.integer(2, 12),
        food=draw.slot("food"),
        food2=draw.slot("food"),
        season=draw.slot("season"),
        weather=draw.slot("weather"),
        x=draw.pick(("uncle", "aunt", "friend", "neighbour")),
        j=draw.slot("job"),
        v=draw.pick(("cleans", "carries", "paints", "opens")),
        col=draw.slot("colour"),
        p=draw.slot("place"),
        l=draw.slot("language"),
        h=draw.slot("hobby"),
    )


def letters_case(draw: Draw) -> Exchange:
    text = sentence(draw) if draw.chance(0.6) else " ".join(some_words(draw, 1, 4))
    kind = draw.integer(0, 3)
    wish, result = (
        (
            draw.say(
                "[write this in capitals|make this upper case|put this in capital letters|turn this into upper "
                "case|change all letters to capitals]"
            ),
            text.upper(),
        ),
        (
            draw.say(
                "[write this in small letters|make this lower case|put this in lower case|turn this into small letters]"
            ),
            text.lower(),
        ),
        (
            draw.say("[write this in title case|make every word start with a capital|capitalise each word]"),
            " ".join(word[0].upper() + word[1:] for word in text.split(" ")),
        ),
        (draw.say("[remove the spaces|write this without spaces|delete all spaces]"), text.replace(" ", "")),
    )[kind]
    return says(
        given(draw, wish, text),
        result,
        draw.say("[I change only the letters' size.|Word by word.|The words stay the same.]")
        if kind < 3
        else "I join the words.",
        exact(result),
    )


def reversed_text(draw: Draw) -> Exchange:
    if draw.chance(0.5):
        words = some_words(draw)
        text, result = ", ".join(words), ", ".join(reversed(words))
        return says(
            given(
                draw,
                draw.say("[reverse this list|turn the list around|write the list backwards|put the last first]"),
                text,
            ),
            result,
            f"The last is {words[-1]}, the first {words[0]}.",
            exact(result),
        )
    word = draw.pick(facts.words()).word if draw.chance(0.6) else draw.invented().lower()
    if len(word) > 8:
        return reversed_text(draw)
    return says(
        draw.say(
            "[Write {w} backwards.|Reverse the word {w}.|Spell {w} from the end.|What is {w} backwards?|Reverse: {w}]",
            w=word,
        ),
        word[::-1],
        f"Letters: {' '.join(word)}. Backwards: {' '.join(word[::-1])}.",
        exact(word[::-1]),
        plain="",
    )


def counted(draw: Draw) -> Exchange:
    kind = draw.integer(0, 3)
    if kind == 0:
        text = sentence(draw)
        words = text.split()
        why = ", ".join(f"{at} {word.strip('.,')}" for at, word in enumerate(words, 1)) + "."
        return says(
            given(draw, draw.say("[count the words|say how many words this has|give the number of words]"), text),
            str(len(words)),
            why,
            number(len(words)),
            plain="",
        )
    if kind == 1:
        word = draw.pick(facts.words()).word
        return says(
            draw.say(
                '[How many letters has {w}?|How many letters are in ["{w}"|{w}]?|Count the letters of {w}.|'
                "Letters in {w}?]",
                w=word,
            ),
            draw.say("[{n}|{n} letters.|{W} has {n} letters.]", n=len(word), w=word),
            ", ".join(f"{at} {letter}" for at, letter in enumerate(word, 1)) + ".",
            contains(str(len(word))),
        )
    if kind == 2:
        word = draw.pick(facts.words()).word
        letter = draw.pick(word) if draw.chance(0.85) else draw.pick("aeioutrn")
        count = word.count(letter)
        why = (
            " ".join(
                f"{each}({word[:at + 1].count(letter)})" if each == letter else each for at, each in enumerate(word)
            )
            + f". So {count}."
        )
        return says(
            draw.say(
                '[How often is the letter {l} in {w}?|How many times does {l} occur in "{w}"?|Count the {l} in '
                "{w}.|How many {l}'s are in {w}?]",
                l=letter,
                w=word,
            ),
            draw.say("[{n}|{n} times.|{N}]", n=count) if count != 1 else draw.pick(("1", "Once, 1 time.")),
            why,
            contains(str(count)),
        )
    words = some_words(draw, 2, 8)
    text = ", ".join(words)
    return says(
        given(
            draw, draw.say("[count the items|say how many items are in this list|count the entries of this list]"), text
        ),
        str(len(words)),
        ", ".join(f"{at} {word}" for at, word in enumerate(words, 1)) + ".",
        number(len(words)),
    )


def at_position(draw: Draw) -> Exchange:
    words = some_words(draw) if draw.chance(0.6) else sentence(draw).rstrip(".").split()
    listed_text = ", ".join(words) if draw.chance(0.6) and not any("," in word for word in words) else " ".join(words)
    if any(" " in word for word in words) and ", " not in listed_text:
        return at_position(draw)
    at = draw.pick((0, -1, 1, 2))
    name = {0: "first", -1: "last", 1: "second", 2: "third"}[at]
    what = "item" if ", " in listed_text else "word"
    answer = words[at].rstrip(",")
    if draw.chance(0.2):
        word = draw.pick(facts.words()).word
        letter = word[at] if at != 2 or len(word) > 2 else word[-1]
        return says(
            draw.say(
                '[What is the {n} letter of {w}?|Which is the {n} letter of ["{w}"|{w}]?|{N} letter of {w}?]',
                n=name,
                w=word,
            ),
            letter,
            f"{' '.join(word)}: the {name} is {letter}.",
            any_of(letter),
        )
    return says(
        draw.say(
            "[What is the {n} {k}[ of this| here|]: {t}|{t}\nWhat is the {n} {k}?|{N} {k} of: {t}|Give me the "
            "{n} {k}: {t}|Which {k} is the {n}? {t}]",
            n=name,
            k=what,
            t=listed_text,
        ),
        answer,
        f"The {name} {what} is {answer}.",
        exact(answer),
    )


def replaced(draw: Draw) -> Exchange:
    text = sentence(draw)
    words = [word.strip(".,") for word in text.split()]
    old = draw.pick([word for word in words if len(word) > 2])
    new = draw.slot(draw.pick(("name", "city", "colour", "thing", "food")))
    result = " ".join(word.replace(old, new) if word.strip(".,") == old else word for word in text.split())
    if draw.chance(0.3):
        result = " ".join(word for word in text.split() if word.strip(".,") != old)
        if text.rstrip(".").endswith(old):
            return replaced(draw)
        return says(
            given(draw, draw.say("[remove the word {o}|delete {o}|leave out the word {o}]", o=old), text),
            result,
            f"Without {old}.",
            exact(result),
        )
    return says(
        given(
            draw,
            draw.say(
                "[replace {o} with {n}|change {o} to {n}|write {n} instead of {o}|put {n} in place of {o}]",
                o=old,
                n=new,
            ),
            text,
        ),
        result,
        f"{old} becomes {new}.",
        exact(result),
    )


def extracted(draw: Draw) -> Exchange:
    kind = draw.integer(0, 4)
    if kind == 0:
        mails = [
            f"{draw.slot('name').lower()}@{draw.slot('company').lower()}.{draw.pick(('org', 'com'))}"
            for _ in range(draw.integer(1, 2))
        ]
        text = f"{sentence(draw)} {draw.say('[Write to|Mail|The address is]')} {listed(mails)}. {sentence(draw)}"
        return says(
            given(
                draw,
                draw.say(
                    "[find the email address|extract the email|give me all email addresses|pick out the mail address]"
                ),
                text,
            ),
            "\n".join(mails),
            f"An @ is in {listed(mails)}.",
            contains(*mails),
        )
    if kind == 1:
        numbers = [draw.integer(10, 9999) for _ in range(draw.integer(1, 3))]
        text = " ".join(
            draw.say(
                "[{a} has {n} {t}.|Room {n} is free.|The bill is {n} euros.|Bus {n} goes to {c}.]",
                a=draw.slot("name"),
                n=each,
                t=draw.slot("food"),
                c=draw.slot("city"),
            )
            for each in numbers
        )
        return says(
            given(
                draw,
                draw.say("[find all numbers|extract the numbers|give me the numbers in this text|list the numbers]"),
                text,
            ),
            ", ".join(map(str, numbers)),
            f"I see {listed([str(each) for each in numbers])}.",
            exact(", ".join(map(str, numbers))),
        )
    if kind == 2:
        day = f"{draw.integer(1990, 2030)}-{draw.integer(1, 12):02d}-{draw.integer(1, 28):02d}"
        text = f"{sentence(draw)} {draw.say('[The party is on|It happened on|The date was|Come on]')} {day}. {sentence(draw)}"
        return says(
            given(
                draw, draw.say("[find the date|extract the date|which date is in this text|pick out the date]"), text
            ),
            day,
            f"The date is {day}.",
            exact(day),
        )
    if kind == 3:
        names = draw.slot_set("name", draw.integer(2, 4))
        text = " ".join(
            draw.say(
                "[{n} came first.|Then {n} said hello.|We saw {n} in the {p}.|The book belongs to {n}.|{n} "
                "brought {f}.]",
                n=name,
                p=draw.slot("place"),
                f=draw.slot("food"),
            )
            for name in names
        )
        return says(
            given(
                draw,
                draw.say("[list the names|find all names|which people are named here|extract the names of the people]"),
                text,
            ),
            ", ".join(names),
            f"People: {listed(names)}.",
            contains(*names),
        )
    text = f"{sentence(draw)} \"{sentence(draw)}\" said {draw.slot('name')}. {sentence(draw)}"
    quote = text.split('"')[1]
    return says(
        draw.say("[{t}\n\nWhat was said?|Find the quote: {t}|What stands in quotes? {t}]", t=text),
        quote,
        "It stands between the quotes.",
        contains(quote),
    )


def repeated(draw: Draw) -> Exchange:
    word, count = (draw.slot(draw.pick(LISTS)), draw.integer(2, 5))
    if draw.chance(0.4):
        text = sentence(draw)
        return says(
            draw.say(
                "[Repeat: {t}|Say this: {t}|Copy this exactly: {t}|Write exactly this: {t}|Repeat after me: {t}]",
                t=text,
            ),
            text,
            "I copy the text.",
            exact(text),
        )
    said = {2: "twice", 3: "three times"}.get(count, f"{in_words(count)} times")
    result = " ".join([word] * count)
    return says(
        draw.say("[Write {w} {n}.|Say {w} {n}.|Repeat {w} {n}.|{W}, {n}[, please|].]", w=word, n=said),
        result,
        f"{count} times {word}.",
        exact(result),
    )


_KINDS = (
    letters_case,
    letters_case,
    reversed_text,
    counted,
    counted,
    at_position,
    at_position,
    sorted_list,
    sorted_list,
    replaced,
    replaced,
    extracted,
    extracted,
    made_list,
    made_list,
    joined,
    picked,
    picked,
    repeated,
)


def exchange(draw: Draw) -> Exchange:
    return draw.pick(_KINDS)(draw)
