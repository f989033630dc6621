// How many tokens a conversation would be, by the server's own tokenizer (Anthropic's count_tokens).
import { ask_json } from "./connection";
import type { ApiMessage } from "./types";

export async function count_tokens(model: string, messages: ApiMessage[], signal: AbortSignal): Promise<number> {
  const system = messages.filter((message) => message.role === "system").map((message) => message.content).join("\n\n");
  const turns = messages
    .filter((message) => message.role === "user" || (message.role === "assistant" && message.content))
    .map(({ role, content }) => ({ role, content }));
  const counted = await ask_json<{ input_tokens: number }>("anthropic/v1/messages/count_tokens", {
    body: { model, messages: turns, ...(system ? { system } : {}) },
    signal,
  });
  return counted.input_tokens;
}
