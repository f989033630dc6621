// A path through the tree as a request of the API.
import type { ApiMessage, ApiTool, ChatRequest } from "../api/types";
import type { Effort } from "../store/settings";
import type { Attachment, Conversation, Message } from "../store/tree";
import { built_in_tools } from "./built_in_tools";

// Files as DeepSeek's own template for uploads writes them.
export function with_files(question: string, files: Attachment[] | undefined): string {
  const parts = (files ?? []).map(
    ({ name, text }) => `[file name]: ${name}\n[file content begin]\n${text}\n[file content end]`);
  return [...parts, question].filter(Boolean).join("\n");
}

function api_message(message: Message): ApiMessage {
  if (message.role === "user") return { role: "user", content: with_files(message.content, message.attachments) };
  if (message.role === "tool") return { role: "tool", content: message.content, tool_call_id: message.call ?? "" };
  return {
    role: "assistant",
    content: message.content,
    ...(message.reasoning ? { reasoning_content: message.reasoning } : {}),
    ...(message.calls?.length ? { tool_calls: message.calls } : {}),
  };
}

// Leaves out answers without a word, and calls that nobody answered: the API takes neither.
export function messages_of(system: string, path: Message[]): ApiMessage[] {
  const answered = new Set(path.filter((message) => message.role === "tool").map((message) => message.call));
  const messages: ApiMessage[] = system.trim() ? [{ role: "system", content: system }] : [];
  for (const message of path) {
    const written = api_message(message);
    const calls = written.tool_calls?.filter((call) => answered.has(call.id)) ?? [];
    if (calls.length > 0) written.tool_calls = calls;
    else delete written.tool_calls;
    if (message.role === "assistant" && !written.content && !written.tool_calls) continue;
    messages.push(written);
  }
  return messages;
}

export function tools_of(conversation: Conversation): ApiTool[] {
  const own = conversation.tools.trim() ? read_tools(conversation.tools) : [];
  const names = new Set(own.map((tool) => tool.function.name));
  const built_in = conversation.built_in_tools ? built_in_tools : [];
  return [...built_in.filter((tool) => !names.has(tool.function.name)), ...own];
}

// A list of tools as the API takes them, or of their functions alone. Throws with what is wrong.
export function read_tools(written: string): ApiTool[] {
  const list = JSON.parse(written) as unknown;
  if (!Array.isArray(list)) throw new Error("expected a list: [ … ]");
  return list.map((each: { function?: ApiTool["function"]; name?: string }, index) => {
    const named = each.function ?? (each as ApiTool["function"]);
    if (typeof named.name !== "string") throw new Error(`tool ${index + 1} has no name`);
    return { type: "function", function: named };
  });
}

export interface Wish {
  model: string;
  effort: Effort;
  conversation: Conversation;
  path: Message[]; // up to what is to be answered
  goes_on: Message | null; // an answer that is to go on
}

export function chat_request({ model, effort, conversation, path, goes_on }: Wish): ChatRequest {
  const messages = messages_of(conversation.system, path);
  if (goes_on) messages.push({ ...api_message({ ...goes_on, calls: [] }), prefix: true });
  const tools = tools_of(conversation);
  return {
    model,
    messages,
    thinking: { type: effort === "off" ? "disabled" : "enabled" },
    ...(effort === "off" ? {} : { reasoning_effort: effort }),
    ...(tools.length > 0 ? { tools } : {}),
  };
}
