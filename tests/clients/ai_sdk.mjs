// What the Vercel AI SDK is tried on with every provider: text, streams, tools, objects, refusals, a client that leaves.
import assert from "node:assert/strict";
import test from "node:test";
import { APICallError, Output, RetryError, generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";
import { anywhere, calls, say, script, scripts, when } from "./script.mjs";
import { serve_script } from "./server.mjs";
import { thoughtful } from "./stage.mjs";

globalThis.AI_SDK_LOG_WARNINGS = false;
const prompt = "What is the weather?";
const two_calls = `I ask both.</think>I look.${calls({ get_weather: { city: "Rome" } }, { clock: {} })}`;
const answers = script(when("<tool_result>rain in Rome</tool_result>", "<tool_result>noon</tool_result>"),
  anywhere("<think>I ask both.</think>I look."), say("Both know.</think>It rains at noon."));

const rome = { city: "Rome", degrees: 21 };

// make(url, key): a provider as a function of the model's name. quiet: its options that turn thinking off. object: what
// the model says of Rome where it is asked for an object.
export function test_provider({ make, quiet, model = "deepseek-v4-flash", object = JSON.stringify(rome) }) {
  async function provider_for(test, script, settings = {}) {
    const server = await serve_script(test, script, settings);
    return { server, asked: { model: make(server.url, "any")(model), prompt, maxRetries: 0 } };
  }

  test("generateText: reasoning, text, usage with what the cache had", async (test) => {
    const { asked } = await provider_for(test, script("cached 4", thoughtful));
    const { text, reasoningText, finishReason, usage } = await generateText(asked);
    assert.equal(text, "It rains.");
    assert.equal(reasoningText, "Let me see.");
    assert.equal(finishReason, "stop");
    assert.equal(usage.inputTokenDetails.cacheReadTokens, 4);
    assert.equal(usage.totalTokens, usage.inputTokens + usage.outputTokens);
    assert.ok(usage.inputTokens > 4 && usage.outputTokens > 4);
  });

  test("streamText: the same in pieces", async (test) => {
    const { asked } = await provider_for(test, thoughtful);
    const { fullStream, usage } = streamText(asked);
    const seen = { "reasoning-delta": "", "text-delta": "" };
    let pieces = 0;
    for await (const part of fullStream) {
      if (!(part.type in seen)) continue;
      seen[part.type] += part.text;
      ++pieces;
    }
    assert.deepEqual(Object.values(seen), ["Let me see.", "It rains."]);
    assert.ok(pieces > 4, `${pieces} pieces`);
    assert.ok((await usage).outputTokens > 4);
  });

  for (const [name, act] of Object.entries({ generateText, streamText })) {
    test(`${name}: parallel calls, their results, the reasoning passed back`, async (test) => {
      const { asked } = await provider_for(test, scripts(answers, say(two_calls)));
      const ran = [];
      const tools = {
        get_weather: tool({ description: "The weather of a city.", inputSchema: z.object({ city: z.string() }),
          execute: ({ city }) => (ran.push(city), `rain in ${city}`) }),
        clock: tool({ description: "The time.", inputSchema: z.object({}), execute: () => (ran.push("clock"), "noon") }),
      };
      const result = await act({ ...asked, tools, stopWhen: stepCountIs(5) });
      assert.equal(await result.text, "It rains at noon.");
      assert.deepEqual(ran.sort(), ["Rome", "clock"]);
      const steps = await result.steps;
      assert.deepEqual(steps.map((step) => step.finishReason), ["tool-calls", "stop"]);
    });
  }

  test("a call is forced, by name and strictly, also in thinking", async (test) => {
    const { asked } = await provider_for(test, say(`I must.</think>${calls({ get_weather: { city: "Rome" } })}`));
    const tools = { get_weather: tool({ inputSchema: z.object({ city: z.string() }), strict: true }) };
    for (const toolChoice of ["required", { type: "tool", toolName: "get_weather" }]) {
      const { toolCalls } = await generateText({ ...asked, tools, toolChoice });
      assert.deepEqual(toolCalls.map((call) => [call.toolName, call.input]), [["get_weather", { city: "Rome" }]]);
    }
  });

  test("an object by its schema", async (test) => {
    const { asked } = await provider_for(test, say(object));
    const schema = z.object({ city: z.string(), degrees: z.number() });
    const { output } = await generateText({ ...asked, ...quiet, output: Output.object({ schema }) });
    assert.deepEqual(output, rome);
  });

  test("stop strings and a limit", async (test) => {
    const { asked } = await provider_for(test, say("one two three four"));
    const stopped = await generateText({ ...asked, ...quiet, stopSequences: ["three"] });
    assert.equal(stopped.text.trimEnd(), "one two");
    const cut = await generateText({ ...asked, ...quiet, maxOutputTokens: 2 });
    assert.equal(cut.finishReason, "length");
    assert.equal(cut.usage.outputTokens, 2);
  });

  test("refusals are APICallErrors with status and words; what may pass is tried again", async (test) => {
    const { asked, server } = await provider_for(test, scripts(
      script(when("crash"), 'crash "it fell"'), script(when("drain"), 'refuse draining "about to end" 1'),
      script("times 1", 'refuse queue_full "12 wait, the limit is 12." 1'), thoughtful), { context_tokens: 64 });
    const refused = async (status, retryable, words, changes) => {
      const error = await generateText({ ...asked, ...changes }).then(() => assert.fail("no error"), (fault) => fault);
      assert.ok(APICallError.isInstance(error), `${error.name}: ${error.message}`);
      assert.deepEqual([error.statusCode, error.isRetryable], [status, retryable]);
      assert.match(error.message, words);
    };
    await refused(400, false, /maximum context length is 64 tokens/, { prompt: "word ".repeat(100) });
    await refused(500, true, /The server had an error/, { prompt: "crash" });
    await refused(503, true, /about to end/, { prompt: "drain" });
    assert.equal((await generateText({ ...asked, maxRetries: 1 })).text, "It rains.");
    assert.equal(server.log.all().filter((line) => line.includes("status=429")).length, 1);
    const error = await generateText({ ...asked, prompt: "drain", maxRetries: 1 }).catch((fault) => fault);
    assert.ok(RetryError.isInstance(error), error.name);
  });

  test("a client that leaves in mid-stream is gone, and its answer is cancelled", async (test) => {
    const { asked, server } = await provider_for(test, script(say("Let me"), "end never"));
    const controller = new AbortController();
    const { fullStream } = streamText({ ...asked, abortSignal: controller.signal });
    for await (const part of fullStream) if (part.type === "reasoning-delta") controller.abort();
    assert.match(await server.log.find(/finish=gone/), /stream=1/);
  });

  test("silence is bridged, in a stream and before a body", async (test) => {
    const { asked } = await provider_for(test, script("pause 1500", thoughtful), { keep_alive: 0.1 });
    assert.equal((await generateText(asked)).text, "It rains.");
    assert.equal(await streamText(asked).text, "It rains.");
  });

  return provider_for;
}
