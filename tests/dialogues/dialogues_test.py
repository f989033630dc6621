#!/usr/bin/env python3
"""Every promise of tools/dialogues: valid JSON and calls, right sums, held-out values, the same bytes from one seed, and
that fathom renders and scores all of it. FATHOM_PROGRAM names the program; without it nothing is rendered or scored."""
from __future__ import annotations

import codecs
import contextlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))

from dialogues import carrier, packages, slots, workers  # noqa: E402
from dialogues.command import options, plan_of  # noqa: E402
from dialogues.draw import Draw  # noqa: E402
from dialogues.fact_groups import FACTS, fact_line  # noqa: E402
from dialogues.families import code_functions, code_talk, direct, numbers, open_book, recall, small_talk  # noqa: E402
from dialogues.families import story_talk, tool_talk, words  # noqa: E402
from dialogues.families import json_talk  # noqa: E402
from dialogues.families.plots import plots  # noqa: E402
from dialogues.families.records import RECORDS  # noqa: E402
from dialogues.holdout import is_held_out  # noqa: E402
from dialogues.grammar import Phrase  # noqa: E402
from dialogues.workers import produce  # noqa: E402

SAMPLES = 2000
_WITH_FACTS = ("direct", "words", "facts", "mixed", "own tools", "quick tasks")  # Costa Rica is no surname


def lines(*arguments: str, samples: int = SAMPLES) -> list[str]:
    read = options(["--longest", "1500", "--slots", "-n", str(samples), *arguments])
    return list(produce(plan_of(read), read.format == "text", read.slots, read.samples, None, read.jobs))


