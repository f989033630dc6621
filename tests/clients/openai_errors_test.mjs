// The `openai` SDK where things go wrong: its typed exceptions, its retries, and a client that leaves.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import OpenAI from "openai";
import { say, script, scripts, when } from "./script.mjs";
import { folder_for, serve_script } from "./server.mjs";
import { thoughtful } from "./stage.mjs";

const model = "deepseek-v4-flash";
const ask = (content) => ({ model, messages: [{ role: "user", content }] });

async function client_for(test, script, settings = {}, options = {}) {
  const server = await serve_script(test, script, settings);
  return { server, client: new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "any", maxRetries: 0, ...options }) };
}

async function thrown(promise, kind, status) {
  const error = await promise.then(() => assert.fail("no error"), (fault) => fault);
  assert.ok(error instanceof kind, `${error.constructor.name}: ${error.message}`);
  assert.equal(error.status, status);
  return error;
}

test("a wrong key is an AuthenticationError", async (test) => {
  const keys = join(folder_for(test), "keys");
  writeFileSync(keys, "sk-right\n");
  const { client, server } = await client_for(test, thoughtful, { keys_file: keys });
  const error = await thrown(client.chat.completions.create(ask("Hi")), OpenAI.AuthenticationError, 401);
  assert.equal(error.type, "authentication_error");
  assert.equal(error.code, "invalid_request_error");
  assert.match(error.message, /Authentication Fails/);
  const right = new OpenAI({ baseURL: server.url, apiKey: "sk-right", maxRetries: 0 });
  assert.equal((await right.chat.completions.create(ask("Hi"))).choices[0].message.content, "It rains.");
});

test("a bad request is a BadRequestError that says what is wrong", async (test) => {
  const { client } = await client_for(test, thoughtful, { context_tokens: 64, clip_max_tokens: false });
  const chat = (body) => thrown(client.chat.completions.create(body), OpenAI.BadRequestError, 400);
  const name = await chat({ ...ask("Hi"), model: "gpt-5" });
  assert.match(name.message, /The supported API model names are deepseek-v4-pro or deepseek-v4-flash, but you passed gpt-5/);
  assert.equal(name.type, "invalid_request_error");
  assert.match((await chat({ ...ask("Hi"), temperature: 3 })).message, /temperature/);
  assert.match((await chat({ model, messages: [{ role: "wizard", content: "Hi" }] })).message,
    /messages\[0\]\.role: unknown variant `wizard`/);
  assert.match((await chat(ask("word ".repeat(100)))).message, /maximum context length is 64 tokens/);
  assert.match((await chat({ ...ask("Hi"), max_tokens: 63 })).message, /maximum context length is 64 tokens/);
});

test("a path or a model that is not there is a NotFoundError", async (test) => {
  const { client } = await client_for(test, thoughtful);
  await thrown(client.models.retrieve("gpt-5"), OpenAI.NotFoundError, 404);
  await thrown(client.embeddings.create({ model, input: "Hi" }), OpenAI.NotFoundError, 404);
});

test("a full queue is a RateLimitError with its Retry-After", async (test) => {
  const { client } = await client_for(test, 'refuse queue_full "12 wait, the limit is 12." 7');
  const error = await thrown(client.chat.completions.create(ask("Hi")), OpenAI.RateLimitError, 429);
  assert.equal(error.headers.get("retry-after"), "7");
  assert.match(error.message, /12 wait/);
});

test("the SDK waits for as long as it is told and comes again", async (test) => {
  const { client, server } = await client_for(test,
    scripts(script("times 2", 'refuse queue_full "12 wait, the limit is 12." 1'), thoughtful), {}, { maxRetries: 2 });
  const answer = await client.chat.completions.create(ask("Hi"));
  assert.equal(answer.choices[0].message.content, "It rains.");
  await server.log.find(/status=200/);
  const refused = server.log.all().filter((line) => line.includes("status=429"));
  assert.equal(refused.length, 2);
});

test("a fault of the server, and one that is about to end, are InternalServerErrors", async (test) => {
  const { client } = await client_for(test, scripts(
    script(when("crash"), 'crash "it fell"'), script(when("drain"), 'refuse draining "about to end" 1')));
  const fault = await thrown(client.chat.completions.create(ask("crash")), OpenAI.InternalServerError, 500);
  assert.doesNotMatch(fault.message, /it fell/);
  const error = await thrown(client.chat.completions.create(ask("drain")), OpenAI.InternalServerError, 503);
  assert.equal(error.type, "service_unavailable_error");
});

test("a machine that fills up in mid-answer says so in finish_reason", async (test) => {
  const { client } = await client_for(test, script(say("Let me"), "end overloaded"));
  const reasons = [];
  for await (const chunk of await client.chat.completions.create({ ...ask("Hi"), stream: true }))
    reasons.push(chunk.choices[0].finish_reason);
  assert.equal(reasons.at(-1), "insufficient_system_resource");
});

test("a client that leaves in mid-stream is gone, and its answer is cancelled", async (test) => {
  const { client, server } = await client_for(test, script(say("Let me"), "end never"));
  const stream = await client.chat.completions.create({ ...ask("Hi"), stream: true });
  for await (const chunk of stream) if (chunk.choices[0].delta.reasoning_content) break; // ends the stream
  assert.match(await server.log.find(/finish=gone/), /stream=1/);
});

test("so is one that aborts while it waits for a body", async (test) => {
  const { client, server } = await client_for(test, script("read 1", "end never"));
  const controller = new AbortController();
  const answer = client.chat.completions.create(ask("Hi"), { signal: controller.signal });
  const health = async () => (await (await fetch(`${server.url}/health`)).json()).models[0].running;
  while ((await health()) === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  controller.abort();
  await assert.rejects(answer, OpenAI.APIUserAbortError);
  assert.match(await server.log.find(/finish=gone/), /stream=0/);
});
