// What the server is doing now, from /metrics and /experts.
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { bytes, count, rate, seconds } from "../base/quantity";
import { text } from "../language/text";
import { Curve } from "./curve";
import { use_experts, type Experts } from "./experts";
import { HeatMap } from "./heat_map";
import { engines_of, median_of, type Sample } from "./metrics";
import { use_figures, type Rates } from "./use_figures";
import { UsageTable } from "./usage_table";

function Card({ name, value, more, children }: {
  name: string; value: string; more?: string; children?: ComponentChildren;
}) {
  return (
    <section class="card">
      <h3>{name}</h3>
      <p class="value">
        {value}
        {more && <small>{more}</small>}
      </p>
      {children}
    </section>
  );
}

function Share({ name, part, whole, said }: { name: string; part: number; whole: number; said: string }) {
  return (
    <Card name={name} value={said} more={whole > 0 && name ? text("status_of", bytes(whole)) : undefined}>
      {whole > 0 && <progress max={whole} value={part} aria-label={name} />}
    </Card>
  );
}

function ExpertsCard({ model, engine, experts }: {
  model: string; engine: Record<string, number>; experts: Experts | undefined;
}) {
  const { experts_on_host: on_host, experts_chosen: chosen, experts_chosen_on_host: chosen_on_host } = engine;
  return (
    <section class="card wide">
      <h3>{text("status_experts")}</h3>
      {on_host !== undefined && chosen !== undefined && (
        <p>{text("status_experts_host", count(on_host), count(chosen_on_host ?? 0), count(chosen))}</p>
      )}
      {experts?.counted && <HeatMap model={model} experts={experts} />}
      {experts && !experts.counted && <p class="quiet">{text("status_experts_missing")}</p>}
    </section>
  );
}

function Engine({ model, engine, history, experts }: {
  model: string; engine: Record<string, number>; history: Rates[]; experts: Experts | undefined;
}) {
  const now = history.at(-1);
  const figure = (name: string) => engine[name] ?? 0;
  const prompt = figure("prompt_tokens") + figure("cached_tokens");
  const curve = (name: keyof Rates, label: string) => <Curve values={history.map((each) => each[name])} label={label} />;
  return (
    <section class="engine" aria-label={model}>
      <h2>{model.split(",").join(", ")}</h2>
      <div class="cards">
        <Card name={text("status_written")} value={rate(now?.written ?? 0)}>
          {curve("written", text("status_written"))}
        </Card>
        <Card name={text("status_read")} value={rate(now?.read ?? 0)}>
          {curve("read", text("status_read"))}
        </Card>
        <Card name={text("status_running")} value={count(figure("running"))}>
          {curve("running", text("status_running"))}
        </Card>
        <Card name={text("status_steps")} value={rate(now?.steps ?? 0)}>
          {curve("steps", text("status_steps"))}
        </Card>
        <Card name={text("status_queue")} value={count(figure("waiting"))}
          more={text("status_of", count(figure("queue_limit")))}>
          <progress max={Math.max(1, figure("queue_limit"))} value={figure("waiting")} aria-label={text("status_queue")} />
        </Card>
        <Share name={text("status_cache")} part={figure("cache_bytes")} whole={figure("cache_bytes_limit")}
          said={bytes(figure("cache_bytes"))} />
        <Card name={text("status_kept")} value={bytes(figure("prefix_bytes"))}
          more={`${count(figure("prefix_snapshots"))}`} />
        <Card name={text("status_cached_share")}
          value={prompt > 0 ? `${((100 * figure("cached_tokens")) / prompt).toFixed(0)} %` : "–"} />
        {figure("disk_bytes") > 0 && <Card name={text("status_disk")} value={bytes(figure("disk_bytes"))} />}
        <ExpertsCard model={model} engine={engine} experts={experts} />
      </div>
    </section>
  );
}

function Requests({ samples }: { samples: Sample[] }) {
  const rows = samples
    .filter((sample) => sample.name === "fathom_requests_total")
    .sort((a, b) => b.value - a.value);
  return (
    <section class="engine">
      <h2>{text("status_requests")}</h2>
      <div class="table" tabIndex={0} role="group" aria-label={text("status_requests")}>
        <table>
          <thead>
            <tr>
              <th>{text("status_surface")}</th>
              <th>{text("status_code")}</th>
              <th class="align-right">{text("status_count")}</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ labels, value }) => (
              <tr key={`${labels.surface} ${labels.status}`}>
                <td>{labels.surface}</td>
                <td>{labels.status}</td>
                <td class="align-right">{count(value)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

const time_of = (value: number | null): string =>
  value === null ? "–" : value < 1 ? `${(value * 1000).toFixed(value < 0.01 ? 1 : 0)} ms` : seconds(value * 1000);

export function Status() {
  const figures = use_figures();
  const experts = use_experts();
  useEffect(() => {
    document.title = `${text("status")} · fathom`;
  }, []);
  const samples = figures?.samples ?? [];
  const open = samples.find((sample) => sample.name === "fathom_http" && sample.labels.figure === "open");
  return (
    <main id="main" class="room" tabIndex={-1}>
      <header class="room-header">
        <h1>{text("status")}</h1>
      </header>
      <div class="scroll status">
        {figures?.fault && <p class="fault" role="alert">{text("status_no_figures", figures.fault)}</p>}
        {samples.length > 0 && (
          <>
            <section class="engine">
              <h2>{text("status_server")}</h2>
              <div class="cards">
                <Card name={text("status_first")} value={time_of(median_of(samples, "fathom_first_token_seconds"))} />
                <Card name={text("status_between")} value={time_of(median_of(samples, "fathom_between_tokens_seconds"))} />
                <Card name={text("status_connections")} value={count(open?.value ?? 0)} />
              </div>
            </section>
            {[...engines_of(samples)].map(([model, engine]) => (
              <Engine key={model} model={model} engine={engine} history={figures?.history.get(model) ?? []}
                experts={experts?.get(model)} />
            ))}
            <Requests samples={samples} />
          </>
        )}
        <UsageTable />
      </div>
    </main>
  );
}
