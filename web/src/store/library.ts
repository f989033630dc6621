// The conversations of this browser: their list, and the tree of each that is open.
import { Observable } from "../base/observable";
import * as database from "./database";
import { replay_journal } from "./journal";
import { new_conversation, type Conversation, type Message, type Tree } from "./tree";

export const conversations = new Observable<Conversation[]>([]);
export const is_loaded = new Observable(false);

const trees = new Map<string, Observable<Tree | null>>();

function sort_into_list(conversation: Conversation): void {
  const others = conversations.get().filter((each) => each.id !== conversation.id);
  conversations.set([conversation, ...others].sort((a, b) => b.updated - a.updated));
}

export async function load_library(): Promise<void> {
  await replay_journal();
  conversations.set((await database.all_conversations()).sort((a, b) => b.updated - a.updated));
  is_loaded.set(true);
}

// The tree of a conversation, null until it is read or where there is none.
export function tree_of(id: string): Observable<Tree | null> {
  const known = trees.get(id);
  if (known) return known;
  const tree = new Observable<Tree | null>(null);
  trees.set(id, tree);
  const conversation = conversations.get().find((each) => each.id === id);
  if (conversation)
    void database.messages_of(id).then((messages) => {
      tree.set({ conversation, messages: new Map(messages.map((message) => [message.id, message])) });
    });
  return tree;
}

export async function begin_conversation(system: string, changes: Partial<Conversation> = {}): Promise<Tree> {
  const conversation = { ...new_conversation(system), ...changes };
  const tree = { conversation, messages: new Map<string, Message>() };
  trees.set(conversation.id, new Observable<Tree | null>(tree));
  sort_into_list(conversation);
  await database.put_conversation(conversation);
  return tree;
}

export function change_conversation(id: string, changes: Partial<Conversation>): void {
  const known = conversations.get().find((each) => each.id === id);
  if (!known) return;
  const conversation = { ...known, ...changes };
  const tree = trees.get(id);
  const held = tree?.get();
  if (tree && held) tree.set({ ...held, conversation });
  sort_into_list(conversation);
  void database.put_conversation(conversation);
}

// Shows a message in the tree, without writing it.
export function show_message(message: Message): void {
  const tree = trees.get(message.conversation);
  const held = tree?.get();
  if (!tree || !held) return;
  tree.set({ ...held, messages: new Map(held.messages).set(message.id, message) });
}

export async function add_message(message: Message): Promise<void> {
  show_message(message);
  const conversation = conversations.get().find((each) => each.id === message.conversation);
  if (conversation)
    change_conversation(conversation.id, {
      updated: Date.now(),
      chosen: { ...conversation.chosen, [message.parent ?? ""]: message.id },
    });
  await database.put_message(message);
}

export function choose_sibling(message: Message): void {
  const conversation = conversations.get().find((each) => each.id === message.conversation);
  if (conversation)
    change_conversation(conversation.id, { chosen: { ...conversation.chosen, [message.parent ?? ""]: message.id } });
}

export async function remove(id: string): Promise<void> {
  conversations.set(conversations.get().filter((each) => each.id !== id));
  trees.delete(id);
  await database.remove_conversation(id);
}

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
