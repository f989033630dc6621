// The AI SDK with `@ai-sdk/anthropic`.
import { createAnthropic } from "@ai-sdk/anthropic";
import { test_provider } from "./ai_sdk.mjs";
import { calls } from "./script.mjs";

test_provider({
  make: (url, apiKey) => createAnthropic({ baseURL: `${url}/anthropic/v1`, apiKey }),
  // It does not know the model, so it asks for an object by forcing a call of a tool of its own.
  object: calls({ json: { city: "Rome", degrees: 21 } }),
  quiet: { providerOptions: { anthropic: { thinking: { type: "disabled" } } } },
});
