// The last of running answers when the page goes away: IndexedDB may not finish then, localStorage does.
import { replace_message } from "./database";
import type { Message } from "./tree";

const kPrefix = "fathom.journal.";

export function write_journal(running: Message[]): void {
  for (const message of running) {
    try {
      localStorage.setItem(kPrefix + message.id, JSON.stringify(message));
    } catch {
      // Full: what IndexedDB has is some milliseconds older.
    }
  }
}

export async function replay_journal(): Promise<void> {
  for (const name of Object.keys(localStorage)) {
    if (!name.startsWith(kPrefix)) continue;
    const written = JSON.parse(localStorage.getItem(name) ?? "null") as Message | null;
    // A page that came back to life may have written more since.
    if (written) await replace_message(written, (known) => known.state === "streaming");
    localStorage.removeItem(name);
  }
}
