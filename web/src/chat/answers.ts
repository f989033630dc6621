// Answers that are being written. They go on while another conversation is looked at, and are saved as they come.
import { find_models, model_of, served } from "../api/models";
import { ApiError } from "../api/connection";
import { stream_chat } from "../api/stream";
import { Observable } from "../base/observable";
import { text } from "../language/text";
import { put_message } from "../store/database";
import { write_journal } from "../store/journal";
import { add_message, choose_sibling, show_message, tree_of } from "../store/library";
import { settings } from "../store/settings";
import { listen, tell, this_tab } from "../store/tabs";
import { new_id, path_to, type Message } from "../store/tree";
import { run_built_in } from "./built_in_tools";
import { elsewhere, nobody_else_writes } from "./elsewhere";
import { chat_request } from "./request";
import { Writing } from "./writing";

const kMostRounds = 8; // of calls that the page answers by itself, one behind the other

const kTellEvery = 100; // milliseconds, to other tabs
const kBeat = 20_000; // an answer that waits is told of too

interface Running {
  abort: AbortController;
  writing: Writing;
  yields: boolean; // another tab writes the same answer
}

export const running = new Observable<ReadonlyMap<string, Running>>(new Map());

const written_here = (): Message[] => [...running.get().values()].map((each) => each.writing.message);

addEventListener("pagehide", () => {
  write_journal(written_here());
  for (const message of written_here()) tell({ kind: "message", message: { ...message, state: "interrupted" } });
});

export const is_written = (message: string): boolean => running.get().has(message) || elsewhere.get().has(message);

export const is_running = (conversation: string): boolean =>
  written_here().some((message) => message.conversation === conversation) ||
  [...elsewhere.get().values()].includes(conversation);

function stop_here(conversation: string): void {
  for (const { abort, writing } of running.get().values())
    if (writing.message.conversation === conversation) abort.abort();
}

export function stop(conversation: string): void {
  stop_here(conversation);
  tell({ kind: "stop", conversation });
}

const tell_all = (): void => written_here().forEach((message) => tell({ kind: "message", message }));

setInterval(tell_all, kBeat);

listen((news, from) => {
  if (news.kind === "who") tell_all();
  if (news.kind === "stop" || news.kind === "removed") stop_here(news.conversation);
  if (news.kind !== "message" || news.message.state !== "streaming") return;
  // Two tabs went on with one answer at the same moment.
  const here = running.get().get(news.message.id);
  if (here && from < this_tab) {
    here.yields = true;
    here.abort.abort();
  }
});

// Shows at most once a frame, and writes as soon as the last write is done: what was received is on disk within
// milliseconds, however fast it comes.
class Keeper {
  #shown = false;
  #busy = false;
  #pending: Message | null = null;
  #told = 0;

  keep(message: Message): void {
    this.#pending = message;
    if (performance.now() - this.#told >= kTellEvery) {
      this.#told = performance.now();
      tell({ kind: "message", message });
    }
    if (!this.#shown) {
      this.#shown = true;
      const show = () => {
        if (!this.#shown) return;
        this.#shown = false;
        if (this.#pending) show_message(this.#pending);
      };
      // A page in the background has no frames.
      if (document.hidden) setTimeout(show, 100);
      else requestAnimationFrame(show);
    }
    void this.#write();
  }

  async #write(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    for (let written: Message | null = null; this.#pending && this.#pending !== written; ) {
      written = this.#pending;
      await put_message(written).catch(() => undefined);
    }
    this.#busy = false;
  }

  async end(message: Message): Promise<void> {
    this.#shown = false;
    this.#pending = message;
    show_message(message);
    await put_message(message);
    tell({ kind: "message", message });
  }

  drop(): void {
    this.#shown = false;
    this.#pending = null;
  }
}

function set_running(id: string, one: Running | null): void {
  const next = new Map(running.get());
  if (one) next.set(id, one);
  else next.delete(id);
  running.set(next);
}

