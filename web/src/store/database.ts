// Conversations in the browser's IndexedDB: one record a conversation, one a message.
import type { Conversation, Message } from "./tree";

const kConversations = "conversations";
const kMessages = "messages";

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

let opened: Promise<IDBDatabase> | null = null;

function database(): Promise<IDBDatabase> {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open("fathom", 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore(kConversations, { keyPath: "id" });
      request.result.createObjectStore(kMessages, { keyPath: "id" }).createIndex("conversation", "conversation");
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  return opened;
}

async function change(act: (conversations: IDBObjectStore, messages: IDBObjectStore) => void): Promise<void> {
  const transaction = (await database()).transaction([kConversations, kMessages], "readwrite");
  act(transaction.objectStore(kConversations), transaction.objectStore(kMessages));
  await new Promise<void>((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
}

export async function all_conversations(): Promise<Conversation[]> {
  const store = (await database()).transaction(kConversations).objectStore(kConversations);
  return settled(store.getAll() as IDBRequest<Conversation[]>);
}

export async function messages_of(conversation: string): Promise<Message[]> {
  const store = (await database()).transaction(kMessages).objectStore(kMessages);
  return settled(store.index("conversation").getAll(conversation) as IDBRequest<Message[]>);
}

export const put_conversation = (conversation: Conversation): Promise<void> =>
  change((conversations) => conversations.put(conversation));

// Changes what is there now, whoever wrote it; nothing where it was removed.
export async function update_conversation(
  id: string, changed: (known: Conversation) => Conversation): Promise<Conversation | undefined> {
  let written: Conversation | undefined;
  await change((conversations) => {
    const reading = conversations.get(id) as IDBRequest<Conversation | undefined>;
    reading.onsuccess = () => {
      written = reading.result && changed(reading.result);
      if (written) conversations.put(written);
    };
  });
  return written;
}

// Nothing where its conversation was removed, by whichever tab.
export const put_message = (message: Message): Promise<void> =>
  change((conversations, messages) => {
    const finding = conversations.getKey(message.conversation);
    finding.onsuccess = () => {
      if (finding.result !== undefined) messages.put(message);
    };
  });

// Puts it in the place of what is there, where that `fits`.
export const replace_message = (message: Message, fits: (known: Message) => boolean): Promise<void> =>
  change((_, messages) => {
    const reading = messages.get(message.id) as IDBRequest<Message | undefined>;
    reading.onsuccess = () => {
      if (reading.result && fits(reading.result)) messages.put(message);
    };
  });

export const put_all = (conversations: Conversation[], messages: Message[]): Promise<void> =>
  change((of_conversations, of_messages) => {
    for (const conversation of conversations) of_conversations.put(conversation);
    for (const message of messages) of_messages.put(message);
  });

export const remove_conversation = (id: string): Promise<void> =>
  change((conversations, messages) => {
    conversations.delete(id);
    const finding = messages.index("conversation").openCursor(id);
    finding.onsuccess = () => {
      finding.result?.delete();
      finding.result?.continue();
    };
  });

// Calls `act` with every message; ends early where it returns false.
export async function each_message(act: (message: Message) => boolean): Promise<void> {
  const store = (await database()).transaction(kMessages).objectStore(kMessages);
  await new Promise<void>((resolve, reject) => {
    const request = store.openCursor();
    request.onerror = () => reject(request.error);
    request.onsuccess = () => {
      const cursor = request.result;
      if (!cursor || !act(cursor.value as Message)) return resolve();
      cursor.continue();
    };
  });
}
