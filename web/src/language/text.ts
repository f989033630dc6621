// The page's words in the user's language. "{}" in a sentence is the next value.
import { settings } from "../store/settings";
import { chinese } from "./chinese";
import { english, type TextName } from "./english";

export type Language = "en" | "zh";

export function language(): Language {
  const chosen = settings.get().language;
  if (chosen !== "system") return chosen;
  return navigator.languages.find((each) => /^(?:en|zh)/i.test(each))?.toLowerCase().startsWith("zh") ? "zh" : "en";
}

export function text(name: TextName, ...values: (string | number)[]): string {
  let index = 0;
  return (language() === "zh" ? chinese : english)[name].replace(/\{\}/g, () => String(values[index++] ?? ""));
}
