// Layers by experts, each cell coloured by how often it was chosen; the same in a table, for those who cannot see it.
import { useState } from "preact/hooks";
import { Choice } from "../components/choice";
import { count, rate } from "../base/quantity";
import { text } from "../language/text";
import { beside_even, heat_limits, heat_of, summary_of, type Experts, type LayerChoices } from "./experts";

type Span = "since_start" | "recent";

// One path for each colour, cells that touch in one stroke.
function paths_of(layers: LayerChoices[]): string[] {
  const paths = heat_limits.map(() => "");
  layers.forEach(({ chosen }, row) => {
    const heats = beside_even(chosen).map(heat_of);
    for (let from = 0, to = 0; from < heats.length; from = to) {
      while (to < heats.length && heats[to] === heats[from]) ++to;
      paths[heats[from] ?? 0] += `M${from} ${row}h${to - from}v1h${from - to}z`;
    }
  });
  return paths;
}

const name_of = (layer: LayerChoices): string =>
  layer.mtp ? text("experts_mtp") : text("experts_layer", layer.layer);

function Legend() {
  return (
    <p class="heat-legend">
      {heat_limits.map((limit, heat) => (
        <span key={heat}>
          <i class={`heat-${heat}`} />
          {heat === 0 ? text("experts_never")
            : limit === Infinity ? text("experts_beyond", heat_limits[heat - 1] ?? 0)
              : text("experts_up_to", limit)}
        </span>
      ))}
    </p>
  );
}

function Cells({ layers }: { layers: LayerChoices[] }) {
  const [pointed, set_pointed] = useState<{ row: number; expert: number } | null>(null);
  const experts = layers[0]?.chosen.length ?? 0;
  const busiest = layers.map(summary_of).reduce((a, b) => (b.ratio > a.ratio ? b : a));
  const layer = pointed && layers[pointed.row];
  const times = layer?.chosen[pointed?.expert ?? 0] ?? 0;
  const label = text("experts_label", layers.length, experts, name_of(busiest.layer), busiest.busiest, rate(busiest.ratio));
  return (
    <figure class="heat">
      <div class="heat-scroll" tabIndex={0} role="group" aria-label={text("status_experts")}>
        <svg viewBox={`0 0 ${experts} ${layers.length}`} preserveAspectRatio="none" role="img" aria-label={label}
          class={`${layers.length > 20 ? "tall" : ""} ${experts > 64 ? "wide" : ""}`}
          onPointerMove={(event) => {
            const { left, top, width, height } = event.currentTarget.getBoundingClientRect();
            const at = (part: number, whole: number, cells: number) =>
              Math.min(cells - 1, Math.max(0, Math.floor((part / whole) * cells)));
            set_pointed({
              row: at(event.clientY - top, height, layers.length),
              expert: at(event.clientX - left, width, experts),
            });
          }}
          onPointerLeave={() => set_pointed(null)}>
          {paths_of(layers).map((path, heat) => path && <path key={heat} class={`heat-${heat}`} d={path} />)}
        </svg>
      </div>
      <figcaption>
        {layer
          ? text("experts_cell", name_of(layer), pointed.expert, count(times),
            rate(beside_even(layer.chosen)[pointed.expert] ?? 0))
          : text("experts_axes", layers.length, experts - 1)}
      </figcaption>
    </figure>
  );
}

function Table({ layers }: { layers: LayerChoices[] }) {
  return (
    <details>
      <summary>{text("experts_table")}</summary>
      <div class="table" tabIndex={0} role="group" aria-label={text("experts_table")}>
        <table>
          <thead>
            <tr>
              <th>{text("experts_layers")}</th>
              <th>{text("experts_router")}</th>
              <th class="align-right">{text("experts_choices")}</th>
              <th class="align-right">{text("experts_busiest")}</th>
              <th class="align-right">{text("experts_ratio")}</th>
              <th class="align-right">{text("experts_never_chosen")}</th>
            </tr>
          </thead>
          <tbody>
            {layers.map(summary_of).map(({ layer, choices, busiest, ratio, never }) => (
              <tr key={layer.layer}>
                <th scope="row">{name_of(layer)}</th>
                <td>{text(layer.by_hash ? "experts_by_hash" : "experts_by_score")}</td>
                <td class="align-right">{count(choices)}</td>
                <td class="align-right">{choices > 0 ? busiest : "–"}</td>
                <td class="align-right">{choices > 0 ? rate(ratio) : "–"}</td>
                <td class="align-right">{count(never)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

export function HeatMap({ model, experts }: { model: string; experts: Experts }) {
  const [span, set_span] = useState<Span>("since_start");
  const layers = experts[span].filter((layer) => !layer.mtp || layer.chosen.some((times) => times > 0));
  const anything = layers.some((layer) => layer.chosen.some((times) => times > 0));
  return (
    <>
      <Choice label={`${text("status_experts")}, ${model}`} value={span} choose={set_span} options={[
        { value: "since_start", label: text("experts_since_start") },
        { value: "recent", label: text("experts_recent") },
      ]} />
      {!anything && <p class="quiet">{text("experts_none")}</p>}
      {anything && (
        <>
          <Cells layers={layers} />
          <Legend />
          <Table layers={layers} />
        </>
      )}
    </>
  );
}
