// The `openai` SDK: chat, with all that it carries.
import assert from "node:assert/strict";
import test from "node:test";
import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";
import { anywhere, calls, say, script, scripts, when } from "./script.mjs";
import { serve_script } from "./server.mjs";
import { thoughtful, weather_tool, clock_tool } from "./stage.mjs";

const model = "deepseek-v4-flash";
const messages = [{ role: "user", content: "What is the weather?" }];
const quiet = { thinking: { type: "disabled" } };
const tools = [weather_tool, clock_tool].map((each) => ({ type: "function", function: each }));

async function client_for(test, script, settings = {}, options = {}) {
  const server = await serve_script(test, script, settings);
  return { server, client: new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "any", maxRetries: 0, ...options }) };
}

test("a body has reasoning, content and all of usage", async (test) => {
  const { client } = await client_for(test, script("cached 4", thoughtful));
  const answer = await client.chat.completions.create({ model, messages });
  const [choice] = answer.choices;
  assert.equal(answer.object, "chat.completion");
  assert.equal(answer.model, model);
  assert.equal(choice.message.role, "assistant");
  assert.equal(choice.message.reasoning_content, "Let me see.");
  assert.equal(choice.message.content, "It rains.");
  assert.equal(choice.message.tool_calls, undefined);
  assert.equal(choice.finish_reason, "stop");
  const { usage } = answer;
  assert.equal(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens);
  assert.equal(usage.prompt_tokens_details.cached_tokens, 4);
  assert.equal(usage.prompt_cache_hit_tokens, 4);
  assert.equal(usage.prompt_cache_miss_tokens, usage.prompt_tokens - 4);
  const { reasoning_tokens } = usage.completion_tokens_details;
  assert.ok(reasoning_tokens > 0 && reasoning_tokens < usage.completion_tokens);
});

test("a stream has the same in pieces, usage on its last chunk", async (test) => {
  const { client } = await client_for(test, thoughtful);
  const stream = await client.chat.completions.create(
    { model, messages, stream: true, stream_options: { include_usage: true } });
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  const joined = (field) => chunks.map((chunk) => chunk.choices[0].delta[field] ?? "").join("");
  assert.equal(joined("reasoning_content"), "Let me see.");
  assert.equal(joined("content"), "It rains.");
  assert.ok(chunks.length > 4, `${chunks.length} chunks`);
  assert.equal(new Set(chunks.map((chunk) => chunk.id)).size, 1);
  const last = chunks.pop();
  assert.equal(last.choices[0].finish_reason, "stop");
  assert.equal(last.usage.total_tokens, last.usage.prompt_tokens + last.usage.completion_tokens);
  for (const chunk of chunks) assert.equal(chunk.usage, null);
});

test("the SDK's own reader of streams puts a whole completion together", async (test) => {
  const { client } = await client_for(test, say(`I look.${calls({ get_weather: { city: "Rome" } }, { clock: {} })}`));
  const stream = client.chat.completions.stream({ model, messages, tools, ...quiet });
  const { choices } = await stream.finalChatCompletion();
  assert.equal(choices[0].finish_reason, "tool_calls");
  assert.equal(choices[0].message.content, "I look.");
  assert.deepEqual(choices[0].message.tool_calls.map((call) => [call.function.name, JSON.parse(call.function.arguments)]),
    [["get_weather", { city: "Rome" }], ["clock", {}]]);
});

test("every base URL that people use", async (test) => {
  const { server } = await client_for(test, thoughtful);
  for (const base of ["", "/", "/v1", "/v1/", "/beta", "/beta/v1"]) {
    const client = new OpenAI({ baseURL: server.url + base, apiKey: "any", maxRetries: 0 });
    const answer = await client.chat.completions.create({ model, messages });
    assert.equal(answer.choices[0].message.content, "It rains.", base);
    const ids = [];
    for await (const each of client.models.list()) ids.push(each.id);
    assert.deepEqual(ids, ["deepseek-v4-flash", "deepseek-v4-pro"], base);
    assert.equal((await client.models.retrieve("deepseek-v4-pro")).id, "deepseek-v4-pro", base);
  }
});

const two_calls = `I ask both.</think>I look.${calls({ get_weather: { city: "Rome" } }, { clock: {} })}`;
const results = ["<tool_result>rain in Rome</tool_result>", "<tool_result>noon</tool_result>"];

test("parallel calls, their results, and the reasoning passed back to the model", async (test) => {
  const { client } = await client_for(test, scripts(
    script(when(...results), anywhere("<think>I ask both.</think>I look."), say("Both know.</think>It rains at noon.")),
    say(two_calls)));
  const first = await client.chat.completions.create({ model, messages, tools });
  const { message } = first.choices[0];
  assert.equal(first.choices[0].finish_reason, "tool_calls");
  assert.equal(message.reasoning_content, "I ask both.");
  const [weather, clock] = message.tool_calls;
  const turns = [...messages, message,
    { role: "tool", tool_call_id: clock.id, content: "noon" },
    { role: "tool", tool_call_id: weather.id, content: "rain in Rome" }];
  const answer = await client.chat.completions.create({ model, messages: turns, tools });
  assert.equal(answer.choices[0].message.content, "It rains at noon.");
});

