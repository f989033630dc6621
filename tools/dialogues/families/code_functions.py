"""Small functions in three languages: $0, $1 are their parameters. What they give back is computed by `run`."""
from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Value = Any


@dataclass(frozen=True)
class Function:
    doc: str  # what it does, as the end of "a function that ..."
    names: tuple[str, ...]
    kinds: str  # of the parameters: n number, s text, l list of numbers
    gives: str  # the same, or b for yes and no
    python: str
    javascript: str
    cpp: str
    run: Callable[..., Value]


def _f(
    doc: str, names: str, kinds: str, gives: str, python: str, javascript: str, cpp: str, run: Callable[..., Value]
) -> Function:
    """A body without a line break is the expression that is returned; = stands for the same as Python's."""
    javascript = python if javascript == "=" else javascript
    cpp = javascript if cpp == "=" else cpp
    return Function(doc, tuple(names.split()), kinds, gives, python, javascript, cpp, run)


_LOOP = ("result = {start}\nfor item in $0:\n    {python}\nreturn result",
         "let result = {start};\nfor (const item of $0) {{\n  {other}\n}}\nreturn result;",
         "int result = {start};\nfor (int item : $0) {{\n  {other}\n}}\nreturn result;")  # fmt: skip


def _loop(doc: str, names: str, start: str, python: str, other: str, run: Callable[..., Value]) -> Function:
    in_python, in_javascript, in_cpp = (body.format(start=start, python=python, other=other) for body in _LOOP)
    return _f(doc, names, "l", "n", in_python, in_javascript, in_cpp, run)


