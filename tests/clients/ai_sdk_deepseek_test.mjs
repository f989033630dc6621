// The AI SDK with `@ai-sdk/deepseek`.
import assert from "node:assert/strict";
import test from "node:test";
import { createDeepSeek } from "@ai-sdk/deepseek";
import { generateText } from "ai";
import { test_provider } from "./ai_sdk.mjs";
import { script } from "./script.mjs";
import { thoughtful } from "./stage.mjs";

const quiet = { providerOptions: { deepseek: { thinking: { type: "disabled" } } } };

// It lets tools be strict under /beta alone, as the hosted API does.
const provider_for = test_provider({ make: (url, apiKey) => createDeepSeek({ baseURL: `${url}/beta`, apiKey }), quiet });

test("what DeepSeek alone tells: hits and misses of the cache, tokens of reasoning", async (test) => {
  const { asked } = await provider_for(test, script("cached 4", thoughtful));
  const { providerMetadata, usage } = await generateText(asked);
  const { promptCacheHitTokens, promptCacheMissTokens } = providerMetadata.deepseek;
  assert.equal(promptCacheHitTokens, 4);
  assert.equal(promptCacheMissTokens, usage.inputTokens - 4);
  assert.ok(usage.outputTokenDetails.reasoningTokens > 0);
  const answer = await generateText({ ...asked, ...quiet });
  assert.equal(answer.reasoningText, undefined);
});

test("its base URL, with and without /v1", async (test) => {
  const { server, asked } = await provider_for(test, thoughtful);
  for (const base of ["", "/v1", "/beta", "/beta/v1"]) {
    const model = createDeepSeek({ baseURL: server.url + base, apiKey: "any" })("deepseek-v4-pro");
    assert.equal((await generateText({ ...asked, model })).text, "It rains.", base);
  }
});
