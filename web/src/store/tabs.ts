// What the tabs of this browser tell each other, so that all show the same and none writes over another's messages.
import { new_id, type Conversation, type Message } from "./tree";

export type News =
  | { kind: "message"; message: Message } // as it is now; while it is streaming, the tab that tells it is writing it
  | { kind: "conversation"; conversation: Conversation }
  | { kind: "removed"; conversation: string }
  | { kind: "imported" }
  | { kind: "stop"; conversation: string } // to the tab that writes an answer in it
  | { kind: "who" }; // a tab has begun: those that write answers say so

export const this_tab = new_id();

const channel = new BroadcastChannel("fathom");

export const tell = (news: News): void => channel.postMessage({ from: this_tab, news });

export function listen(hear: (news: News, from: string) => void): void {
  channel.addEventListener("message", ({ data }: MessageEvent<{ from: string; news: News }>) =>
    hear(data.news, data.from));
}
