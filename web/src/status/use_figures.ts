// /metrics, asked every two seconds while the page is seen, with what happened since the last time.
import { useEffect, useState } from "preact/hooks";
import { ask } from "../api/connection";
import { engines_of, read_metrics, type Sample } from "./metrics";

const kEvery = 2000; // milliseconds
const kKept = 120; // four minutes

export interface Rates {
  written: number;
  read: number;
  steps: number;
  running: number;
}

export interface Figures {
  samples: Sample[];
  history: Map<string, Rates[]>; // by model
  fault: string;
}

interface Seen {
  at: number;
  engines: Map<string, Record<string, number>>;
}

function rates(before: Seen, now: Seen, model: string): Rates {
  const elapsed = (now.at - before.at) / 1000;
  const then = before.engines.get(model);
  const engine = now.engines.get(model) ?? {};
  const since = (figure: string) =>
    then ? Math.max(0, ((engine[figure] ?? 0) - (then[figure] ?? 0)) / elapsed) : 0;
  return {
    written: since("sampled_tokens"),
    read: since("prompt_tokens"),
    steps: since("steps"),
    running: engine.running ?? 0,
  };
}

export function use_figures(): Figures | null {
  const [figures, set_figures] = useState<Figures | null>(null);
  useEffect(() => {
    const abort = new AbortController();
    const history = new Map<string, Rates[]>();
    let before: Seen | null = null;
    const look = async () => {
      if (document.hidden) return;
      try {
        const samples = read_metrics(await (await ask("metrics", { signal: abort.signal })).text());
        const now: Seen = { at: performance.now(), engines: engines_of(samples) };
        if (before)
          for (const model of now.engines.keys())
            history.set(model, [...(history.get(model) ?? []), rates(before, now, model)].slice(-kKept));
        before = now;
        set_figures({ samples, history: new Map(history), fault: "" });
      } catch (fault) {
        if (!abort.signal.aborted)
          set_figures({ samples: [], history: new Map(history), fault: (fault as Error).message });
      }
    };
    void look();
    const timer = setInterval(() => void look(), kEvery);
    return () => {
      clearInterval(timer);
      abort.abort();
    };
  }, []);
  return figures;
}
