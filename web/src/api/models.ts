// What is served, and which mode of the page is which model.
import { ask_json } from "./connection";
import { Observable } from "../base/observable";
import type { Price } from "./prices";

export type Mode = "instant" | "expert";

export interface Model {
  id: string;
  context_window?: number;
  max_output_tokens?: number;
  price?: Price;
}

export interface Served {
  models: Model[];
  fault: string; // why the list could not be had
  status: number; // 401: a key is wanted
}

export const served = new Observable<Served | null>(null);

export async function find_models(): Promise<void> {
  try {
    const list = await ask_json<{ data: Model[] }>("v1/models");
    served.set({ models: list.data, fault: "", status: 200 });
  } catch (fault) {
    served.set({ models: [], fault: (fault as Error).message, status: (fault as { status?: number }).status ?? 0 });
  }
}

const kFamily: Record<Mode, RegExp> = { instant: /flash/i, expert: /pro\b/i };

export function model_of(mode: Mode, all: Served | null): Model | null {
  const known = all?.models.find((model) => kFamily[mode].test(model.id));
  if (known) return known;
  // A server with one model of another name has no two modes: it answers as Instant.
  return mode === "instant" && all?.models.length === 1 ? (all.models[0] ?? null) : null;
}
