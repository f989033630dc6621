"""Quick instructions: a title, a search query, a domain, whether to search. The token of the task asks; the answer is bare."""
from __future__ import annotations

from collections.abc import Callable

from dialogues import facts
from dialogues.draw import Draw
from dialogues.exchange import Exchange, assistant, contains, exact, user
from dialogues.families import code_talk, direct, small_talk, word_problems
from dialogues.grammar import capital


def _tasked(task: str, question: str, answer: str, before: list[dict[str, object]] | None = None) -> Exchange:
    messages = [*(before or []), user(question) | {"task": task}, assistant(answer)]
    check = exact(answer) if task != "title" else contains(answer)
    return Exchange(messages, [(len(messages) - 1, check)], thinking=False, alone=True)


def _topic(draw: Draw) -> tuple[str, str, str, str]:
    """A question, its title, its search query and its domain."""
    kind = draw.integer(0, 5)
    if kind == 0:
        one = draw.pick(facts.countries())
        what = draw.pick(("capital", "currency", "area"))
        question = draw.say("[What is the {w} of {t}?|{W} of {t}?|Tell me the {w} of {t}.]", w=what, t=one.title)
        return question, f"{capital(what)} of {one.name}", f"{one.name} {what}", "geography"
    if kind == 1:
        word = draw.pick(tuple(facts.first_senses())).lower()
        question = draw.say("[What does {w} mean?|Define {w}.|Meaning of {w}?]", w=word)
        return question, f"Meaning of {word}", f"{word} meaning", "language"
    if kind == 2:
        city = draw.slot("city")
        what = draw.pick(("weather", "news", "hotels", "restaurants", "museums"))
        question = draw.say("[What about the {w} in {c}?|{W} in {c}?|Tell me about the {w} in {c}.]", w=what, c=city)
        return question, f"{capital(what)} in {city}", f"{city} {what}", "travel" if what != "news" else "news"
    if kind == 3:
        hobby = draw.slot("hobby")
        question = draw.say("[How do I learn {h}?|How can I begin with {h}?|Tips for {h}?]", h=hobby)
        return question, f"Beginning with {hobby}", f"{hobby} tips for beginners", "hobby"
    if kind == 4:
        dish = draw.slot("dish")
        question = draw.say("[How do I make {d}?|Recipe for {d}?|What do I need for {d}?]", d=dish)
        return question, f"Making {dish}", f"{dish} recipe", "cooking"
    job = draw.slot("job")
    question = draw.say("[What does {a j} earn?|How do I become {a j}?|What does {a j} do all day?]", j=job)
    return question, f"Work as {job}", f"{job} job", "work"


def _of_kind(draw: Draw) -> tuple[str, str]:
    """A question that needs no search, and its domain."""
    make, domain = draw.pick(
        (
            (direct.small_sum, "mathematics"),
            (word_problems.problem, "mathematics"),
            (small_talk.talk, "chat"),
            (small_talk.identity, "chat"),
            (code_talk.write_it, "programming"),
        )
    )
    made: Exchange = draw.until(lambda: make(draw), "a question")
    return made.messages[0]["content"], domain


def title(draw: Draw) -> Exchange:
    """Behind the first answer, as a chat window asks for it."""
    question, said, _, _ = _topic(draw)
    if draw.chance(0.5):
        return _tasked("title", question, said)
    before = [user(question), assistant("I am not sure about that. Please check it with a search.")]
    return _tasked("title", "Give this chat a title.", said, before)


def query(draw: Draw) -> Exchange:
    question, _, search, _ = _topic(draw)
    return _tasked("query", question, search)


def domain(draw: Draw) -> Exchange:
    if draw.chance(0.6):
        question, _, _, label = _topic(draw)
        return _tasked("domain", question, label)
    question, label = _of_kind(draw)
    return _tasked("domain", question, label)


def action(draw: Draw) -> Exchange:
    """Whether to search the web first, or to answer at once."""
    if draw.chance(0.5):
        return _tasked("action", _topic(draw)[0], "Search")
    return _tasked("action", _of_kind(draw)[0], "Answer")


_KINDS: tuple[Callable[[Draw], Exchange], ...] = (title, title, query, domain, action)


def exchange(draw: Draw) -> Exchange:
    def of_this_split() -> Exchange | None:
        made = draw.pick(_KINDS)(draw)
        return made if draw.allows("quick task", made.messages[-2]["content"]) else None

    return draw.until(of_this_split, "a quick task of this split")
