// The raw APIs by hand: what is sent, and what comes back.
import { useEffect, useRef, useState } from "preact/hooks";
import { served } from "../api/models";
import { stream_chat, stream_completion } from "../api/stream";
import type { ChatRequest, TokenProbability } from "../api/types";
import { use_value } from "../base/observable";
import { Choice } from "../components/choice";
import { CopyButton } from "../components/copy_button";
import { text } from "../language/text";
import type { Effort } from "../store/settings";
import { body_of, curl_of, experiments, first_fields, type Fields, type Kind } from "./experiment";
import { Prompt, show_prompt, type ShownPrompt } from "./prompt";
import { Tokens } from "./tokens";

const kEfforts: Effort[] = ["off", "high", "max"];

interface Outcome {
  prompt: ShownPrompt | null; // in an answer's place
  content: string;
  tokens: TokenProbability[];
  finish: string;
  fault: string;
}

const kNothing: Outcome = { prompt: null, content: "", tokens: [], finish: "", fault: "" };

async function run(kind: Kind, body: Record<string, unknown>, signal: AbortSignal, show: (outcome: Outcome) => void) {
  let outcome = kNothing;
  try {
    if (kind === "fill") {
      for await (const { choices } of stream_completion(body, signal))
        for (const choice of choices)
          show((outcome = { ...outcome, content: outcome.content + choice.text, finish: choice.finish_reason ?? "" }));
      return;
    }
    for await (const { choices } of stream_chat(body as unknown as ChatRequest, signal))
      for (const { delta, logprobs, finish_reason } of choices)
        show((outcome = {
          ...outcome,
          content: outcome.content + (delta.content ?? ""),
          tokens: [...outcome.tokens, ...(logprobs?.content ?? [])],
          finish: finish_reason ?? "",
        }));
  } catch (fault) {
    if (!signal.aborted) show({ ...outcome, fault: (fault as Error).message });
  }
}

async function show(
  path: string, body: Record<string, unknown>, signal: AbortSignal, tell: (outcome: Outcome) => void) {
  try {
    tell({ ...kNothing, prompt: await show_prompt(path, body, signal) });
  } catch (fault) {
    if (!signal.aborted) tell({ ...kNothing, fault: (fault as Error).message });
  }
}

function Area({ label, value, rows, code, change }: {
  label: string; value: string; rows: number; code?: boolean; change: (value: string) => void;
}) {
  return (
    <label class="field">
      <span>{label}</span>
      <textarea rows={rows} class={code ? "code-field" : undefined} spellcheck={!code} value={value}
        onInput={(event) => change(event.currentTarget.value)} />
    </label>
  );
}

function Inputs({ kind, fields, set }: { kind: Kind; fields: Fields; set: (changes: Partial<Fields>) => void }) {
  return (
    <>
      {kind === "fill" && (
        <>
          <Area label={text("play_before")} value={fields.before} rows={5} code change={(before) => set({ before })} />
          <Area label={text("play_after")} value={fields.after} rows={4} code change={(after) => set({ after })} />
        </>
      )}
      {kind !== "fill" && kind !== "prompt" && (
        <Area label={text("question")} value={fields.question} rows={3} change={(question) => set({ question })} />
      )}
      {kind === "prefix" && (
        <Area label={text("play_begin")} value={fields.begin} rows={3} change={(begin) => set({ begin })} />
      )}
      {kind === "json" && (
        <Area label={text("play_schema")} value={fields.schema} rows={12} code change={(schema) => set({ schema })} />
      )}
      {kind === "prompt" && (
        <>
          <Area label={text("play_messages")} value={fields.messages} rows={9} code
            change={(messages) => set({ messages })} />
          <Area label={text("play_tools")} value={fields.tools} rows={9} code change={(tools) => set({ tools })} />
          <Choice label={text("thinking")} value={fields.effort} choose={(effort) => set({ effort })}
            options={kEfforts.map((value) => ({ value, label: text(`effort_${value}`) }))} />
        </>
      )}
    </>
  );
}

function Sampling({ fields, set }: { fields: Fields; set: (changes: Partial<Fields>) => void }) {
  return (
    <>
      <label class="field">
        <span>{text("play_max_tokens")}</span>
        <input type="number" min={1} max={4096} value={fields.max_tokens}
          onInput={(event) => set({ max_tokens: Number(event.currentTarget.value) })} />
      </label>
      <label class="field">
        <span>{text("play_temperature")}</span>
        <input type="number" min={0} max={2} step={0.1} value={fields.temperature}
          onInput={(event) => set({ temperature: Number(event.currentTarget.value) })} />
      </label>
      <label class="field">
        <span>{text("play_seed")}</span>
        <input inputMode="numeric" value={fields.seed} onInput={(event) => set({ seed: event.currentTarget.value })} />
      </label>
    </>
  );
}

