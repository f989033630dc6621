"""Code: small functions from a description and back, what a call prints, which language it is."""
from __future__ import annotations

import json
from typing import Any

from dialogues.draw import Draw
from dialogues.exchange import Exchange, any_of, contains, exact, says
from dialogues.families.code_functions import FUNCTIONS, Function
from dialogues.grammar import capital

LANGUAGES = {"python": "Python", "javascript": "JavaScript", "cpp": "C++"}
_PARAMETERS = {
    "n": "a b x y n m number value count amount points score level step".split(),
    "s": "text word line name title label message phrase".split(),
    "l": "numbers values items data scores points_list sizes steps".split(),
}
_PARAMETERS["p"] = _PARAMETERS["d"] = _PARAMETERS["e"] = _PARAMETERS["n"]
_TYPES = {"n": "int", "p": "int", "d": "int", "e": "int", "b": "bool", "s": "std::string", "l": "std::vector<int>"}


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(capital(part) for part in rest)


class Written:
    """One function with its names, to be written in any of the languages."""

    def __init__(self, draw: Draw, function: Function) -> None:
        self.function = function
        self.name = draw.pick(function.names)
        self.parameters: list[str] = []
        for kind in function.kinds:
            free = [each for each in _PARAMETERS[kind] if each not in (*self.parameters, self.name)]
            self.parameters.append(draw.pick(free))

    def filled(self, text: str, language: str = "python") -> str:
        for at, parameter in enumerate(self.parameters):
            text = text.replace(f"${at}", camel(parameter) if language == "javascript" else parameter)
        return text

    def named(self, language: str) -> str:
        return camel(self.name) if language == "javascript" else self.name

    @property
    def doc(self) -> str:
        return self.filled(self.function.doc)

    def head(self, language: str) -> str:
        if language == "python":
            return f"def {self.name}({', '.join(self.parameters)}):"
        if language == "javascript":
            return f"function {camel(self.name)}({', '.join(map(camel, self.parameters))}) {{"
        typed = []
        for kind, parameter in zip(self.function.kinds, self.parameters):
            plain = _TYPES[kind] if kind not in "sl" else f"const {_TYPES[kind]}&"
            typed.append(f"{plain} {parameter}")
        return f"{_TYPES[self.function.gives]} {self.name}({', '.join(typed)}) {{"

    def body(self, language: str) -> str:
        body = self.filled(getattr(self.function, language), language)
        if "\n" not in body:
            body = f"return {body}" + ("" if language == "python" else ";")
        indent = "    " if language == "python" else "  "
        return "\n".join(indent + line for line in body.split("\n"))

    def code(self, language: str) -> str:
        return f"{self.head(language)}\n{self.body(language)}" + ("" if language == "python" else "\n}")


def fenced(code: str, language: str) -> str:
    return f"```{language}\n{code}\n```"


def arguments(draw: Draw, function: Function) -> list[Any]:
    made: list[Any] = []
    for kind in function.kinds:
        if kind == "n":
            made.append(draw.integer(1, 30))
        elif kind == "p":
            made.append(draw.integer(2, 9))
        elif kind == "d":
            made.append(draw.integer(1, 6))
        elif kind == "e":
            made.append(2 * draw.integer(1, 20))
        elif kind == "s":
            made.append(
                draw.pick((draw.slot("thing"), draw.slot("fruit"), draw.slot("animal"), "level", "noon", "Anna"))
            )
        else:
            made.append([draw.integer(1, 20) for _ in range(draw.integer(2, 5))])
    return made


def literal(value: Any, language: str) -> str:
    if isinstance(value, list):
        inside = ", ".join(map(str, value))
        return f"{{{inside}}}" if language == "cpp" else f"[{inside}]"
    return json.dumps(value, ensure_ascii=False)


def printed(value: Any, language: str) -> str:
    if isinstance(value, bool):
        return str(value) if language == "python" else str(int(value)) if language == "cpp" else str(value).lower()
    if isinstance(value, list):
        return f"[ {', '.join(map(str, value))} ]" if language == "javascript" and value else str(value)
    return str(value)


def _written(draw: Draw) -> Written:
    def of_this_split() -> Written | None:
        one = Written(draw, draw.pick(FUNCTIONS))
        return one if draw.allows("function", f"{one.function.doc}/{one.name}/{one.parameters}") else None

    return draw.until(of_this_split, "a function with names of this split")