for (const stream of [false, true]) {
  // It passes no reasoning back, which the hosted API refuses.
  test(`the SDK's own loop of tools, ${stream ? "streamed" : "whole"}`, async (test) => {
    const { client } = await client_for(test, scripts(
      script(when(...results), say("Both know.</think>It rains at noon.")), say(two_calls)));
    const asked = [];
    const runnable = [
      { ...weather_tool, parse: JSON.parse, function: ({ city }) => (asked.push(city), `rain in ${city}`) },
      { ...clock_tool, function: () => (asked.push("clock"), "noon") },
    ].map((each) => ({ type: "function", function: each }));
    const runner = client.chat.completions.runTools({ model, messages: [...messages], tools: runnable, stream });
    assert.equal(await runner.finalContent(), "It rains at noon.");
    assert.deepEqual(asked.sort(), ["Rome", "clock"]);
  });
}

test("a call is forced, by name and strictly, also in thinking", async (test) => {
  const { client } = await client_for(test, say(`I must.</think>${calls({ get_weather: { city: "Rome" } })}`));
  const strict = tools.map((tool) => ({ ...tool, function: { ...tool.function, strict: true } }));
  for (const tool_choice of ["required", { type: "function", function: { name: "get_weather" } }]) {
    const answer = await client.chat.completions.create({ model, messages, tools: strict, tool_choice });
    assert.equal(answer.choices[0].finish_reason, "tool_calls");
    const [call] = answer.choices[0].message.tool_calls;
    assert.match(call.id, /^call_00_\w{24}$/);
    assert.equal(call.function.name, "get_weather");
    assert.deepEqual(JSON.parse(call.function.arguments), { city: "Rome" });
  }
});

test("JSON: an object, and a schema that the SDK parses", async (test) => {
  const { client } = await client_for(test, say('{"city": "Rome", "degrees": 21}'));
  const asked = [{ role: "user", content: "The weather, as json." }];
  const plain = await client.chat.completions.create(
    { model, messages: asked, response_format: { type: "json_object" }, ...quiet });
  assert.deepEqual(JSON.parse(plain.choices[0].message.content), { city: "Rome", degrees: 21 });
  const Weather = z.object({ city: z.string(), degrees: z.number() });
  const parsed = await client.chat.completions.parse(
    { model, messages: asked, response_format: zodResponseFormat(Weather, "weather"), ...quiet });
  assert.deepEqual(parsed.choices[0].message.parsed, { city: "Rome", degrees: 21 });
});

test("logprobs of reasoning and content, whole and streamed", async (test) => {
  const { client } = await client_for(test, thoughtful);
  const asked = { model, messages, logprobs: true, top_logprobs: 3 };
  const text = (tokens) => Buffer.from(tokens.flatMap((each) => each.bytes)).toString();
  const whole = (await client.chat.completions.create(asked)).choices[0].logprobs;
  assert.equal(text(whole.content), "It rains.");
  assert.equal(text(whole.reasoning_content), "Let me see.");
  for (const each of whole.content) assert.equal(each.top_logprobs.length, 3);
  const streamed = { content: [], reasoning_content: [] };
  for await (const chunk of await client.chat.completions.create({ ...asked, stream: true }))
    for (const field of Object.keys(streamed)) streamed[field].push(...(chunk.choices[0].logprobs?.[field] ?? []));
  assert.equal(text(streamed.content), "It rains.");
  assert.equal(text(streamed.reasoning_content), "Let me see.");
});

test("stop strings and max_tokens", async (test) => {
  const { client } = await client_for(test, say("one two three four"));
  const stopped = await client.chat.completions.create({ model, messages, stop: ["three"], ...quiet });
  assert.equal(stopped.choices[0].message.content, "one two ");
  assert.equal(stopped.choices[0].finish_reason, "stop");
  const cut = await client.chat.completions.create({ model, messages, max_tokens: 2, ...quiet });
  assert.equal(cut.choices[0].finish_reason, "length");
  assert.equal(cut.usage.completion_tokens, 2);
});

test("beta: a prefix goes on, a hole is filled", async (test) => {
  const { server } = await client_for(test, scripts(
    script(anywhere("<｜fim▁hole｜>\nprint(f())"), say(" return 1")),
    script(anywhere("<｜Assistant｜></think>Once upon"), say(" a time."))));
  const client = new OpenAI({ baseURL: `${server.url}/beta`, apiKey: "any", maxRetries: 0 });
  const begun = [...messages, { role: "assistant", content: "Once upon", prefix: true }];
  const answer = await client.chat.completions.create({ model, messages: begun, ...quiet });
  assert.equal(answer.choices[0].message.content, " a time.");
  const filled = await client.completions.create(
    { model: "deepseek-v4-pro", prompt: "def f():", suffix: "\nprint(f())", max_tokens: 20 });
  assert.equal(filled.choices[0].text, " return 1");
});

test("silence is bridged, in a stream and before a body", async (test) => {
  const { client } = await client_for(test, script("pause 1500", thoughtful), { keep_alive: 0.1 });
  const answer = await client.chat.completions.create({ model, messages });
  assert.equal(answer.choices[0].message.content, "It rains.");
  let content = "";
  for await (const chunk of await client.chat.completions.create({ model, messages, stream: true }))
    content += chunk.choices[0].delta.content ?? "";
  assert.equal(content, "It rains.");
});
