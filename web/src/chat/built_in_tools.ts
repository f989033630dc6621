// Tools that the page itself answers, at once: minnow was trained on both.
import type { ApiTool } from "../api/types";
import { calculate } from "./arithmetic";

const kDay = 86_400_000;

function date(given: { date?: string; add_days?: number; until?: string }): object {
  const day = given.date ? new Date(`${given.date}T00:00:00Z`) : new Date();
  if (Number.isNaN(day.getTime())) throw new Error(`${given.date} is no date`);
  if (given.until) return { days: Math.round((Date.parse(`${given.until}T00:00:00Z`) - day.getTime()) / kDay) };
  const then = new Date(day.getTime() + (given.add_days ?? 0) * kDay);
  const weekday = then.toLocaleDateString("en", { weekday: "long", timeZone: "UTC" });
  return { date: then.toISOString().slice(0, 10), weekday };
}

const kRuns: Record<string, (given: never) => object> = {
  calculator: (given: { expression: string }) => ({ result: calculate(String(given.expression)) }),
  date,
};

export const built_in_tools: ApiTool[] = [
  {
    type: "function",
    function: {
      name: "calculator",
      description: "Calculate the value of an arithmetic expression.",
      parameters: {
        type: "object",
        properties: { expression: { type: "string", description: "For example (2 + 3) * 4" } },
        required: ["expression"],
      },
    },
  },
  {
    type: "function",
    function: {
      name: "date",
      description: "Today's date, or a date some days later, or the days between two dates.",
      parameters: {
        type: "object",
        properties: {
          date: { type: "string", description: "YYYY-MM-DD; today if left out" },
          add_days: { type: "integer", description: "Days to add" },
          until: { type: "string", description: "Second date, to count the days between" },
        },
      },
    },
  },
];

// The result as the tool's message says it, or null where the page does not know the tool.
export function run_built_in(name: string, written: string): string | null {
  const run = Object.hasOwn(kRuns, name) ? kRuns[name] : undefined;
  if (!run) return null;
  try {
    return JSON.stringify(run(JSON.parse(written || "{}") as never));
  } catch (fault) {
    return JSON.stringify({ error: (fault as Error).message });
  }
}
