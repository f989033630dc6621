"""From exchanges to one sample in the shape that a chat request has."""
from __future__ import annotations

from typing import Any

from dialogues.draw import Draw
from dialogues.exchange import Exchange, Message
from dialogues.system import system_text

Sample = dict[str, Any]
THINKING_SHARE = 0.4
SYSTEM_SHARE = 0.45


def _settle(message: Message, thinking: bool) -> Message:
    """An assistant message as the mode has it: with its reasoning, or without and with the steps in the answer."""
    if message["role"] != "assistant":
        return message
    plain = message.pop("plain", "")
    if not thinking:
        del message["reasoning_content"]
        if plain:
            message["content"] = plain
    return message


def _unique_calls(messages: list[Message]) -> None:
    """Numbers the calls of a dialogue through, since exchanges know nothing of each other."""
    calls = 0
    open_calls: list[str] = []
    for message in messages:
        for call in message.get("tool_calls", ()):
            call["id"] = f"call_{calls}"
            open_calls.append(call["id"])
            calls += 1
        if message["role"] == "tool":
            message["tool_call_id"] = open_calls.pop(0)


def build_sample(draw: Draw, family: str, exchanges: list[Exchange]) -> Sample:
    wished = [exchange.thinking for exchange in exchanges if exchange.thinking is not None]
    thinking = wished[0] if wished else draw.chance(THINKING_SHARE)
    messages: list[Message] = []
    checks = []
    tools: list[Any] = []
    for exchange in exchanges:
        checks = [(len(messages) + at, check) for at, check in exchange.checks]
        messages += [_settle(message, thinking) for message in exchange.messages]
        names = {tool["function"]["name"] for tool in tools}
        tools += [tool for tool in exchange.tools if tool["function"]["name"] not in names]
    _unique_calls(messages)
    wanted = [exchange.system for exchange in exchanges if exchange.system]
    system = system_text(draw, wanted) if wanted or draw.chance(SYSTEM_SHARE) else ""
    sample: Sample = {"messages": messages, "thinking_mode": "thinking" if thinking else "chat", "family": family}
    if system:
        messages.insert(0, {"role": "system", "content": system})
        checks = [(at + 1, check) for at, check in checks]
    if tools:
        if system and draw.chance(0.5):
            messages[0]["tools"] = tools
        else:
            sample["tools"] = tools
    formats = [exchange.response_format for exchange in exchanges if exchange.response_format]
    if formats:
        sample["response_format"] = formats[0]
    if draw.test:
        _ask(draw, sample, checks, exchanges[-1].note)
    return sample


def _ask(draw: Draw, sample: Sample, checks: list[tuple[int, Any]], note: dict[str, Any]) -> None:
    """Makes a prompt of a whole sample: cut before an answer that can be checked, the answer kept beside it."""
    if not checks:
        at, check = len(sample["messages"]) - 1, {"kind": "read", "expected": None}
    else:
        at, check = draw.pick(checks)
    sample["reference"] = sample["messages"][at]
    del sample["messages"][at:]
    sample["check"] = check
    if note:
        sample["note"] = note
