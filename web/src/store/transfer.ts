// Conversations to a file and back. What comes in gets ids of its own, so that nothing here is overwritten.
import * as database from "./database";
import { load_library } from "./library";
import { tell } from "./tabs";
import { new_id, type Conversation, type Message } from "./tree";

const kFormat = "fathom conversations";

interface Archive {
  format: string;
  version: number;
  conversations: { conversation: Conversation; messages: Message[] }[];
}

export function save_file(name: string, content: string): void {
  const url = URL.createObjectURL(new Blob([content], { type: "application/json" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

export async function write_archive(ids: string[] | null): Promise<string> {
  const wanted = (await database.all_conversations()).filter((each) => !ids || ids.includes(each.id));
  const archive: Archive = { format: kFormat, version: 1, conversations: [] };
  for (const conversation of wanted)
    archive.conversations.push({ conversation, messages: await database.messages_of(conversation.id) });
  return JSON.stringify(archive, null, 1);
}

export async function read_archive(content: string): Promise<number> {
  const archive = JSON.parse(content) as Archive;
  if (archive.format !== kFormat || archive.version !== 1 || !Array.isArray(archive.conversations))
    throw new Error("not an export of this page");
  for (const { conversation, messages } of archive.conversations) {
    const names = new Map<string, string>([["", ""]]);
    const renamed = (id: string): string => {
      if (!names.has(id)) names.set(id, new_id());
      return names.get(id) ?? "";
    };
    const id = new_id();
    const chosen = Object.fromEntries(
      Object.entries(conversation.chosen).map(([parent, child]) => [renamed(parent), renamed(child)]));
    await database.put_all(
      [{ ...conversation, id, chosen }],
      messages.map((message) => ({
        ...message,
        id: renamed(message.id),
        conversation: id,
        parent: message.parent === null ? null : renamed(message.parent),
      })));
  }
  await load_library();
  tell({ kind: "imported" });
  return archive.conversations.length;
}
