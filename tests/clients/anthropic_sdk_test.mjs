// The `@anthropic-ai/sdk`: messages, with all that they carry.
import assert from "node:assert/strict";
import test from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import { zodOutputFormat } from "@anthropic-ai/sdk/helpers/zod";
import { z } from "zod";
import { anywhere, calls, say, script, scripts, when } from "./script.mjs";
import { serve_script } from "./server.mjs";
import { clock_tool, thoughtful, weather_tool } from "./stage.mjs";

const model = "deepseek-v4-pro";
const messages = [{ role: "user", content: "What is the weather?" }];
const ask = { model, max_tokens: 1000, messages };
const quiet = { thinking: { type: "disabled" } };
const tools = [weather_tool, clock_tool].map(({ name, description, parameters }) => (
  { name, description, input_schema: parameters }));

async function client_for(test, script, settings = {}) {
  const server = await serve_script(test, script, settings);
  return { server, client: new Anthropic({ baseURL: `${server.url}/anthropic`, apiKey: "any", maxRetries: 0 }) };
}

test("a message has thinking with a signature, text and usage", async (test) => {
  const { client } = await client_for(test, script("cached 4", thoughtful));
  const message = await client.messages.create({ ...ask, system: "Be brief." });
  assert.equal(message.type, "message");
  assert.equal(message.model, model);
  const [thinking, text] = message.content;
  assert.deepEqual(thinking, { type: "thinking", thinking: "Let me see.", signature: message.id });
  assert.deepEqual(text, { type: "text", text: "It rains." });
  assert.equal(message.stop_reason, "end_turn");
  assert.equal(message.usage.cache_read_input_tokens, 4);
  assert.equal(message.usage.cache_creation_input_tokens, 0);
  const { input_tokens } = await client.messages.countTokens({ model, messages, system: "Be brief." });
  assert.equal(message.usage.input_tokens + 4, input_tokens);
  assert.ok(message.usage.output_tokens > 4);
});

test("a stream tells the same, event by event", async (test) => {
  const { client } = await client_for(test, thoughtful);
  const stream = client.messages.stream(ask);
  const seen = { thinking: "", text: "" };
  stream.on("thinking", (delta) => (seen.thinking += delta)).on("text", (delta) => (seen.text += delta));
  const message = await stream.finalMessage();
  assert.deepEqual(seen, { thinking: "Let me see.", text: "It rains." });
  assert.deepEqual(message.content.map((block) => block.type), ["thinking", "text"]);
  assert.equal(message.content[0].signature, message.id);
  assert.equal(message.stop_reason, "end_turn");
  assert.ok(message.usage.input_tokens > 0 && message.usage.output_tokens > 4);
});

test("every base URL that people use, and the names of Claude's models", async (test) => {
  const { server } = await client_for(test, thoughtful);
  for (const base of ["", "/anthropic", "/anthropic/"]) {
    const client = new Anthropic({ baseURL: server.url + base, apiKey: "any", maxRetries: 0 });
    const message = await client.messages.create({ ...ask, model: "claude-opus-4-8" });
    assert.equal(message.model, "deepseek-v4-pro", base);
    assert.equal((await client.messages.create({ ...ask, model: "claude-haiku-4-5" })).model, "deepseek-v4-flash", base);
    assert.equal((await client.beta.messages.create(ask)).content[1].text, "It rains.", base);
  }
});

test("models as Anthropic's clients read them", async (test) => {
  const { client } = await client_for(test, thoughtful);
  const page = await client.models.list();
  assert.equal(page.has_more, false);
  assert.deepEqual([page.first_id, page.last_id], ["deepseek-v4-flash", "deepseek-v4-pro"]);
  const models = [];
  for await (const each of page) models.push(each);
  assert.deepEqual(models.map((each) => [each.type, each.id]),
    [["model", "deepseek-v4-flash"], ["model", "deepseek-v4-pro"]]);
  assert.ok(models.every((each) => each.display_name.length > 0 && !Number.isNaN(Date.parse(each.created_at))));
  assert.deepEqual(await client.models.retrieve("deepseek-v4-pro"), models[1]);
});

const two_calls = `I ask both.</think>I look.${calls({ get_weather: { city: "Rome" } }, { clock: {} })}`;
const results = script(when("<tool_result>rain in Rome</tool_result>", "<tool_result>noon</tool_result>"),
  anywhere("<think>I ask both.</think>I look."), say("Both know.</think>It rains at noon."));

