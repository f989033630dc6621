// Which experts the models choose, of GET /experts, asked now and then while the page is seen.
import { useEffect, useState } from "preact/hooks";
import { ask_json } from "../api/connection";

const kEvery = 5000; // milliseconds
const kRecent = 60_000;

export interface LayerChoices {
  layer: number;
  by_hash: boolean; // its router goes by the token's id
  mtp: boolean; // it drafts
  chosen: number[]; // times, by expert
}

interface ModelExperts {
  model: string;
  counted: boolean;
  layers: LayerChoices[];
}

interface Seen {
  at: number;
  models: ModelExperts[];
}

export interface Experts {
  counted: boolean;
  since_start: LayerChoices[];
  recent: LayerChoices[]; // of the last minute, as far as the page was open
}

function since(before: ModelExperts | undefined, now: ModelExperts): LayerChoices[] {
  return now.layers.map((layer, row) => ({
    ...layer,
    chosen: layer.chosen.map((times, expert) => Math.max(0, times - (before?.layers[row]?.chosen[expert] ?? 0))),
  }));
}

// By model; null until they are there, and where they may not be seen.
export function use_experts(): Map<string, Experts> | null {
  const [experts, set_experts] = useState<Map<string, Experts> | null>(null);
  useEffect(() => {
    const abort = new AbortController();
    let seen: Seen[] = [];
    const look = async () => {
      if (document.hidden) return;
      try {
        const { models } = await ask_json<{ models: ModelExperts[] }>("experts", { signal: abort.signal });
        const now = performance.now();
        seen = [...seen.filter(({ at }) => now - at <= kRecent), { at: now, models }];
        set_experts(new Map(models.map((each) => {
          const before = seen[0]?.models.find(({ model }) => model === each.model);
          return [each.model, { counted: each.counted, since_start: each.layers, recent: since(before, each) }];
        })));
      } catch {
        if (!abort.signal.aborted) set_experts(null); // /metrics, asked beside it, says why
      }
    };
    void look();
    const timer = setInterval(() => void look(), kEvery);
    return () => {
      clearInterval(timer);
      abort.abort();
    };
  }, []);
  return experts;
}

const sum = (values: number[]): number => values.reduce((all, value) => all + value, 0);

// How often each expert was chosen beside an even share of its layer: 1 is even.
export function beside_even(chosen: number[]): number[] {
  const even = sum(chosen) / Math.max(1, chosen.length);
  return chosen.map((times) => (even > 0 ? times / even : 0));
}

// What the colours mean: up to so many times an even share.
export const heat_limits = [0, 0.5, 1, 2, 4, Infinity];

export const heat_of = (ratio: number): number => heat_limits.findIndex((limit) => ratio <= limit);

export interface LayerSummary {
  layer: LayerChoices;
  choices: number;
  busiest: number; // expert
  ratio: number; // of the busiest, beside an even share
  never: number; // experts that were never chosen
}

export function summary_of(layer: LayerChoices): LayerSummary {
  const busiest = layer.chosen.indexOf(Math.max(...layer.chosen));
  return {
    layer,
    choices: sum(layer.chosen),
    busiest,
    ratio: beside_even(layer.chosen)[busiest] ?? 0,
    never: layer.chosen.filter((times) => times === 0).length,
  };
}
