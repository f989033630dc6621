// The `@anthropic-ai/sdk` where things go wrong: its typed exceptions, its retries, and a client that leaves.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import { say, script, scripts, when } from "./script.mjs";
import { folder_for, serve_script } from "./server.mjs";
import { thoughtful } from "./stage.mjs";

const model = "deepseek-v4-flash";
const ask = (content) => ({ model, max_tokens: 1000, messages: [{ role: "user", content }] });

async function client_for(test, script, settings = {}, options = {}) {
  const server = await serve_script(test, script, settings);
  const client = new Anthropic({ baseURL: `${server.url}/anthropic`, apiKey: "any", maxRetries: 0, ...options });
  return { server, client };
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
  const error = await thrown(client.messages.create(ask("Hi")), Anthropic.AuthenticationError, 401);
  assert.equal(error.error.type, "error");
  assert.equal(error.error.error.type, "authentication_error");
  for (const key of [{ apiKey: "sk-right" }, { authToken: "sk-right", apiKey: null }]) {
    const right = new Anthropic({ baseURL: `${server.url}/anthropic`, maxRetries: 0, ...key });
    assert.equal((await right.messages.create(ask("Hi"))).content[1].text, "It rains.");
  }
});

test("a bad request is a BadRequestError that says what is wrong", async (test) => {
  const { client } = await client_for(test, thoughtful, { context_tokens: 64 });
  const told = async (body) =>
    (await thrown(client.messages.create(body), Anthropic.BadRequestError, 400)).error.error.message;
  assert.match(await told({ ...ask("Hi"), temperature: 3 }), /temperature/);
  assert.match(await told({ ...ask("Hi"), messages: [{ role: "wizard", content: "Hi" }] }), /unknown variant `wizard`/);
  assert.match(await told(ask("word ".repeat(100))), /maximum context length is 64 tokens/);
  const orphan = [{ role: "user", content: [{ type: "tool_result", tool_use_id: "call_1", content: "rain" }] }];
  assert.match(await told({ ...ask("Hi"), messages: orphan }), /call_1/);
});

test("what is not there is a NotFoundError", async (test) => {
  const { client } = await client_for(test, thoughtful);
  await thrown(client.models.retrieve("claude-opus-4-8"), Anthropic.NotFoundError, 404);
  await thrown(client.messages.batches.list(), Anthropic.NotFoundError, 404);
});

test("a full queue is a RateLimitError with its Retry-After", async (test) => {
  const { client } = await client_for(test, 'refuse queue_full "12 wait, the limit is 12." 7');
  const error = await thrown(client.messages.create(ask("Hi")), Anthropic.RateLimitError, 429);
  assert.equal(error.headers.get("retry-after"), "7");
  assert.equal(error.error.error.type, "rate_limit_error");
});

test("the SDK waits for as long as it is told and comes again", async (test) => {
  const { client, server } = await client_for(test,
    scripts(script("times 2", 'refuse queue_full "12 wait, the limit is 12." 1'), thoughtful), {}, { maxRetries: 2 });
  assert.equal(await client.messages.stream(ask("Hi")).finalText(), "It rains.");
  await server.log.find(/status=200/);
  assert.equal(server.log.all().filter((line) => line.includes("status=429")).length, 2);
});

test("a fault of the server, and one that is about to end, are InternalServerErrors", async (test) => {
  const { client } = await client_for(test, scripts(
    script(when("crash"), 'crash "it fell"'), script(when("drain"), 'refuse draining "about to end" 1')));
  const fault = await thrown(client.messages.create(ask("crash")), Anthropic.InternalServerError, 500);
  assert.doesNotMatch(fault.message, /it fell/);
  await thrown(client.messages.create(ask("drain")), Anthropic.InternalServerError, 503);
});

test("a machine that fills up in mid-answer: an error event, or a status before a body", async (test) => {
  const { client } = await client_for(test, script(say("Let me"), "end overloaded"));
  const error = await client.messages.stream(ask("Hi")).finalMessage().then(() => assert.fail("no error"), (e) => e);
  assert.ok(error instanceof Anthropic.APIError, error.message);
  assert.match(error.message, /overloaded_error/);
  await thrown(client.messages.create(ask("Hi")), Anthropic.InternalServerError, 503);
});

test("a client that leaves in mid-stream is gone, and its answer is cancelled", async (test) => {
  const { client, server } = await client_for(test, script(say("Let me"), "end never"));
  const stream = client.messages.stream(ask("Hi"));
  stream.on("thinking", () => stream.abort());
  await assert.rejects(stream.finalMessage(), Anthropic.APIUserAbortError);
  assert.match(await server.log.find(/finish=gone/), /surface=anthropic/);
});
