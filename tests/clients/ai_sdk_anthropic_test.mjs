// The AI SDK with `@ai-sdk/anthropic`.
import { createAnthropic } from "@ai-sdk/anthropic";
import { test_provider } from "./ai_sdk.mjs";

test_provider({
  make: (url, apiKey) => createAnthropic({ baseURL: `${url}/anthropic/v1`, apiKey }),
  quiet: { providerOptions: { anthropic: { thinking: { type: "disabled" } } } },
});
