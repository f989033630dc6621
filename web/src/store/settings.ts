// What a user has set, kept in this browser. The key ends with the tab unless it is to be remembered.
import { Observable } from "../base/observable";
import type { Mode } from "../api/models";

export type Effort = "off" | "high" | "max";

export interface Settings {
  theme: "system" | "light" | "dark";
  language: "system" | "en" | "zh";
  mode: Mode;
  effort: Effort;
  system: string; // of new conversations
  key: string;
  remember_key: boolean;
}

const kName = "fathom.settings";
const kKeyName = "fathom.key";
const kDefaults: Settings = {
  theme: "system",
  language: "system",
  mode: "instant",
  effort: "off",
  system: "",
  key: "",
  remember_key: false,
};

function read(): Settings {
  try {
    const kept = JSON.parse(localStorage.getItem(kName) ?? "{}") as Partial<Settings>;
    const key = sessionStorage.getItem(kKeyName) ?? localStorage.getItem(kKeyName) ?? "";
    return { ...kDefaults, ...kept, key };
  } catch {
    return kDefaults;
  }
}

export const settings = new Observable<Settings>(read());

export function change_settings(changes: Partial<Settings>): void {
  const next = { ...settings.get(), ...changes };
  const { key, ...rest } = next;
  localStorage.setItem(kName, JSON.stringify(rest));
  sessionStorage.setItem(kKeyName, key);
  if (next.remember_key && key) localStorage.setItem(kKeyName, key);
  else localStorage.removeItem(kKeyName);
  settings.set(next);
}
