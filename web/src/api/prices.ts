// What an answer costs, by the price card of a server that has one.
import type { Message } from "../store/tree";
import { served } from "./models";

// Per million tokens.
export interface Price {
  currency: string;
  hit: number;
  miss: number;
  output: number;
}

const kSigns: Record<string, string> = { CNY: "¥", USD: "$", EUR: "€" };

// Null where the server says no price.
export function cost_of(message: Message): string | null {
  const { figures } = message;
  const price = served.get()?.models.find((model) => model.id === message.model)?.price;
  if (!price || !figures) return null;
  const fresh = figures.prompt - figures.cached;
  const cost = (figures.cached * price.hit + fresh * price.miss + figures.output * price.output) / 1e6;
  return `${kSigns[price.currency] ?? `${price.currency} `}${cost.toPrecision(2)}`;
}
