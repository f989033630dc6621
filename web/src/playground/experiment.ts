// The experiments of the playground: each is a form's fields and the request that they make.
import type { TextName } from "../language/english";
import type { Effort } from "../store/settings";

export type Kind = "fill" | "prefix" | "json" | "probabilities" | "prompt";

export interface Fields {
  question: string;
  begin: string;
  before: string;
  after: string;
  schema: string;
  messages: string; // JSON
  tools: string; // JSON; empty: none
  effort: Effort;
  max_tokens: number;
  temperature: number;
  seed: string;
}

export interface Experiment {
  kind: Kind;
  name: TextName;
  hint: TextName;
  path: string;
}

export const experiments: Experiment[] = [
  { kind: "fill", name: "play_fill", hint: "play_fill_hint", path: "beta/completions" },
  { kind: "prefix", name: "play_prefix", hint: "play_prefix_hint", path: "beta/chat/completions" },
  { kind: "json", name: "play_json", hint: "play_json_hint", path: "v1/chat/completions" },
  { kind: "probabilities", name: "play_probabilities", hint: "play_probabilities_hint", path: "v1/chat/completions" },
  { kind: "prompt", name: "play_prompt", hint: "play_prompt_hint", path: "beta/chat/completions" },
];

export const first_fields: Fields = {
  question: "Tell me about a fish.",
  begin: "Once upon a time, a small fish",
  before: "def add(a, b):\n    ",
  after: "\n    return total\n",
  schema: JSON.stringify(
    {
      type: "object",
      properties: { name: { type: "string", maxLength: 20 }, age: { type: "integer" }, can_swim: { type: "boolean" } },
      required: ["name", "age", "can_swim"],
      additionalProperties: false,
    },
    null,
    2,
  ),
  messages: JSON.stringify(
    [{ role: "system", content: "Be brief." }, { role: "user", content: "Is it raining in Oslo?" }], null, 2),
  tools: JSON.stringify(
    [
      {
        type: "function",
        function: {
          name: "get_weather",
          description: "The weather of a city.",
          parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
        },
      },
    ],
    null,
    2,
  ),
  effort: "high",
  max_tokens: 120,
  temperature: 0.7,
  seed: "",
};

function conversation_of(model: string, { messages, tools, effort }: Fields): Record<string, unknown> {
  return {
    model,
    messages: JSON.parse(messages) as unknown,
    ...(tools.trim() ? { tools: JSON.parse(tools) as unknown } : {}),
    thinking: { type: effort === "off" ? "disabled" : "enabled" },
    ...(effort === "off" ? {} : { reasoning_effort: effort }),
  };
}

// Throws where what is to be JSON is none.
export function body_of(kind: Kind, model: string, fields: Fields): Record<string, unknown> {
  if (kind === "prompt") return conversation_of(model, fields);
  const { max_tokens, temperature } = fields;
  const common = { model, max_tokens, temperature, ...(fields.seed.trim() ? { seed: Number(fields.seed) } : {}) };
  if (kind === "fill") return { ...common, prompt: fields.before, suffix: fields.after };
  const question = { role: "user", content: fields.question };
  const chat = { ...common, thinking: { type: "disabled" } };
  if (kind === "prefix")
    return { ...chat, messages: [question, { role: "assistant", content: fields.begin, prefix: true }] };
  if (kind === "probabilities") return { ...chat, messages: [question], logprobs: true, top_logprobs: 5 };
  const schema = JSON.parse(fields.schema) as unknown;
  return {
    ...chat,
    messages: [question],
    response_format: { type: "json_schema", json_schema: { name: "answer", schema } },
  };
}

export const curl_of = (path: string, body: object): string =>
  `curl ${new URL(path, document.baseURI).href} -d '${JSON.stringify(body).replaceAll("'", "'\\''")}'`;
