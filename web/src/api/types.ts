// DeepSeek's chat API as far as the page speaks it (docs/api.md).
export interface ApiToolCall {
  id: string;
  type: "function";
  function: { name: string; arguments: string };
}

export interface ApiMessage {
  role: "system" | "user" | "assistant" | "tool";
  content: string;
  reasoning_content?: string;
  tool_calls?: ApiToolCall[];
  tool_call_id?: string;
  prefix?: boolean;
}

export interface ApiTool {
  type: "function";
  function: { name: string; description?: string; parameters?: unknown; strict?: boolean };
}

export interface Usage {
  prompt_tokens: number;
  completion_tokens: number;
  prompt_cache_hit_tokens?: number;
  prompt_cache_miss_tokens?: number;
  completion_tokens_details?: { reasoning_tokens?: number };
}

export interface TokenProbability {
  token: string;
  logprob: number;
  top_logprobs?: { token: string; logprob: number }[];
}

export interface ChatRequest {
  model: string;
  messages: ApiMessage[];
  thinking: { type: "enabled" | "disabled" };
  reasoning_effort?: "high" | "max";
  max_tokens?: number;
  temperature?: number;
  seed?: number;
  stop?: string[];
  tools?: ApiTool[];
  response_format?: unknown;
  logprobs?: boolean;
  top_logprobs?: number;
}

export interface ChatChunk {
  error?: { message: string };
  usage?: Usage | null;
  choices: {
    delta: {
      content?: string | null;
      reasoning_content?: string | null;
      tool_calls?: { index: number; id?: string; function?: { name?: string; arguments?: string } }[];
    };
    logprobs?: { content?: TokenProbability[] | null; reasoning_content?: TokenProbability[] | null } | null;
    finish_reason: string | null;
  }[];
}

export interface CompletionChunk {
  error?: { message: string };
  usage?: Usage | null;
  choices: { text: string; finish_reason: string | null }[];
}