function Result({ kind, fields, outcome, done }: { kind: Kind; fields: Fields; outcome: Outcome; done: boolean }) {
  if (outcome.fault) return <p class="fault" role="alert">{outcome.fault}</p>;
  if (outcome.prompt) return <Prompt shown={outcome.prompt} />;
  if (!outcome.content && outcome.tokens.length === 0) return <p class="empty">{text("play_no_answer")}</p>;
  if (kind === "probabilities") return <Tokens tokens={outcome.tokens} />;
  if (kind === "json") {
    let shown = outcome.content;
    let whole = false;
    try {
      shown = JSON.stringify(JSON.parse(outcome.content), null, 2);
      whole = true;
    } catch {
      // Still being written, or cut off.
    }
    return (
      <>
        <pre class="outcome" tabIndex={0}>{shown}</pre>
        {done && !whole && <p class="fault">{text("play_not_json")}</p>}
      </>
    );
  }
  const around = kind === "fill" ? [fields.before, fields.after] : [fields.begin, ""];
  return (
    <pre class="outcome" tabIndex={0}>
      <span class="given">{around[0]}</span>
      <mark>{outcome.content}</mark>
      <span class="given">{around[1]}</span>
    </pre>
  );
}

export function Playground() {
  const all = use_value(served);
  const [kind, set_kind] = useState<Kind>("fill");
  const [model, set_model] = useState("");
  const [fields, set_fields] = useState(first_fields);
  const [outcome, set_outcome] = useState(kNothing);
  const [busy, set_busy] = useState(false);
  const abort = useRef<AbortController | null>(null);
  const experiment = experiments.find((each) => each.kind === kind);
  const chosen = model || all?.models[0]?.id || "";
  const set = (changes: Partial<Fields>) => set_fields({ ...fields, ...changes });

  useEffect(() => {
    document.title = `${text("playground")} · fathom`;
    return () => abort.current?.abort();
  }, []);

  let body: Record<string, unknown> | null = null;
  let fault = "";
  try {
    body = body_of(kind, chosen, fields);
  } catch (problem) {
    fault = (problem as Error).message;
  }
  const start = async (only_prompt: boolean) => {
    if (busy) return abort.current?.abort();
    if (!body || !experiment) return;
    abort.current = new AbortController();
    const { signal } = abort.current;
    set_busy(true);
    set_outcome(kNothing);
    if (only_prompt) await show(experiment.path, body, signal, set_outcome);
    else await run(kind, body, signal, set_outcome);
    set_busy(false);
  };

  return (
    <main id="main" class="room" tabIndex={-1}>
      <header class="room-header">
        <h1>{text("playground")}</h1>
      </header>
      <div class="scroll playground">
        <Choice label={text("playground")} value={kind} options={experiments.map((each) => ({ value: each.kind, label: text(each.name) }))}
          choose={(each) => {
            abort.current?.abort();
            set_kind(each);
            set_outcome(kNothing);
          }} />
        {experiment && <p class="quiet">{text(experiment.hint)}</p>}
        <div class="columns">
          <form onSubmit={(event) => {
            event.preventDefault();
            void start(kind === "prompt");
          }}>
            <Inputs kind={kind} fields={fields} set={set} />
            {fault && <p class="fault" role="status">{fault}</p>}
            <div class="numbers">
              <label class="field">
                <span>{text("play_model")}</span>
                <select value={chosen} onChange={(event) => set_model(event.currentTarget.value)}>
                  {all?.models.map((each) => <option key={each.id}>{each.id}</option>)}
                </select>
              </label>
              {kind !== "prompt" && <Sampling fields={fields} set={set} />}
            </div>
            <div class="actions">
              {kind !== "prompt" && (
                <button type="button" disabled={!body || busy} onClick={() => void start(true)}>
                  {text("play_show_prompt")}
                </button>
              )}
              <button class="primary" disabled={!body && !busy}>
                {text(busy ? "stop" : kind === "prompt" ? "play_show_prompt" : "play_run")}
              </button>
            </div>
          </form>
          <section aria-label={text("answer")} aria-busy={busy}>
            <Result kind={kind} fields={fields} outcome={outcome} done={!busy} />
            {body && experiment && (
              <details>
                <summary>{text("play_request")}</summary>
                <figure class="code">
                  <figcaption>
                    <span>POST /{experiment.path}</span>
                    <CopyButton content={curl_of(experiment.path, body)} label="curl" />
                  </figcaption>
                  <pre tabIndex={0}>{JSON.stringify(body, null, 2)}</pre>
                </figure>
              </details>
            )}
          </section>
        </div>
      </div>
    </main>
  );
}
