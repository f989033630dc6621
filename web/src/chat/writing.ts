// Chunks become a message: text, reasoning and its time, calls, figures. Pure but for the clock.
import type { ChatChunk, Usage } from "../api/types";
import type { Figures, Message } from "../store/tree";

export class Writing {
  message: Message;
  #start: number;
  #first: number | null = null;
  #thinking_from: number | null = null;
  #thought_before: number;
  #before: Figures | undefined;
  #calls_before: number;

  constructor(message: Message, now: number) {
    this.message = message;
    this.#start = now;
    this.#thought_before = message.thinking_ms ?? 0;
    this.#before = message.figures;
    this.#calls_before = message.calls?.length ?? 0;
  }

  add(chunk: ChatChunk, now: number): void {
    const [choice] = chunk.choices;
    const delta = choice?.delta;
    const next = { ...this.message };
    if (delta?.reasoning_content) {
      this.#first ??= now;
      this.#thinking_from ??= now;
      next.reasoning = (next.reasoning ?? "") + delta.reasoning_content;
      next.thinking_ms = this.#thought_before + now - this.#thinking_from;
    }
    if (delta?.content) {
      this.#first ??= now;
      next.content += delta.content;
    }
    for (const call of delta?.tool_calls ?? []) {
      this.#first ??= now;
      const calls = [...(next.calls ?? [])];
      const index = this.#calls_before + call.index;
      const known = calls[index] ?? { id: "", type: "function" as const, function: { name: "", arguments: "" } };
      calls[index] = {
        ...known,
        id: call.id ?? known.id,
        function: {
          name: call.function?.name ?? known.function.name,
          arguments: known.function.arguments + (call.function?.arguments ?? ""),
        },
      };
      next.calls = calls;
    }
    if (choice?.finish_reason) next.finish = choice.finish_reason;
    if (chunk.usage) next.figures = this.#figures(chunk.usage, now);
    this.message = next;
  }

  has_begun(): boolean {
    return this.#first !== null;
  }

  // The end, however it came. Calls that were cut off are no calls.
  end(state: Message["state"], fault: string, now: number): Message {
    const whole = state === "done" && this.message.finish !== "length";
    this.message = {
      ...this.message,
      state,
      fault: fault || undefined,
      calls: whole ? this.message.calls : undefined,
      figures: this.message.figures ?? this.#figures(null, now),
    };
    return this.message;
  }

  #figures(usage: Usage | null, now: number): Figures {
    const before = this.#before;
    return {
      prompt: usage?.prompt_tokens ?? before?.prompt ?? 0,
      cached: usage?.prompt_cache_hit_tokens ?? before?.cached ?? 0,
      output: (before?.output ?? 0) + (usage?.completion_tokens ?? 0),
      reasoning: (before?.reasoning ?? 0) + (usage?.completion_tokens_details?.reasoning_tokens ?? 0),
      first_ms: before?.first_ms ?? (this.#first === null ? 0 : this.#first - this.#start),
      total_ms: (before?.total_ms ?? 0) + now - this.#start,
    };
  }
}

const kWorthTiming = 100; // milliseconds; of less, a speed says nothing

export function tokens_per_second(figures: Figures): number {
  const writing = figures.total_ms - figures.first_ms;
  return figures.output > 1 && writing >= kWorthTiming ? ((figures.output - 1) * 1000) / writing : 0;
}