def passed(pairs: list[tuple[dict[str, Any], dict[str, Any]]]) -> list[bool]:
    """What `fathom eval --score`, the definition of the checks, says to each check and message."""
    program = os.environ.get("FATHOM_PROGRAM")
    if not program:
        raise unittest.SkipTest("FATHOM_PROGRAM is not set")
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as file:
        file.writelines(json.dumps({"check": check, "message": message}) + "\n" for check, message in pairs)
        file.flush()
        run = subprocess.run([program, "eval", "--score", file.name], capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise AssertionError(run.stderr[-2000:])
    verdicts = [json.loads(line)["passes"] for line in run.stdout.splitlines()]
    if len(verdicts) != len(pairs):
        raise AssertionError(f"{len(verdicts)} verdicts on {len(pairs)} answers")
    return verdicts


def _fails(numbers: range) -> list[str]:
    raise KeyError(numbers)


class Written(unittest.TestCase):
    train: list[str]
    test: list[str]
    samples: list[dict[str, Any]]
    prompts: list[dict[str, Any]]

    @classmethod
    def setUpClass(cls) -> None:
        cls.train, cls.test = lines(), lines("--split", "test", samples=2 * SAMPLES)
        cls.samples = [json.loads(line) for line in cls.train]
        cls.prompts = [json.loads(line) for line in cls.test]

    def test_has_the_shape_of_a_chat_request(self) -> None:
        for sample in self.samples:
            roles = [message["role"] for message in sample["messages"]]
            self.assertEqual(roles[-1], "assistant", sample)
            self.assertIn(sample["thinking_mode"], ("chat", "thinking"))
            for message in sample["messages"]:
                self.assertLessEqual(
                    set(message),
                    {"role", "content", "reasoning_content", "tool_calls", "tool_call_id", "tools", "task"},
                )
                self.assertIsInstance(message["content"], str)
                self.assertTrue(message["content"].strip() or message.get("tool_calls"), sample)
                if message["role"] == "assistant":
                    self.assertEqual("reasoning_content" in message, sample["thinking_mode"] == "thinking", sample)
                self.assertNotRegex(
                    message["content"] + message.get("reasoning_content", ""), r"\{(?:[a-z]+ )?[A-Za-z_]+\}", sample
                )

    def test_calls_fit_the_schemas_that_are_offered(self) -> None:
        calls = []
        for sample in self.samples + [
            prompt | {"messages": [*prompt["messages"], prompt["reference"]]} for prompt in self.prompts
        ]:
            offered = sample.get("tools", []) + [
                tool for message in sample["messages"] for tool in message.get("tools", [])
            ]
            schemas = {tool["function"]["name"]: tool["function"]["parameters"] for tool in offered}
            self.assertEqual(len(schemas), len(offered), sample)
            waiting: list[str] = []
            for message in sample["messages"]:
                if message["role"] == "tool":
                    self.assertEqual(message["tool_call_id"], waiting.pop(0))
                    continue
                self.assertEqual(waiting, [], sample)
                for call in message.get("tool_calls", []):
                    text = call["function"]["arguments"]
                    check = {
                        "kind": "json",
                        "expected": json.loads(text),
                        "schema": schemas[call["function"]["name"]],
                    }
                    calls.append((check, {"role": "assistant", "content": text}))
                    waiting.append(call["id"])
        self.assertGreater(len(calls), 200)
        for verdict, call in zip(passed(calls), calls):
            self.assertTrue(verdict, call)

    def test_reference_answers_pass_their_own_checks(self) -> None:
        kinds = {prompt["check"]["kind"] for prompt in self.prompts}
        verdicts = passed([(prompt["check"], prompt["reference"]) for prompt in self.prompts])
        for verdict, prompt in zip(verdicts, self.prompts):
            self.assertTrue(verdict, prompt)
        self.assertEqual(
            kinds, {"exact", "contains", "any_of", "number", "json", "unknown", "tool_call", "no_call", "asks", "read"}
        )

    def test_a_wrong_answer_fails(self) -> None:
        wrong = {"role": "assistant", "content": "zzz"}
        checked = [prompt for prompt in self.prompts if prompt["check"]["kind"] not in ("read", "no_call")]
        for verdict, prompt in zip(passed([(prompt["check"], wrong) for prompt in checked]), checked):
            self.assertFalse(verdict, prompt)

    def test_the_answer_to_another_prompt_fails_as_a_rule(self) -> None:
        """Checks that let everything pass would score every model well."""
        kinds = ("exact", "number", "json", "tool_call")
        checked = [prompt for prompt in self.prompts if prompt["check"]["kind"] in kinds]
        verdicts = passed(
            [(one["check"], other["reference"]) for one, other in zip(checked, checked[1:] + checked[:1])]
        )
        self.assertGreater(len(checked), 300)
        self.assertLess(sum(verdicts), 0.05 * len(verdicts))

    def test_the_split_holds_values_out(self) -> None:
        drawn = {tuple(pair) for sample in self.samples for pair in sample["slots"]}
        held_out = {tuple(pair) for prompt in self.prompts for pair in prompt["slots"]}
        kinds = {"girl": "name", "boy": "name"}
        self.assertEqual(
            {(kinds.get(kind, kind), value) for kind, value in drawn}
            & {(kinds.get(kind, kind), value) for kind, value in held_out},
            set(),
        )
        self.assertGreater(len(drawn), 1500)

    def test_held_out_names_and_cities_are_nowhere_in_the_training_text(self) -> None:
        for kind in ("name", "surname", "city", "tool_noun"):
            values = [value for value in slots.values(kind, True)]
            pattern = re.compile(r"(?<![\w.])(" + "|".join(map(re.escape, values)) + r")(?!\w)")
            for line in self.train:
                sample = json.loads(line)
                if kind == "tool_noun":
                    text = " ".join(tool["function"]["name"] for tool in sample.get("tools", []))
                elif kind == "city" and sample["family"] in (*_WITH_FACTS, "tools"):
                    continue  # a capital or a state's capital may be one of them: those are facts, not slots
                else:
                    text = " ".join(
                        message["content"] + message.get("reasoning_content", "") for message in sample["messages"]
                    )
                found = pattern.search(text)
                self.assertTrue(found is None or sample["family"] in _WITH_FACTS, (kind, found, sample))

    def test_one_seed_gives_the_same_bytes_whatever_the_processes(self) -> None:
        self.assertEqual(lines(samples=600), self.train[:600])
        self.assertEqual(lines("--jobs", "3", samples=600), self.train[:600])
        self.assertNotEqual(lines("--seed", "2", samples=50), self.train[:50])

    def test_processes_end_when_a_limit_is_met(self) -> None:
        """Big blocks are waiting in every pipe when the limit in bytes ends the run: nobody may wait for anybody."""
        for seed in range(4):
            run = subprocess.run(
                [
                    sys.executable,
                    str(ROOT / "tools" / "dialogues"),
                    "--jobs",
                    "16",
                    "--megabytes",
                    "1",
                    "--longest",
                    "900",
                ]
                + ["--seed", f"limit {seed}"],
                capture_output=True,
                timeout=120,
                check=True,
            )
            self.assertGreaterEqual(len(run.stdout), 1_000_000)
            self.assertLess(len(run.stdout), 1_100_000)

    def test_a_process_that_fails_is_an_error(self) -> None:
        with contextlib.redirect_stderr(io.StringIO()), self.assertRaisesRegex(RuntimeError, r"\[workers\]"):
            list(workers.in_order(partial(_fails), 1000, 3))

    def test_what_cannot_be_drawn_is_an_error(self) -> None:
        with self.assertRaisesRegex(ValueError, r"\[draw\] a unicorn: found none"):
            Draw("1").until(lambda: None, "a unicorn")
        with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
            file.write((codecs.decode("shpx", "rot13") + " all of it. ") * 100)
            file.flush()
            with self.assertRaisesRegex(ValueError, r"prose without a word to avoid"):
                carrier.prose(Draw("1"), file.name, 400)

    def test_more_facts_than_a_kind_has_keys(self) -> None:
        """A kind whose keys are used up gives way to another: ten cities of the test split, forty facts."""
        for number in range(40):
            planting = recall.Planting(Draw(f"many/{number}", True), 40)
            self.assertGreaterEqual(len(planting.asked), 40)

    def test_samples_differ(self) -> None:
        self.assertGreater(len(set(self.train)) / len(self.train), 0.98)

    def test_fathom_renders_every_sample(self) -> None:
        program = os.environ.get("FATHOM_PROGRAM")
        if not program:
            self.skipTest("FATHOM_PROGRAM is not set")
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as file:
            file.writelines(self.train + self.test)
            file.flush()
            run = subprocess.run([program, "prompt", "--jsonl", file.name], capture_output=True, text=True, check=False)
        self.assertEqual(run.returncode, 0, run.stderr[-2000:])
        rendered = [json.loads(line) for line in run.stdout.splitlines()]
        self.assertEqual(len(rendered), len(self.train) + len(self.test))
        for sample, prompt in zip(self.samples, rendered):
            self.assertIn(sample["messages"][-1]["content"], prompt["prompt"])


class Sums(unittest.TestCase):
    def test_the_steps_of_a_sum_are_right(self) -> None:
        steps = 0
        for number in range(3000):
            exchange = numbers.exchange(Draw(f"sum/{number}"))
            for message in exchange.messages:
                for left, right in re.findall(
                    r"(?<![\w.:%-])((?:\d+(?:\.\d+)? [-+*/] )+\d+(?:\.\d+)?) = (-?\d+(?:\.\d+)?)(?![\d.]*\d)",
                    message.get("reasoning_content", "") + " " + message.get("plain", ""),
                ):
                    self.assertAlmostEqual(eval(left), float(right), msg=str(exchange))
                    steps += 1
        self.assertGreater(steps, 3000)

    def test_the_answers_of_sums_are_right(self) -> None:
        answers = []
        for number in range(3000):
            exchange = numbers.sum_of_two(Draw(f"two/{number}"))
            question, answer = (message["content"] for message in exchange.messages)
            found = re.search(r"(\d+) ?([-+*/x×÷:]|plus|minus|times|divided by) ?(\d+)", question)
            if not found or ", rest" in answer:
                continue
            a, sign, b = found.groups()
            sign = {
                "plus": "+",
                "minus": "-",
                "times": "*",
                "x": "*",
                "×": "*",
                "÷": "/",
                ":": "/",
                "divided by": "/",
            }.get(sign, sign)
            check = {"kind": "number", "expected": eval(f"{a}{sign}{b}")}
            answers.append((check, {"role": "assistant", "content": answer}))
        self.assertGreater(len(answers), 1000)
        for verdict, sum_and_answer in zip(passed(answers), answers):
            self.assertTrue(verdict, sum_and_answer)


class Code(unittest.TestCase):
    """What the functions are said to do and to print is what they do and print."""

    @staticmethod
    def shown(language: str) -> list[tuple[str, str]]:
        """Programs and what they are said to print: two calls of every function."""
        made = []
        for at, function in enumerate(code_functions.FUNCTIONS):
            for number in range(2):
                draw = Draw(f"code/{at}/{number}")
                one = code_talk.Written(draw, function)
                given = code_talk.arguments(draw, function)
                call = f"{one.named(language)}({', '.join(code_talk.literal(each, language) for each in given)})"
                said = code_talk.printed(function.run(*given), language)
                made.append(
                    (f"{one.code(language)}\n" + {"python": "print(%s)"}.get(language, "console.log(%s);") % call, said)
                )
        return made

    def test_python_prints_what_is_said(self) -> None:
        for code, said in self.shown("python"):
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                exec(code, {})  # our own code
            self.assertEqual(out.getvalue().strip(), said, code)

    @unittest.skipUnless(shutil.which("node"), "no node on this machine")
    def test_javascript_prints_what_is_said(self) -> None:
        shown = self.shown("javascript")
        program = "\n".join("{\n%s\n}" % code for code, _ in shown)
        run = subprocess.run(["node", "-"], input=program, capture_output=True, text=True, check=True)
        self.assertEqual(run.stdout.splitlines(), [said for _, said in shown])

    @unittest.skipUnless(shutil.which("c++"), "no C++ compiler on this machine")
    def test_cpp_gives_what_is_said(self) -> None:
        parts, checks = [], []
        for at, function in enumerate(code_functions.FUNCTIONS):
            draw = Draw(f"code/{at}")
            one, given = code_talk.Written(draw, function), code_talk.arguments(draw, function)
            parts.append(f"namespace f{at} {{\n{one.code('cpp')}\n}}")
            call = f"f{at}::{one.name}({', '.join(code_talk.literal(each, 'cpp') for each in given)})"
            kind = code_talk._TYPES[function.gives]
            checks.append(f"if ({call} != {kind}({code_talk.literal(function.run(*given), 'cpp')})) return {at + 1};")
        heads = "".join(f"#include <{name}>\n" for name in ("algorithm", "cctype", "numeric", "string", "vector"))
        program = heads + "\n".join(parts) + "\nint main() {\n" + "\n".join(checks) + "\n}\n"
        with tempfile.TemporaryDirectory() as folder:
            made = Path(folder) / "functions"
            compiled = subprocess.run(
                ["c++", "-std=c++17", "-x", "c++", "-", "-o", str(made)],
                input=program,
                capture_output=True,
                text=True,
                check=False,
            )
            self.assertEqual(compiled.returncode, 0, compiled.stderr[:2000])
            self.assertEqual(subprocess.run([made], check=False).returncode, 0)


class OpenBook(unittest.TestCase):
    def test_answers_stand_in_the_text(self) -> None:
        for number in range(300):
            exchange = open_book.exchange(Draw(f"page/{number}"), recall.Reach())
            text = " ".join(exchange.messages[0]["content"].split())
            for _, check in exchange.checks:
                answer = check["expected"][0]
                self.assertTrue(check["kind"] != "contains" or answer == "yes" or answer in text, exchange)


class Packages(unittest.TestCase):
    def test_questions_on_packages_hold_to_the_file(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "packages.txt"
            words = [f"tool{number}-{name.lower()}" for number, name in enumerate(slots.values("name", False))]
            file.write_text(
                "\n\n".join(
                    f"{word}: shows the {word} of a machine\n\nThis program shows {word}. "
                    + "It has a window and a help page, and it can be told to be quiet. " * 2
                    for word in words
                )
                + "\n\ncaryatid: a supporting column\n\ncase: a portable container\n",
                encoding="utf-8",
            )
            found = {package.name for package in packages.packages(str(file))}
            self.assertEqual(found, set(words))
            for split in ("train", "test"):
                made = lines("--packages", str(file), "--families", "packages", "--split", split, samples=200)
                for line in made:
                    sample = json.loads(line)
                    names = {value for kind, value in sample["slots"] if kind == "package"}
                    self.assertTrue(names)
                    self.assertEqual({is_held_out("package", name) for name in names}, {split == "test"})
                    if split == "test":
                        self.assertEqual(passed([(sample["check"], sample["reference"])]), [True], sample)
            file.write_text("nothing here\n", encoding="utf-8")
            packages.packages.cache_clear()
            with self.assertRaisesRegex(ValueError, "found 0 packages"):
                packages.packages(str(file))


class Variety(unittest.TestCase):
    def test_there_is_as_much_as_was_promised(self) -> None:
        self.assertGreaterEqual(len(plots()), 60)
        self.assertGreaterEqual(len(RECORDS), 30)
        self.assertGreaterEqual(len(tool_talk.KNOWN_TOOLS), 40)
        self.assertGreaterEqual(small_talk.exchanges_known(), 800)
        self.assertEqual(
            {tool.name for tool in tool_talk.REAL_TOOLS},
            {"define_word", "calculator", "convert_units", "country", "date"},
        )

    def test_questions_have_many_wordings(self) -> None:
        """Two hundred different openings in a thousand questions, once names and numbers are blotted out."""
        for make in (
            story_talk.exchange,
            json_talk.exchange,
            words.exchange,
            numbers.exchange,
            tool_talk.exchange,
            small_talk.exchange,
            direct.exchange,
            code_talk.exchange,
        ):
            openings = set()
            for number in range(1000):
                question = make(Draw(f"wording/{number}")).messages[0]["content"]
                openings.add(" ".join(re.sub(r"\d+|\b[A-Z]\w+", "#", question).split()[:5]))
            self.assertGreaterEqual(len(openings), 200, make.__module__)

    def test_recall_reaches_as_far_as_asked(self) -> None:
        reach = recall.Reach("", 2000, 4000)
        distances = [recall.long_text(Draw(f"far/{number}", True), reach).note["tokens"] for number in range(20)]
        self.assertGreater(min(distances), 1900)
        self.assertLess(max(distances), 5000)


class FactGroups(unittest.TestCase):
    def test_facts_of_a_group_cannot_be_taken_for_each_other(self) -> None:
        lines = [fact_line("groups", True, number) for number in range(500)]
        self.assertEqual(lines, [fact_line("groups", True, number) for number in range(500)])
        self.assertNotEqual(lines[:50], [fact_line("groups", False, number) for number in range(50)])
        answers, others = [], []
        for facts in (json.loads(line)["facts"] for line in lines):
            self.assertEqual(len(facts), FACTS)
            self.assertEqual(len({fact["question"] for fact in facts}), FACTS)
            for fact in facts:
                answers.append((fact["check"], {"content": fact["sentence"]}))
                others += [(fact["check"], {"content": other["sentence"]}) for other in facts if other is not fact]
        self.assertTrue(all(passed(answers)))
        self.assertLess(sum(passed(others)), 0.01 * len(others))


class Grammar(unittest.TestCase):
    def test_choices_slots_and_dress(self) -> None:
        phrase = Phrase("[a|b[c|d]] {x}: {a x}, {A x}, {many x}, {X} \\[")
        self.assertEqual(phrase.wordings(), 3)
        said = {phrase.write(Draw(str(seed)).rng, {"x": "apple"}) for seed in range(40)}
        self.assertEqual(said, {f"{head} apple: an apple, An apple, apples, Apple [" for head in ("a", "bc", "bd")})

    def test_an_open_choice_is_refused(self) -> None:
        with self.assertRaisesRegex(ValueError, r"\[grammar\]"):
            Phrase("[a|b")


if __name__ == "__main__":
    unittest.main()
