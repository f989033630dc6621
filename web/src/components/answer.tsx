import type { ComponentChildren } from "preact";
import { go_on } from "../chat/answers";
import { text } from "../language/text";
import { Markdown } from "../markdown/markdown";
import type { Message } from "../store/tree";
import { CopyButton } from "./copy_button";
import { FiguresLine } from "./figures_line";
import { Icon, IconButton } from "./icons";
import { Thinking } from "./thinking";
import { ToolCards } from "./tool_cards";

interface AnswerProps {
  message: Message;
  results: Message[];
  is_running: boolean;
  is_last: boolean;
  busy: boolean;
  regenerate: () => void;
  siblings: ComponentChildren;
}

// How an answer ended, where that was not by itself; null otherwise.
function ending(message: Message, is_running: boolean): { said: string; is_fault: boolean } | null {
  if (is_running) return null;
  if (message.state === "streaming" || message.state === "interrupted") return { said: text("interrupted"), is_fault: false };
  if (message.state === "stopped") return { said: text("stopped"), is_fault: false };
  if (message.state === "failed") return { said: message.fault || text("failed"), is_fault: true };
  if (message.finish === "length") return { said: text("reached_limit"), is_fault: false };
  return null;
}

export function Answer({ message, results, is_running, is_last, busy, regenerate, siblings }: AnswerProps) {
  const end = ending(message, is_running);
  const can_go_on = end !== null && message.content.trim() !== "" && !message.calls?.length;
  const waits = is_running && !message.content && !message.reasoning && !message.calls?.length;
  return (
    <article class="turn answer" aria-label={text("answer")} aria-busy={is_running}>
      {message.reasoning && (
        <Thinking reasoning={message.reasoning} milliseconds={message.thinking_ms ?? 0}
          thinks={is_running && !message.content && !message.calls?.length} />
      )}
      {waits && <p class="waits"><span class="pulse" />{text("reading")}</p>}
      {message.content && <Markdown source={message.content} />}
      {message.calls && <ToolCards message={message} results={results} can_answer={!busy && is_last} />}
      {end && (
        <p class={end.is_fault ? "ending fault" : "ending"} role={end.is_fault ? "alert" : undefined}>
          <span>{end.said}</span>
          {is_last && !busy && can_go_on && (
            <button type="button" onClick={() => void go_on(message)}>
              <Icon name="go_on" />
              {text("go_on")}
            </button>
          )}
          {is_last && !busy && !can_go_on && (
            <button type="button" onClick={regenerate}>
              <Icon name="repeat" />
              {text("ask_again")}
            </button>
          )}
        </p>
      )}
      <footer>
        {siblings}
        <FiguresLine message={message} />
        <span class="tools">
          <CopyButton content={message.content} label={text("copy_answer")} />
          <IconButton name="repeat" label={text("regenerate")} act={regenerate} disabled={busy} />
        </span>
      </footer>
    </article>
  );
}
