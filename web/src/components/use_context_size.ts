// How much of the model's context a question would take, counted by the server once files make it worth asking.
import { useEffect, useState } from "preact/hooks";
import { model_of, served } from "../api/models";
import { count_tokens } from "../api/token_count";
import { use_value } from "../base/observable";
import { count } from "../base/quantity";
import { messages_of, with_files } from "../chat/request";
import { text } from "../language/text";
import { settings } from "../store/settings";
import type { Attachment, Message } from "../store/tree";

const kWorthCounting = 4_000; // characters; below, a question has room in any case
const kPatience = 400; // milliseconds without another letter

export interface ContextSize {
  said: string;
  too_large: boolean;
}

const kUnknown: ContextSize = { said: "", too_large: false };

export function use_context_size({ system, path, question, files }: {
  system: string; path: Message[]; question: string; files: Attachment[];
}): ContextSize {
  const [size, set_size] = useState(kUnknown);
  const model = model_of(use_value(settings).mode, use_value(served));
  const length = question.length + files.reduce((sum, file) => sum + file.text.length, 0);
  const worth = model !== null && length > kWorthCounting;
  useEffect(() => {
    if (!worth || !model) return set_size(kUnknown);
    const abort = new AbortController();
    const timer = setTimeout(() => {
      set_size({ said: text("counting"), too_large: false });
      const asked = { role: "user" as const, content: with_files(question, files) };
      count_tokens(model.id, [...messages_of(system, path), asked], abort.signal)
        .then((tokens) => {
          const room = model.context_window ?? Infinity;
          const said = room === Infinity ? text("tokens", count(tokens)) : text("tokens_of", count(tokens), count(room));
          set_size({ said: tokens < room ? said : text("too_large", said), too_large: tokens >= room });
        })
        .catch(() => !abort.signal.aborted && set_size(kUnknown)); // the server says it where it does not fit
    }, kPatience);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [worth, model?.id, question, files, system, path.length]);
  return size;
}