def write_it(draw: Draw) -> Exchange:
    one, language = _written(draw), draw.pick(tuple(LANGUAGES))
    question = draw.say(
        "[[Write|Give me|I need|Can you write] a {l} function {n} that {d}[.|, please.]|{L}: a function {n} that {d}|[Write|"
        "Implement] {n} in {l}: it {d}.|A {l} function called {n} that {d}[.|, please.]]",
        l=LANGUAGES[language],
        n=f"{one.named(language)}({', '.join(camel(each) if language == 'javascript' else each for each in one.parameters)})",
        d=one.filled(one.function.doc, language),
    )
    answer = fenced(one.code(language), language)
    return says(question, answer, f"A function in {LANGUAGES[language]} that {one.doc}.", exact(answer))


def body_of(draw: Draw) -> Exchange:
    """From the head and its comment to the body."""
    one = _written(draw)
    code = f'{one.head("python")}\n    """{capital(one.doc)}."""'
    question = draw.say("[Complete|Finish|Write the body of] this function:\n\n{c}", c=fenced(code, "python"))
    answer = fenced(f"{code}\n{one.body('python')}", "python")
    return says(question, answer, f"It {one.doc}.", contains(one.body("python")))


def explain(draw: Draw) -> Exchange:
    one, language = _written(draw), draw.pick(tuple(LANGUAGES))
    question = draw.say(
        "[What does this [function|code] do?|Explain this [function|code]:|Describe in one sentence:|Write a comment for this "
        "function:]\n\n{c}",
        c=fenced(one.code(language), language),
    )
    doc = one.filled(one.function.doc, language)
    return says(
        question,
        f"It {doc}.",
        f"{LANGUAGES[language]}. It has the parameters {', '.join(one.parameters)}.",
        contains(doc),
    )


def which_language(draw: Draw) -> Exchange:
    one, language = _written(draw), draw.pick(tuple(LANGUAGES))
    question = draw.say(
        "[Which [programming |]language is this?|What language is this?|In which language is this written?|Language?]\n\n{c}",
        c=draw.pick((one.code(language), fenced(one.code(language), ""))),
    )
    why = {"python": "def and a colon", "javascript": "the word function", "cpp": "types such as int or std::string"}[
        language
    ]
    name = LANGUAGES[language]
    return says(question, draw.say("[{n}|It is {n}.|This is {n}.]", n=name), f"There is {why}.", any_of(name))


def rewrite(draw: Draw) -> Exchange:
    """From one language to another."""
    one = _written(draw)
    source, target = draw.several(tuple(LANGUAGES), 2)
    question = draw.say(
        "[Translate|Rewrite|Convert] this [function |]to {t}:\n\n{c}",
        t=LANGUAGES[target],
        c=fenced(one.code(source), source),
    )
    answer = fenced(one.code(target), target)
    return says(question, answer, f"It {one.doc}. The same in {LANGUAGES[target]}.", exact(answer))


def prints(draw: Draw) -> Exchange:
    """What a call prints, by running the function."""
    one, language = _written(draw), draw.pick(("python", "python", "javascript"))
    given = arguments(draw, one.function)
    call = f"{one.named(language)}({', '.join(literal(each, language) for each in given)})"
    show = "print({})" if language == "python" else "console.log({});"
    code = f"{one.code(language)}\n\n{show.format(call)}"
    question = draw.say(
        "[What does this print?|What is the output?|What is printed here?|What will this [code |]print?]\n\n{c}",
        c=fenced(code, language),
    )
    answer = printed(one.function.run(*given), language)
    values = ", ".join(f"{name} is {literal(each, language)}" for name, each in zip(one.parameters, given))
    why = f"{values}. The function {one.doc}. That is {answer}."
    return says(question, answer, why, exact(answer))


def call_it(draw: Draw) -> Exchange:
    one, language = _written(draw), draw.pick(("python", "javascript"))
    given = [literal(each, language) for each in arguments(draw, one.function)]
    question = draw.say(
        "{c}\n\n[Call it with|How do I call it with|Write a call with] {a}[?|.]",
        c=fenced(one.code(language), language),
        a=" and ".join(given),
    )
    answer = f"{one.named(language)}({', '.join(given)})"
    return says(question, answer, "The name, and the values in brackets.", exact(answer))


_KINDS = (write_it,) * 4 + (prints,) * 4 + (body_of, body_of, explain, explain, which_language, rewrite, call_it)


def exchange(draw: Draw) -> Exchange:
    return draw.pick(_KINDS)(draw)
