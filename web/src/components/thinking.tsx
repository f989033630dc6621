// What the model thinks before it answers: open while it thinks, folded to its time when it speaks.
import { useState } from "preact/hooks";
import { seconds } from "../base/quantity";
import { text } from "../language/text";
import { Markdown } from "../markdown/markdown";
import { Icon } from "./icons";

export function Thinking({ reasoning, milliseconds, thinks }: { reasoning: string; milliseconds: number; thinks: boolean }) {
  const [opened, set_opened] = useState<boolean | null>(null); // null: as it is by itself
  const shown = opened ?? thinks;
  return (
    <div class={thinks ? "thinking now" : "thinking"}>
      <button type="button" aria-expanded={shown} onClick={() => set_opened(!shown)}>
        <Icon name="thought" />
        {thinks ? text("thinking_for", seconds(milliseconds)) : text("thought_for", seconds(milliseconds))}
        <Icon name={shown ? "down" : "right"} />
      </button>
      {shown && <div class="thoughts"><Markdown source={reasoning} /></div>}
    </div>
  );
}
