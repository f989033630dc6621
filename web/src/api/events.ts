// Server-sent events of a body, as JSON. They may be cut anywhere; a comment keeps the connection alive and says nothing.
export async function* read_events<T>(body: ReadableStream<Uint8Array>): AsyncGenerator<T, boolean> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return false;
      rest += value;
      const events = rest.split("\n\n");
      rest = events.pop() ?? "";
      for (const event of events) {
        for (const line of event.split("\n")) {
          if (!line.startsWith("data:")) continue;
          const data = line.slice(5).trim();
          if (data === "[DONE]") return true;
          yield JSON.parse(data) as T;
        }
      }
    }
  } finally {
    reader.cancel().catch(() => undefined);
  }
}
