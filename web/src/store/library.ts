// The conversations of this browser: their list, and the tree of each that is open.
import { Observable } from "../base/observable";
import * as database from "./database";
import { replay_journal } from "./journal";
import { listen, tell } from "./tabs";
import { new_conversation, type Conversation, type Message, type Tree } from "./tree";

export const conversations = new Observable<Conversation[]>([]);
export const is_loaded = new Observable(false);

const trees = new Map<string, Observable<Tree | null>>();

// News of other tabs that came while a tree was read, by its conversation and the message.
const news_of = new Map<string, Map<string, Message>>();

// Their ids do not come back: what is still told or read of them is late.
const removed = new Set<string>();

// The newest change of a conversation that is not written yet.
const change_of = new Map<string, (before: Conversation) => Conversation>();

function sort_into_list(conversation: Conversation): void {
  const others = conversations.get().filter((each) => each.id !== conversation.id);
  conversations.set([conversation, ...others].sort((a, b) => b.updated - a.updated));
}

// In the list and in its tree, without writing it.
function show_conversation(conversation: Conversation): void {
  if (removed.has(conversation.id)) return;
  const tree = trees.get(conversation.id);
  const held = tree?.get();
  if (tree && held) tree.set({ ...held, conversation });
  else if (!news_of.has(conversation.id)) trees.delete(conversation.id); // it was asked for before there was one
  sort_into_list(conversation);
}

const is_known = (id: string): boolean => conversations.get().some((each) => each.id === id);

// What was begun, changed, told of or removed while it was read is newer than what was read.
async function read_list(): Promise<void> {
  const read = (await database.all_conversations()).filter((each) => !removed.has(each.id) && !is_known(each.id));
  conversations.set([...read, ...conversations.get()].sort((a, b) => b.updated - a.updated));
}

export async function load_library(): Promise<void> {
  await replay_journal();
  await read_list();
  is_loaded.set(true);
  tell({ kind: "who" });
}

// The tree of a conversation, null until it is read or where there is none.
export function tree_of(id: string): Observable<Tree | null> {
  const known = trees.get(id);
  if (known) return known;
  const tree = new Observable<Tree | null>(null);
  trees.set(id, tree);
  if (is_known(id)) {
    const news = new Map<string, Message>();
    news_of.set(id, news);
    void database.messages_of(id).then((messages) => {
      news_of.delete(id);
      const conversation = conversations.get().find((each) => each.id === id);
      if (conversation)
        tree.set({ conversation, messages: new Map([...messages.map((each) => [each.id, each] as const), ...news]) });
    });
  }
  return tree;
}

export async function begin_conversation(system: string, changes: Partial<Conversation> = {}): Promise<Tree> {
  const conversation = { ...new_conversation(system), ...changes };
  const tree = { conversation, messages: new Map<string, Message>() };
  trees.set(conversation.id, new Observable<Tree | null>(tree));
  sort_into_list(conversation);
  await database.put_conversation(conversation);
  tell({ kind: "conversation", conversation });
  return tree;
}

export function change_conversation(id: string, changes: Partial<Conversation>): void {
  const known = conversations.get().find((each) => each.id === id);
  if (!known) return;
  // Another tab may have chosen other branches since.
  const changed = (before: Conversation): Conversation =>
    ({ ...before, ...changes, chosen: { ...before.chosen, ...changes.chosen } });
  show_conversation(changed(known));
  change_of.set(id, changed);
  void database.update_conversation(id, changed).then((conversation) => {
    const is_newest = change_of.get(id) === changed;
    if (is_newest) change_of.delete(id);
    if (!conversation) return;
    if (is_newest) show_conversation(conversation); // with what other tabs have changed
    tell({ kind: "conversation", conversation });
  });
}

// Shows a message in the tree, without writing it.
export function show_message(message: Message): void {
  news_of.get(message.conversation)?.set(message.id, message);
  const tree = trees.get(message.conversation);
  const held = tree?.get();
  if (!tree || !held) return;
  tree.set({ ...held, messages: new Map(held.messages).set(message.id, message) });
}

export async function add_message(message: Message): Promise<void> {
  show_message(message);
  tell({ kind: "message", message });
  change_conversation(message.conversation, { updated: Date.now(), chosen: { [message.parent ?? ""]: message.id } });
  await database.put_message(message);
}

export function choose_sibling(message: Message): void {
  change_conversation(message.conversation, { chosen: { [message.parent ?? ""]: message.id } });
}

function forget(id: string): void {
  removed.add(id);
  conversations.set(conversations.get().filter((each) => each.id !== id));
  trees.delete(id);
}

export async function remove(id: string): Promise<void> {
  forget(id);
  await database.remove_conversation(id);
  tell({ kind: "removed", conversation: id });
}

listen((news) => {
  if (news.kind === "message") show_message(news.message);
  if (news.kind === "conversation") show_conversation(news.conversation);
  if (news.kind === "removed") forget(news.conversation);
  if (news.kind === "imported") void read_list();
});

export interface Found {
  conversation: Conversation;
  excerpt: string;
}

// Conversations with these words in their title or in a message, newest first.
export async function search(words: string): Promise<Found[]> {
  const wanted = words.trim().toLowerCase();
  const excerpts = new Map<string, string>();
  await database.each_message((message) => {
    const at = excerpts.has(message.conversation) ? -1 : message.content.toLowerCase().indexOf(wanted);
    if (at >= 0) excerpts.set(message.conversation, message.content.slice(Math.max(0, at - 24), at + 72));
    return true;
  });
  return conversations
    .get()
    .filter((each) => excerpts.has(each.id) || each.title.toLowerCase().includes(wanted))
    .map((conversation) => ({ conversation, excerpt: excerpts.get(conversation.id) ?? "" }));
}
