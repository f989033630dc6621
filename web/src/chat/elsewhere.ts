// Answers that other tabs are writing. Their messages come by news and are kept by the tab that writes them.
import { Observable } from "../base/observable";
import { listen } from "../store/tabs";
import type { Message } from "../store/tree";

// A tab that ends says so, unless it is killed. One in the background may speak once a minute.
const kSilence = 150_000; // milliseconds
const kLook = 30_000;

// The conversation of each, by the message's id.
export const elsewhere = new Observable<ReadonlyMap<string, string>>(new Map());

const heard = new Map<string, number>(); // when, by the message's id

export function nobody_else_writes(id: string): void {
  heard.delete(id);
  if (!elsewhere.get().has(id)) return;
  elsewhere.set(new Map([...elsewhere.get()].filter(([each]) => each !== id)));
}

function is_written_by_another({ id, conversation }: Message): void {
  heard.set(id, performance.now());
  if (!elsewhere.get().has(id)) elsewhere.set(new Map(elsewhere.get()).set(id, conversation));
}

listen((news) => {
  if (news.kind !== "message") return;
  if (news.message.state === "streaming") is_written_by_another(news.message);
  else nobody_else_writes(news.message.id);
});

setInterval(() => {
  const now = performance.now();
  const alive = [...elsewhere.get()].filter(([id]) => now - (heard.get(id) ?? 0) < kSilence);
  if (alive.length < elsewhere.get().size) elsewhere.set(new Map(alive));
}, kLook);
