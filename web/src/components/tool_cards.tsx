// Calls of tools: what was called with what, and what came back. What the page cannot answer, the user can.
import { useState } from "preact/hooks";
import { give_results } from "../chat/answers";
import { run_built_in } from "../chat/built_in_tools";
import type { ApiToolCall } from "../api/types";
import { text } from "../language/text";
import type { Message } from "../store/tree";
import { Icon } from "./icons";

function arguments_of(call: ApiToolCall): [string, string][] {
  try {
    const given = JSON.parse(call.function.arguments || "{}") as Record<string, unknown>;
    return Object.entries(given).map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)]);
  } catch {
    return call.function.arguments ? [["", call.function.arguments]] : []; // still being written
  }
}

function ToolCard({ call, result, given, give }: {
  call: ApiToolCall; result: Message | undefined; given: string; give: ((given: string) => void) | null;
}) {
  return (
    <section class="tool-card" aria-label={text("tool_call", call.function.name)}>
      <header>
        <Icon name="tool" />
        <strong>{call.function.name}</strong>
        <span class="quiet">{result ? text("tool_answered") : text("tool_waits")}</span>
      </header>
      <dl>
        {arguments_of(call).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {result && (
        <div class="result">
          <span class="quiet">{text("tool_result")}</span>
          <pre tabIndex={0}>{result.content}</pre>
        </div>
      )}
      {!result && give && (
        <label class="field">
          <span>{text("tool_result")}</span>
          <textarea rows={2} class="code-field" value={given} placeholder={text("tool_result_hint")}
            onInput={(event) => give(event.currentTarget.value)} />
        </label>
      )}
    </section>
  );
}

export function ToolCards({ message, results, can_answer }: { message: Message; results: Message[]; can_answer: boolean }) {
  const calls = message.calls ?? [];
  const [given, set_given] = useState<Record<string, string>>({});
  const result_of = (call: ApiToolCall) => results.find((each) => each.call === call.id);
  const open = can_answer && calls.some((call) => !result_of(call));
  const value_of = (call: ApiToolCall) =>
    given[call.id] ?? run_built_in(call.function.name, call.function.arguments) ?? "";
  return (
    <form class="tool-cards" onSubmit={(event) => {
      event.preventDefault();
      void give_results(message, calls.map((call) => result_of(call)?.content ?? value_of(call)));
    }}>
      {calls.map((call) => (
        <ToolCard key={call.id} call={call} result={result_of(call)} given={open ? value_of(call) : ""}
          give={open ? (content) => set_given({ ...given, [call.id]: content }) : null} />
      ))}
      {open && <button class="primary">{text("send_results")}</button>}
    </form>
  );
}
