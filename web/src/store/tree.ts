// A conversation is a tree: an edit or another answer is a sibling, and nothing is overwritten.
import type { ApiToolCall } from "../api/types";
import type { Effort } from "./settings";
import type { Mode } from "../api/models";

export interface Attachment {
  name: string;
  text: string;
}

export interface Figures {
  prompt: number;
  cached: number;
  output: number;
  reasoning: number;
  first_ms: number; // from the request to the first token
  total_ms: number;
}

export interface Message {
  id: string;
  conversation: string;
  parent: string | null;
  created: number;
  role: "user" | "assistant" | "tool";
  content: string;
  // Of users:
  attachments?: Attachment[];
  // Of answers:
  reasoning?: string;
  thinking_ms?: number;
  calls?: ApiToolCall[];
  model?: string;
  mode?: Mode;
  effort?: Effort;
  state?: "streaming" | "done" | "stopped" | "interrupted" | "failed"; // streaming, but by nobody: interrupted
  finish?: string; // the API's finish_reason
  fault?: string;
  figures?: Figures;
  // Of results:
  call?: string; // the call's id
}

export interface Conversation {
  id: string;
  title: string;
  created: number;
  updated: number;
  system: string;
  built_in_tools: boolean;
  tools: string; // the user's own, as JSON; empty: none
  chosen: Record<string, string>; // which child is shown, by the parent's id, "" for the first turn
}

export interface Tree {
  conversation: Conversation;
  messages: ReadonlyMap<string, Message>;
}

export const new_id = (): string => {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
};

export function new_conversation(system: string): Conversation {
  const now = Date.now();
  return { id: new_id(), title: "", created: now, updated: now, system, built_in_tools: false, tools: "", chosen: {} };
}

export function children_of(tree: Tree, parent: string | null): Message[] {
  const children = [...tree.messages.values()].filter((message) => message.parent === parent);
  return children.sort((a, b) => a.created - b.created || (a.id < b.id ? -1 : 1));
}

// From the first turn to the end of what is shown.
export function path_of(tree: Tree): Message[] {
  const by_parent = new Map<string, Message[]>();
  for (const message of tree.messages.values()) {
    const parent = message.parent ?? "";
    const known = by_parent.get(parent);
    if (known) known.push(message);
    else by_parent.set(parent, [message]);
  }
  const path: Message[] = [];
  for (let parent = ""; ; ) {
    const children = by_parent.get(parent);
    if (!children) return path;
    children.sort((a, b) => a.created - b.created || (a.id < b.id ? -1 : 1));
    const next = children.find((child) => child.id === tree.conversation.chosen[parent]) ?? children.at(-1);
    if (!next) return path;
    path.push(next);
    parent = next.id;
  }
}

export function path_to(tree: Tree, id: string | null): Message[] {
  const path: Message[] = [];
  for (let at = id; at; ) {
    const message = tree.messages.get(at);
    if (!message) break;
    path.unshift(message);
    at = message.parent;
  }
  return path;
}
