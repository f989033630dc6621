// Prometheus' text of /metrics, read into samples.
export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

export function read_metrics(text: string): Sample[] {
  const samples: Sample[] = [];
  for (const line of text.split("\n")) {
    const found = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)/.exec(line);
    if (!found?.[1]) continue;
    const labels: Record<string, string> = {};
    for (const [, name, value] of (found[2] ?? "").matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g))
      if (name) labels[name] = (value ?? "").replace(/\\(.)/g, "$1");
    samples.push({ name: found[1], labels, value: found[3] === "+Inf" ? Infinity : Number(found[3]) });
  }
  return samples;
}

// The middle of a histogram, by a straight line within its bucket; null while it is empty.
export function median_of(samples: Sample[], name: string): number | null {
  const buckets = samples
    .filter((sample) => sample.name === `${name}_bucket`)
    .map((sample) => ({ until: sample.labels.le === "+Inf" ? Infinity : Number(sample.labels.le), below: sample.value }))
    .sort((a, b) => a.until - b.until);
  const all = buckets.at(-1)?.below ?? 0;
  if (all === 0) return null;
  let from = 0;
  let below = 0;
  for (const bucket of buckets) {
    if (bucket.below >= all / 2) {
      if (!Number.isFinite(bucket.until)) return from;
      return from + ((bucket.until - from) * (all / 2 - below)) / (bucket.below - below);
    }
    from = bucket.until;
    below = bucket.below;
  }
  return from;
}

// The figures of one loaded model: running, waiting, cache_bytes, …
export function engines_of(samples: Sample[]): Map<string, Record<string, number>> {
  const engines = new Map<string, Record<string, number>>();
  for (const { name, labels, value } of samples) {
    if (name !== "fathom_engine" || !labels.figure) continue;
    const model = labels.model ?? "";
    engines.set(model, { ...engines.get(model), [labels.figure]: value });
  }
  return engines;
}
