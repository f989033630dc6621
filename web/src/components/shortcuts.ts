// Keys that work everywhere. Plain letters do only while nothing is being written.
import { dialog, open_dialog } from "./dialog";
import type { TextName } from "../language/english";

export interface Shortcut {
  keys: string[]; // as shown, one press
  name: TextName;
}

const kControl = /Mac|iPhone|iPad/.test(navigator.platform) ? "⌘" : "Ctrl";

export const shortcuts: Shortcut[] = [
  { keys: ["Enter"], name: "send" },
  { keys: ["Shift", "Enter"], name: "new_line" },
  { keys: ["Esc"], name: "stop" },
  { keys: ["/"], name: "to_question" },
  { keys: [kControl, "Shift", "O"], name: "new_chat" },
  { keys: [kControl, "K"], name: "search" },
  { keys: [kControl, "B"], name: "show_sidebar" },
  { keys: ["E"], name: "edit_last" },
  { keys: ["R"], name: "regenerate" },
  { keys: ["←", "→"], name: "other_branches" },
  { keys: ["I"], name: "to_instant" },
  { keys: ["X"], name: "to_expert" },
  { keys: ["T"], name: "next_thinking" },
  { keys: ["?"], name: "shortcuts" },
];

interface Acts {
  begin: () => void;
  sidebar: () => void;
  search: () => void;
}

const writes = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.matches("input, textarea, select") || target.isContentEditable);

// What a view does with a plain key; the newest view that listens goes first.
export type KeyAct = (key: string) => boolean;
const views: KeyAct[] = [];

export function listen_to_keys(act: KeyAct): () => void {
  views.unshift(act);
  return () => void views.splice(views.indexOf(act), 1);
}

export function listen_to_shortcuts(acts: Acts): () => void {
  const press = (event: KeyboardEvent): void => {
    if (event.isComposing || event.defaultPrevented) return;
    const control = event.ctrlKey || event.metaKey;
    const key = event.key.toLowerCase();
    const act = (done: () => void): void => {
      event.preventDefault();
      done();
    };
    if (control && event.shiftKey && key === "o") return act(acts.begin);
    if (control && !event.shiftKey && key === "k") return act(acts.search);
    if (control && !event.shiftKey && key === "b") return act(acts.sidebar);
    if (control || event.altKey || dialog.get()) return;
    if (key !== "escape" && writes(event.target)) return;
    if (event.key === "?") return act(() => open_dialog("shortcuts"));
    if (event.key === "/")
      return act(() => document.querySelector<HTMLTextAreaElement>("#composer")?.focus());
    for (const view of [...views]) if (view(key)) return event.preventDefault();
  };
  addEventListener("keydown", press);
  return () => removeEventListener("keydown", press);
}
