// Beside each answer: tokens, cache, times, cost.
import { cost_of } from "../api/prices";
import { count, rate, seconds } from "../base/quantity";
import { tokens_per_second } from "../chat/writing";
import { text } from "../language/text";
import type { Message } from "../store/tree";

export function FiguresLine({ message }: { message: Message }) {
  const { figures } = message;
  if (!figures || (figures.output === 0 && figures.prompt === 0)) return null;
  const cost = cost_of(message);
  const speed = tokens_per_second(figures);
  const parts: [string, string][] = [
    [text("figure_model"), message.model ?? ""],
    [text("figure_read"), text("read_tokens", count(figures.prompt))],
    [text("figure_cached"), text("cached_tokens", count(figures.cached))],
    [text("figure_written"), text("written_tokens", count(figures.output))],
    [text("figure_first"), text("first_token", seconds(figures.first_ms))],
    [text("figure_speed"), speed > 0 ? text("tokens_per_second", rate(speed)) : ""],
    [text("figure_cost"), cost ?? ""],
  ];
  return (
    <span class="figures">
      {parts.filter(([, value]) => value).map(([name, value]) => <span key={name} title={name}>{value}</span>)}
    </span>
  );
}
