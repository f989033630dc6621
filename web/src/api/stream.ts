// An answer as it comes: chunks until the server has said [DONE]. A stream that ends before is a failure.
import { ApiError, ask } from "./connection";
import { read_events } from "./events";
import type { ChatChunk, ChatRequest, CompletionChunk } from "./types";
import { text } from "../language/text";

async function* stream<T extends { error?: { message: string } }>(
  path: string, body: object, signal: AbortSignal): AsyncGenerator<T> {
  const response = await ask(path, {
    body: { ...body, stream: true, stream_options: { include_usage: true } },
    signal,
  });
  if (!response.body) throw new ApiError(0, text("cut_off"));
  const events = read_events<T>(response.body);
  for (;;) {
    let next;
    try {
      next = await events.next();
    } catch (fault) {
      if (signal.aborted || fault instanceof SyntaxError) throw fault;
      throw new ApiError(0, text("cut_off"));
    }
    if (next.done) {
      if (!next.value) throw new ApiError(0, text("cut_off"));
      return;
    }
    if (next.value.error) throw new ApiError(response.status, next.value.error.message);
    yield next.value;
  }
}

export function stream_chat(request: ChatRequest, signal: AbortSignal): AsyncGenerator<ChatChunk> {
  const goes_on = request.messages.at(-1)?.prefix === true;
  return stream<ChatChunk>(goes_on ? "beta/chat/completions" : "v1/chat/completions", request, signal);
}

export function stream_completion(request: object, signal: AbortSignal): AsyncGenerator<CompletionChunk> {
  return stream<CompletionChunk>("beta/completions", request, signal);
}
