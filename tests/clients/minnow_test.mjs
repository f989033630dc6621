// The model that the repository carries, through the SDKs: what can be said of any model's answers.
import assert from "node:assert/strict";
import test from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import { createDeepSeek } from "@ai-sdk/deepseek";
import { generateText } from "ai";
import OpenAI from "openai";
import { clock_tool, weather_tool } from "./stage.mjs";
import { serve_minnow } from "./server.mjs";

const model = "deepseek-v4-flash";
const content = "Tell me a story about a fish.";
const messages = [{ role: "user", content }];
const quiet = { thinking: { type: "disabled" } };
const limit = 40;
const greedy = { temperature: 0, seed: 7 };

test("minnow, asked by all of them", async (test) => {
  const { url } = await serve_minnow(test);
  const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: "any", maxRetries: 0 });
  const anthropic = new Anthropic({ baseURL: `${url}/anthropic`, apiKey: "any", maxRetries: 0 });
  const ask = { model, messages, max_tokens: limit, ...greedy, ...quiet };
  const whole = await openai.chat.completions.create(ask);
  const text = whole.choices[0].message.content;

  await test.test("a body has words, and no more tokens than its limit", () => {
    assert.match(text, /\w+ \w+/);
    assert.ok(whole.usage.completion_tokens <= limit);
  });

  await test.test("its stream says the same", async () => {
    let streamed = "";
    for await (const chunk of await openai.chat.completions.create({ ...ask, stream: true }))
      streamed += chunk.choices[0].delta.content ?? "";
    assert.equal(streamed, text);
  });

  await test.test("logprobs of a greedy answer: each token is the best one, and together they are the text", async () => {
    const { choices } = await openai.chat.completions.create({ ...ask, logprobs: true, top_logprobs: 3 });
    const tokens = choices[0].logprobs.content;
    assert.equal(Buffer.from(tokens.flatMap((each) => each.bytes)).toString(), text);
    for (const each of tokens) {
      assert.equal(each.top_logprobs[0].token, each.token);
      assert.ok(each.logprob <= 0 && each.top_logprobs[1].logprob <= each.logprob);
    }
  });

  await test.test("a stop string ends it", async () => {
    const stop = text.split(" ")[2];
    const { choices } = await openai.chat.completions.create({ ...ask, stop });
    assert.equal(choices[0].message.content, text.slice(0, text.indexOf(stop)));
    assert.equal(choices[0].finish_reason, "stop");
  });

  await test.test("Anthropic's SDK and the Responses API hear the same answer", async () => {
    const message = await anthropic.messages.create(
      { model, messages, max_tokens: limit, temperature: 0, ...quiet });
    assert.equal(message.content[0].text, text);
    const response = await openai.responses.create(
      { model, input: content, max_output_tokens: limit, temperature: 0, reasoning: { effort: "none" } });
    assert.equal(response.output_text, text);
    const counted = await anthropic.messages.countTokens({ model, messages, ...quiet });
    assert.equal(counted.input_tokens, whole.usage.prompt_tokens);
  });

  await test.test("the AI SDK too", async () => {
    const provider = createDeepSeek({ baseURL: `${url}/v1`, apiKey: "any" });
    const answer = await generateText({ model: provider(model), prompt: content, maxOutputTokens: limit, temperature: 0,
      providerOptions: { deepseek: quiet } });
    assert.equal(answer.text, text);
  });

  await test.test("thinking: reasoning is counted as such, whatever becomes of the answer", async () => {
    const { choices, usage } = await openai.chat.completions.create({ model, messages, max_tokens: limit, seed: 7 });
    assert.equal(typeof choices[0].message.reasoning_content, "string");
    assert.ok(usage.completion_tokens_details.reasoning_tokens > 0);
    assert.ok(usage.completion_tokens_details.reasoning_tokens <= usage.completion_tokens);
  });

  await test.test("tools are offered, and a call, if there is one, is of one of them", async () => {
    const tools = [weather_tool, clock_tool].map((each) => ({ type: "function", function: each }));
    const { choices } = await openai.chat.completions.create({ ...ask, tools });
    for (const call of choices[0].message.tool_calls ?? []) {
      assert.ok(tools.some((tool) => tool.function.name === call.function.name), call.function.name);
      assert.equal(typeof JSON.parse(call.function.arguments), "object");
    }
  });
});