test("parallel calls, their results, and the thinking passed back to the model", async (test) => {
  const { client } = await client_for(test, scripts(results, say(two_calls)));
  const first = await client.messages.create({ ...ask, tools });
  assert.equal(first.stop_reason, "tool_use");
  assert.deepEqual(first.content.map((block) => block.type), ["thinking", "text", "tool_use", "tool_use"]);
  const [weather, clock] = first.content.slice(2);
  assert.deepEqual([weather.name, weather.input], ["get_weather", { city: "Rome" }]);
  const answers = [
    { type: "tool_result", tool_use_id: clock.id, content: "noon" },
    { type: "tool_result", tool_use_id: weather.id, content: [{ type: "text", text: "rain in Rome" }] }];
  const turns = [...messages, { role: "assistant", content: first.content }, { role: "user", content: answers }];
  const second = await client.messages.create({ ...ask, messages: turns, tools });
  assert.equal(second.content[1].text, "It rains at noon.");
});

for (const stream of [false, true]) {
  test(`the SDK's own loop of tools, ${stream ? "streamed" : "whole"}`, async (test) => {
    const { client } = await client_for(test, scripts(results, say(two_calls)));
    const asked = [];
    const runnable = [
      { ...tools[0], run: ({ city }) => (asked.push(city), `rain in ${city}`), parse: (input) => input },
      { ...tools[1], run: () => (asked.push("clock"), "noon"), parse: (input) => input }];
    const runner = client.beta.messages.toolRunner({ ...ask, tools: runnable, stream });
    const last = await runner.runUntilDone();
    assert.equal(last.content.at(-1).text, "It rains at noon.");
    assert.deepEqual(asked.sort(), ["Rome", "clock"]);
  });
}

test("a call is forced, by name and strictly, also in thinking", async (test) => {
  const { client } = await client_for(test, say(`I must.</think>${calls({ get_weather: { city: "Rome" } })}`));
  const strict = tools.map((tool) => ({ ...tool, strict: true }));
  for (const tool_choice of [{ type: "any" }, { type: "tool", name: "get_weather" }]) {
    const stream = client.messages.stream({ ...ask, tools: strict, tool_choice });
    let json = "";
    stream.on("inputJson", (delta) => (json += delta));
    const message = await stream.finalMessage();
    assert.equal(message.stop_reason, "tool_use");
    assert.deepEqual(message.content.at(-1).input, { city: "Rome" });
    assert.deepEqual(JSON.parse(json), { city: "Rome" });
  }
});

test("a schema that the SDK parses", async (test) => {
  const { client } = await client_for(test, script(anywhere("## Response Format", '"degrees"'),
    say('{"city": "Rome", "degrees": 21}')));
  const format = zodOutputFormat(z.object({ city: z.string(), degrees: z.number() }));
  const message = await client.messages.parse({ ...ask, ...quiet, output_config: { format } });
  assert.deepEqual(message.parsed_output, { city: "Rome", degrees: 21 });
});

test("stop sequences, max_tokens, and an answer that was begun", async (test) => {
  const { client } = await client_for(test, scripts(
    script(anywhere("</think>Once upon"), say(" a time.")), say("one two three four")));
  const stopped = await client.messages.create({ ...ask, ...quiet, stop_sequences: ["three"] });
  assert.equal(stopped.content[0].text, "one two ");
  assert.deepEqual([stopped.stop_reason, stopped.stop_sequence], ["stop_sequence", "three"]);
  const cut = await client.messages.create({ ...ask, ...quiet, max_tokens: 2 });
  assert.deepEqual([cut.stop_reason, cut.usage.output_tokens], ["max_tokens", 2]);
  const begun = [...messages, { role: "assistant", content: "Once upon" }];
  assert.equal((await client.messages.create({ ...ask, ...quiet, messages: begun })).content[0].text, " a time.");
});

test("count_tokens is what the request then costs", async (test) => {
  const { client } = await client_for(test, thoughtful);
  for (const asked of [{ model, messages }, { model, messages, tools, system: [{ type: "text", text: "Be brief." }] }]) {
    const { input_tokens } = await client.messages.countTokens(asked);
    const { usage } = await client.messages.create({ ...asked, max_tokens: 100 });
    assert.equal(input_tokens, usage.input_tokens);
  }
});

test("silence is bridged, in a stream and before a body", async (test) => {
  const { client } = await client_for(test, script("pause 1500", thoughtful), { keep_alive: 0.1 });
  assert.equal((await client.messages.create(ask)).content[1].text, "It rains.");
  assert.equal(await client.messages.stream(ask).finalText(), "It rains.");
});
