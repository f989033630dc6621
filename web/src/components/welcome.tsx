// Before the first question: what one could ask, each a click.
import { served } from "../api/models";
import { use_value } from "../base/observable";
import { text } from "../language/text";
import type { TextName } from "../language/english";

const kQuestions: TextName[] = ["ask_story", "ask_explain", "ask_code", "ask_table"];

export function Welcome({ ask }: { ask: (question: string) => void }) {
  const all = use_value(served);
  return (
    <div class="welcome">
      <span class="mark large" aria-hidden="true" />
      <h2>{text("welcome")}</h2>
      <p class="quiet">{text("welcome_more")}</p>
      {all?.fault && <p class="fault" role="alert">{all.fault}</p>}
      <div class="questions">
        {kQuestions.map((name) => (
          <button key={name} type="button" onClick={() => ask(text(name))}>{text(name)}</button>
        ))}
      </div>
    </div>
  );
}