FUNCTIONS: tuple[Function, ...] = (
    _f("returns the sum of $0 and $1", "add sum_of plus total", "nn", "n", "$0 + $1", "=", "=", lambda a, b: a + b),
    _f("returns the difference of $0 and $1", "subtract minus difference", "nn", "n", "$0 - $1", "=", "=", lambda a, b: a - b),
    _f("returns the product of $0 and $1", "multiply times product", "nn", "n", "$0 * $1", "=", "=", lambda a, b: a * b),
    _f("returns twice $0", "twice doubled two_times", "n", "n", "$0 * 2", "=", "=", lambda a: a * 2),
    _f("returns half of $0, rounded down", "half halve", "n", "n", "$0 // 2", "Math.floor($0 / 2)", "$0 / 2", lambda a: a // 2),
    _f("returns the square of $0", "square squared", "n", "n", "$0 * $0", "=", "=", lambda a: a * a),
    _f("returns the cube of $0", "cube cubed", "n", "n", "$0 * $0 * $0", "=", "=", lambda a: a**3),
    _f("returns $0 plus one", "increment next_number plus_one", "n", "n", "$0 + 1", "=", "=", lambda a: a + 1),
    _f("returns $0 minus one", "decrement previous_number minus_one", "n", "n", "$0 - 1", "=", "=", lambda a: a - 1),
    _f("tells whether $0 is even", "is_even even", "n", "b", "$0 % 2 == 0", "$0 % 2 === 0", "$0 % 2 == 0", lambda a: a % 2 == 0),
    _f("tells whether $0 is odd", "is_odd odd", "n", "b", "$0 % 2 == 1", "$0 % 2 === 1", "$0 % 2 == 1", lambda a: a % 2 == 1),
    _f("tells whether $0 is larger than $1", "is_larger larger", "nn", "b", "$0 > $1", "=", "=", lambda a, b: a > b),
    _f("tells whether $0 and $1 are equal", "equal same is_equal", "nn", "b", "$0 == $1", "$0 === $1", "$0 == $1", lambda a, b: a == b),
    _f("returns the larger of $0 and $1", "larger_of maximum", "nn", "n", "max($0, $1)", "Math.max($0, $1)", "std::max($0, $1)", max),
    _f("returns the smaller of $0 and $1", "smaller_of minimum", "nn", "n", "min($0, $1)", "Math.min($0, $1)", "std::min($0, $1)", min),
    _f("returns the rest of $0 divided by $1", "rest remainder modulo", "np", "n", "$0 % $1", "=", "=", lambda a, b: a % b),
    _f("tells whether $0 can be divided by $1", "divides is_multiple", "np", "b", "$0 % $1 == 0", "$0 % $1 === 0", "$0 % $1 == 0",
       lambda a, b: a % b == 0),
    _f("returns the area of a rectangle of width $0 and height $1", "area rectangle_area", "nn", "n", "$0 * $1", "=", "=",
       lambda a, b: a * b),
    _f("returns the perimeter of a rectangle of width $0 and height $1", "perimeter border_length", "nn", "n", "2 * ($0 + $1)",
       "=", "=", lambda a, b: 2 * (a + b)),
    _f("returns how many minutes $0 hours are", "to_minutes minutes", "n", "n", "$0 * 60", "=", "=", lambda a: a * 60),
    _f("returns the mean of $0 and $1", "middle mean_of", "ee", "n", "($0 + $1) // 2", "($0 + $1) / 2", "=", lambda a, b: (a + b) // 2),
    _f("returns the last digit of $0", "last_digit unit_digit", "n", "n", "$0 % 10", "=", "=", lambda a: a % 10),
    _f("returns the length of $0", "length size letters", "s", "n", "len($0)", "$0.length", "$0.size()", len),
    _f("returns $0 in capitals", "upper shout to_capitals", "s", "s", "$0.upper()", "$0.toUpperCase()",
       "std::string result;\nfor (char letter : $0) {\n  result += std::toupper(letter);\n}\nreturn result;", str.upper),
    _f("returns $0 in small letters", "lower whisper to_small", "s", "s", "$0.lower()", "$0.toLowerCase()",
       "std::string result;\nfor (char letter : $0) {\n  result += std::tolower(letter);\n}\nreturn result;", str.lower),
    _f("returns the first letter of $0", "first_letter initial", "s", "s", "$0[0]", "=", "$0.substr(0, 1)", lambda a: a[0]),
    _f("returns the last letter of $0", "last_letter final_letter", "s", "s", "$0[-1]", "$0[$0.length - 1]", "$0.substr($0.size() - 1)",
       lambda a: a[-1]),
    _f("returns $0 backwards", "reverse backwards turned", "s", "s", "$0[::-1]", '$0.split("").reverse().join("")',
       "std::string($0.rbegin(), $0.rend())", lambda a: a[::-1]),
    _f("joins $0 and $1 with a space", "join_words together", "ss", "s", '$0 + " " + $1', "=", "=", lambda a, b: f"{a} {b}"),
    _f("returns $0 twice in a row", "repeat_word twice_said", "s", "s", "$0 + $0", "=", "=", lambda a: a + a),
    _f("returns a greeting for $0", "greet hello greeting", "s", "s", '"Hello, " + $0', "=", "=", lambda a: "Hello, " + a),
    _f("tells whether $0 begins with $1", "begins starts", "ss", "b", "$0.startswith($1)", "$0.startsWith($1)", "$0.rfind($1, 0) == 0",
       lambda a, b: a.startswith(b)),
    _f("tells whether $0 is the same backwards", "is_palindrome palindrome", "s", "b", "$0 == $0[::-1]",
       '$0 === $0.split("").reverse().join("")', "$0 == std::string($0.rbegin(), $0.rend())", lambda a: a == a[::-1]),
    _f("returns the number of items in $0", "count_items how_many", "l", "n", "len($0)", "$0.length", "$0.size()", len),
    _f("returns the first item of $0", "first_item head", "l", "n", "$0[0]", "=", "=", lambda a: a[0]),
    _f("returns the last item of $0", "last_item tail_item", "l", "n", "$0[-1]", "$0[$0.length - 1]", "$0.back()", lambda a: a[-1]),
    _f("tells whether $0 is empty", "is_empty empty", "l", "b", "len($0) == 0", "$0.length === 0", "$0.empty()", lambda a: not a),
    _f("returns $1 at the end of $0 as a new list", "append_to with_item", "ln", "l", "$0 + [$1]", "[...$0, $1]",
       "std::vector<int> result = $0;\nresult.push_back($1);\nreturn result;", lambda a, b: a + [b]),
    _f("returns the largest number of $0", "largest maximum_of", "l", "n", "max($0)", "Math.max(...$0)",
       "*std::max_element($0.begin(), $0.end())", max),
    _f("returns the smallest number of $0", "smallest minimum_of", "l", "n", "min($0)", "Math.min(...$0)",
       "*std::min_element($0.begin(), $0.end())", min),
    _f("returns the sum of all numbers of $0", "sum_all add_all", "l", "n", "sum($0)", "$0.reduce((a, b) => a + b, 0)",
       "std::accumulate($0.begin(), $0.end(), 0)", sum),
    _f("returns the numbers of $0 in order", "sorted_copy in_order", "l", "l", "sorted($0)", "[...$0].sort((a, b) => a - b)",
       "std::vector<int> result = $0;\nstd::sort(result.begin(), result.end());\nreturn result;", sorted),
    _f("returns every number of $0 doubled", "double_all doubled_list", "l", "l", "[item * 2 for item in $0]",
       "$0.map((item) => item * 2)", "std::vector<int> result;\nfor (int item : $0) {\n  result.push_back(item * 2);\n}\nreturn result;",
       lambda a: [each * 2 for each in a]),
    _f("returns the even numbers of $0", "even_only only_even", "l", "l", "[item for item in $0 if item % 2 == 0]",
       "$0.filter((item) => item % 2 === 0)",
       "std::vector<int> result;\nfor (int item : $0) {\n  if (item % 2 == 0) {\n    result.push_back(item);\n  }\n}\nreturn result;",
       lambda a: [each for each in a if each % 2 == 0]),
    _f("returns the absolute value of $0", "absolute magnitude", "n", "n", "if $0 < 0:\n    return -$0\nreturn $0",
       "if ($0 < 0) {\n  return -$0;\n}\nreturn $0;", "=", abs),
    _f("returns the sign of $0: 1, 0 or -1", "sign sign_of", "n", "n",
       "if $0 > 0:\n    return 1\nif $0 < 0:\n    return -1\nreturn 0",
       "if ($0 > 0) {\n  return 1;\n}\nif ($0 < 0) {\n  return -1;\n}\nreturn 0;", "=", lambda a: (a > 0) - (a < 0)),
    _f("returns the factorial of $0", "factorial fact", "d", "n",
       "result = 1\nfor i in range(2, $0 + 1):\n    result *= i\nreturn result",
       "let result = 1;\nfor (let i = 2; i <= $0; i++) {\n  result *= i;\n}\nreturn result;",
       "int result = 1;\nfor (int i = 2; i <= $0; i++) {\n  result *= i;\n}\nreturn result;",
       math.factorial),
    _f("returns the sum of the numbers from 1 to $0", "sum_to sum_up_to", "d", "n",
       "result = 0\nfor i in range(1, $0 + 1):\n    result += i\nreturn result",
       "let result = 0;\nfor (let i = 1; i <= $0; i++) {\n  result += i;\n}\nreturn result;",
       "int result = 0;\nfor (int i = 1; i <= $0; i++) {\n  result += i;\n}\nreturn result;", lambda a: a * (a + 1) // 2),
    _loop("adds up the numbers of $0 in a loop", "total_of loop_sum", "0", "result += item", "result += item;", sum),
    _loop("counts the numbers of $0 that are larger than ten", "count_large many_large", "0",
          "if item > 10:\n        result += 1", "if (item > 10) {\n    result += 1;\n  }", lambda a: sum(each > 10 for each in a)),
    _loop("counts the even numbers of $0", "count_even evens", "0",
          "if item % 2 == 0:\n        result += 1", "if (item % 2 == 0) {\n    result += 1;\n  }",
          lambda a: sum(each % 2 == 0 for each in a)),
)  # fmt: skip