async function write(begun: Message, goes_on: boolean): Promise<Message> {
  const tree = tree_of(begun.conversation).get();
  const writing = new Writing(begun, performance.now());
  const abort = new AbortController();
  const keeper = new Keeper();
  const here: Running = { abort, writing, yields: false };
  set_running(begun.id, here); // before it is seen: an answer that nobody writes is an interrupted one
  if (goes_on) tell({ kind: "message", message: begun });
  else await add_message(begun);
  let state: Message["state"] = "failed";
  let fault = "";
  try {
    if (!served.get()?.models.length) await find_models();
    const model = model_of(begun.mode ?? "instant", served.get());
    if (!tree || !model) throw new Error(served.get()?.fault || text("mode_not_served"));
    const request = chat_request({
      model: model.id,
      effort: begun.effort ?? "off",
      conversation: tree.conversation,
      path: path_to(tree, begun.parent),
      goes_on: goes_on ? begun : null,
    });
    writing.message = { ...writing.message, model: model.id };
    for await (const chunk of stream_chat(request, abort.signal)) {
      writing.add(chunk, performance.now());
      keeper.keep(writing.message);
    }
    state = writing.message.finish === "insufficient_system_resource" ? "failed" : "done";
    if (state === "failed") fault = text("overloaded");
  } catch (problem) {
    // A page that goes away loses its connections first, and a server may vanish: what had come is worth going on from.
    const lost = problem instanceof ApiError && problem.status === 0 && writing.has_begun();
    state = abort.signal.aborted ? "stopped" : lost ? "interrupted" : "failed";
    if (state === "failed") fault = (problem as Error).message;
  }
  const message = writing.end(state, fault, performance.now());
  if (here.yields) keeper.drop();
  else {
    await keeper.end(message);
    nobody_else_writes(begun.id); // who wrote it too has yielded
  }
  set_running(begun.id, null);
  return message;
}

// Results of calls that the page can answer; true if all of them were.
async function answer_calls(answer: Message): Promise<string | null> {
  let parent = answer.id;
  for (const call of answer.calls ?? []) {
    const result = run_built_in(call.function.name, call.function.arguments);
    if (result === null) return null;
    parent = await add_result(answer.conversation, parent, call.id, result);
  }
  return parent;
}

async function add_result(conversation: string, parent: string, call: string, content: string): Promise<string> {
  const message: Message = { id: new_id(), conversation, parent, created: Date.now(), role: "tool", content, call };
  await add_message(message);
  return message.id;
}

// A new answer below `parent`: the first, another one, or what follows a tool's result.
export async function answer(conversation: string, parent: string): Promise<void> {
  const { mode, effort } = settings.get();
  for (let round = 0, below: string | null = parent; below && round < kMostRounds; ++round) {
    const begun: Message = {
      id: new_id(),
      conversation,
      parent: below,
      created: Date.now(),
      role: "assistant",
      content: "",
      mode,
      effort,
      state: "streaming",
    };
    const done = await write(begun, false);
    below = done.state === "done" && done.calls?.length ? await answer_calls(done) : null;
  }
}

export async function say(
  conversation: string, parent: string | null, content: string, attachments: Message["attachments"]): Promise<void> {
  const message: Message = {
    id: new_id(),
    conversation,
    parent,
    created: Date.now(),
    role: "user",
    content,
    ...(attachments?.length ? { attachments } : {}),
  };
  await add_message(message);
  await answer(conversation, message.id);
}

// An answer that was stopped, cut off or interrupted goes on from where it is.
export async function go_on(message: Message): Promise<void> {
  choose_sibling(message);
  await write({ ...message, state: "streaming", fault: undefined, finish: undefined }, true);
}

// Results that a user gave to the calls of an answer, in their order.
export async function give_results(message: Message, results: string[]): Promise<void> {
  let parent = message.id;
  for (const [index, call] of (message.calls ?? []).entries())
    parent = await add_result(message.conversation, parent, call.id, results[index] ?? "");
  await answer(message.conversation, parent);
}
