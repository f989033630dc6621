// The `openai` SDK on the Responses surface.
import assert from "node:assert/strict";
import test from "node:test";
import OpenAI from "openai";
import { zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";
import { anywhere, calls, say, script, scripts, when } from "./script.mjs";
import { serve_script } from "./server.mjs";
import { clock_tool, thoughtful, weather_tool } from "./stage.mjs";

const model = "deepseek-v4-flash";
const tools = [weather_tool, clock_tool].map((each) => ({ type: "function", strict: true, ...each }));
const quiet = { reasoning: { effort: "none" } };

async function client_for(test, script, settings = {}) {
  const server = await serve_script(test, script, settings);
  return { server, client: new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "any", maxRetries: 0 }) };
}

test("a response has reasoning, text and usage", async (test) => {
  const { client } = await client_for(test, script("cached 4", thoughtful));
  const response = await client.responses.create({ model, instructions: "Be brief.", input: "What is the weather?" });
  assert.equal(response.status, "completed");
  assert.equal(response.output_text, "It rains.");
  assert.deepEqual(response.output.map((item) => item.type), ["reasoning", "message"]);
  assert.equal(response.output[0].content[0].text, "Let me see.");
  const { usage } = response;
  assert.equal(usage.input_tokens_details.cached_tokens, 4);
  assert.ok(usage.output_tokens_details.reasoning_tokens > 0);
  assert.equal(usage.total_tokens, usage.input_tokens + usage.output_tokens);
});

test("a stream tells the same, event by event", async (test) => {
  const { client } = await client_for(test, thoughtful);
  const stream = client.responses.stream({ model, input: "What is the weather?" });
  const seen = { "response.reasoning_text.delta": "", "response.output_text.delta": "" };
  const numbers = [];
  const types = [];
  for await (const event of stream) {
    numbers.push(event.sequence_number);
    types.push(event.type);
    if (event.type in seen) seen[event.type] += event.delta;
  }
  assert.deepEqual(Object.values(seen), ["Let me see.", "It rains."]);
  assert.deepEqual(numbers, numbers.map((_, index) => index));
  assert.equal(types[0], "response.created");
  assert.equal(types.at(-1), "response.completed");
  assert.equal((await stream.finalResponse()).output_text, "It rains.");
});

test("previous_response_id goes on, streamed, with the reasoning before the call", async (test) => {
  const { client } = await client_for(test, scripts(
    script(when("And tomorrow?"), anywhere("It rains at noon."), say("I guess.</think>Sun.")),
    script(when("<tool_result>rain</tool_result>", "<tool_result>noon</tool_result>"),
      anywhere("<think>I ask both.</think>"), say("Both know.</think>It rains at noon.")),
    say(`I ask both.</think>${calls({ get_weather: { city: "Rome" } }, { clock: {} })}`)));
  const first = await client.responses.create({ model, tools, input: "What is the weather?" });
  const made = first.output.filter((item) => item.type === "function_call");
  assert.deepEqual(made.map((call) => [call.name, JSON.parse(call.arguments)]),
    [["get_weather", { city: "Rome" }], ["clock", {}]]);
  const results = made.map((call) => (
    { type: "function_call_output", call_id: call.call_id, output: call.name === "clock" ? "noon" : "rain" }));
  const second = await client.responses.stream(
    { model, tools, previous_response_id: first.id, input: results }).finalResponse();
  assert.equal(second.output_text, "It rains at noon.");
  assert.equal(second.previous_response_id, first.id);
  const third = await client.responses.create({ model, previous_response_id: second.id, input: "And tomorrow?" });
  assert.equal(third.output_text, "Sun.");
});

test("the same without the server's memory: items passed back", async (test) => {
  const { client } = await client_for(test, scripts(
    script(when("<tool_result>rain</tool_result>"), anywhere("<think>I ask.</think>"), say("I know.</think>It rains.")),
    say(`I ask.</think>${calls({ get_weather: { city: "Rome" } })}`)));
  const input = [{ role: "user", content: "What is the weather?" }];
  const first = await client.responses.create({ model, tools, input, store: false });
  const [call] = first.output.filter((item) => item.type === "function_call");
  const second = await client.responses.create({ model, tools, store: false,
    input: [...input, ...first.output, { type: "function_call_output", call_id: call.call_id, output: "rain" }] });
  assert.equal(second.output_text, "It rains.");
});

test("a call is forced and read by its schema; a text too", async (test) => {
  const { client } = await client_for(test, scripts(
    script(when("as json"), say('{"city": "Rome", "degrees": 21}')), say(calls({ get_weather: { city: "Rome" } }))));
  for (const tool_choice of ["required", { type: "function", name: "get_weather" }]) {
    const response = await client.responses.parse({ model, tools, tool_choice, input: "What is the weather?", ...quiet });
    assert.deepEqual(response.output[0].parsed_arguments, { city: "Rome" });
  }
  const Weather = z.object({ city: z.string(), degrees: z.number() });
  const { output_parsed } = await client.responses.parse(
    { model, input: "The weather, as json.", text: { format: zodTextFormat(Weather, "weather") }, ...quiet });
  assert.deepEqual(output_parsed, { city: "Rome", degrees: 21 });
});

test("logprobs, and an answer that its limit cuts off", async (test) => {
  const { client } = await client_for(test, say("one two three"));
  const told = await client.responses.create(
    { model, input: "Count.", include: ["message.output_text.logprobs"], top_logprobs: 2, ...quiet });
  const [text] = told.output[0].content;
  assert.equal(text.logprobs.map((each) => each.token).join(""), "one two three");
  for (const each of text.logprobs) assert.equal(each.top_logprobs.length, 2);
  const cut = await client.responses.create({ model, input: "Count.", max_output_tokens: 2, ...quiet });
  assert.equal(cut.status, "incomplete");
  assert.deepEqual(cut.incomplete_details, { reason: "max_output_tokens" });
});

test("what goes wrong", async (test) => {
  const { client, server } = await client_for(test, scripts(
    script(when("too much"), say("Let me"), "end overloaded"), script(say("Let me"), "end never")));
  const unknown = client.responses.create({ model, input: "Hi", previous_response_id: "resp_1" });
  await assert.rejects(unknown, (error) => {
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.equal(error.code, "previous_response_not_found");
    return true;
  });
  const types = [];
  for await (const event of await client.responses.create({ model, input: "too much", stream: true }))
    types.push(event.type);
  assert.equal(types.at(-1), "response.failed");
  for await (const event of await client.responses.create({ model, input: "Hi", stream: true }))
    if (event.type === "response.reasoning_text.delta") break;
  assert.match(await server.log.find(/finish=gone/), /surface=responses/);
});

test("silence is bridged by events", async (test) => {
  const { client } = await client_for(test, script("pause 1500", thoughtful), { keep_alive: 0.1 });
  const types = [];
  for await (const event of await client.responses.create({ model, input: "Hi", stream: true })) types.push(event.type);
  assert.ok(types.filter((type) => type === "response.in_progress").length > 3, types.join(" "));
  assert.equal(types.at(-1), "response.completed");
  assert.equal((await client.responses.create({ model, input: "Hi" })).output_text, "It rains.");
});
