// The AI SDK with `@ai-sdk/openai-compatible`.
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { test_provider } from "./ai_sdk.mjs";

test_provider({
  make: (url, apiKey) => createOpenAICompatible({
    name: "fathom", baseURL: `${url}/v1`, apiKey, includeUsage: true, supportsStructuredOutputs: true,
  }),
  quiet: { providerOptions: { fathom: { thinking: { type: "disabled" } } } },
});
