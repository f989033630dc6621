// What a conversation is framed by: its name, its system prompt, its tools.
import { useState } from "preact/hooks";
import { built_in_tools } from "../chat/built_in_tools";
import { read_tools } from "../chat/request";
import { text } from "../language/text";
import { close_dialog, Dialog } from "./dialog";

export interface Frame {
  system: string;
  built_in_tools: boolean;
  tools: string;
}

const kExample = `[
  {
    "name": "get_weather",
    "description": "The weather of a city.",
    "parameters": {
      "type": "object",
      "properties": { "city": { "type": "string" } },
      "required": ["city"]
    }
  }
]`;

function fault_of(tools: string): string {
  try {
    if (tools.trim()) read_tools(tools);
    return "";
  } catch (fault) {
    return (fault as Error).message;
  }
}

export function ConversationDialog({ frame, change, title, rename }: {
  frame: Frame; change: (changes: Partial<Frame>) => void; title: string | null; rename: (title: string) => void;
}) {
  const [tools, set_tools] = useState(frame.tools);
  const fault = fault_of(tools);
  return (
    <Dialog title={text("conversation_settings")}>
      {title !== null && (
        <label class="field">
          <span>{text("name")}</span>
          <input value={title} onInput={(event) => rename(event.currentTarget.value)} />
        </label>
      )}
      <label class="field">
        <span>{text("system_prompt")}</span>
        <textarea rows={5} value={frame.system} placeholder={text("system_example")}
          onInput={(event) => change({ system: event.currentTarget.value })} />
      </label>
      <label class="tick">
        <input type="checkbox" checked={frame.built_in_tools}
          onChange={(event) => change({ built_in_tools: event.currentTarget.checked })} />
        <span>
          {text("built_in_tools")}: {built_in_tools.map((tool) => tool.function.name).join(", ")}
        </span>
      </label>
      <label class="field">
        <span>{text("own_tools")}</span>
        <textarea rows={8} class="code-field" spellcheck={false} value={tools} placeholder={kExample}
          aria-invalid={fault !== ""} aria-describedby="tools-fault"
          onInput={(event) => {
            const written = event.currentTarget.value;
            set_tools(written);
            if (!fault_of(written)) change({ tools: written });
          }} />
        <span class="fault" id="tools-fault" role="status">{fault}</span>
      </label>
      <p class="quiet">{text("own_tools_how")}</p>
      <div class="actions">
        {!tools.trim() && (
          <button type="button" onClick={() => {
            set_tools(kExample);
            change({ tools: kExample });
          }}>
            {text("fill_example")}
          </button>
        )}
        <button type="button" class="primary" onClick={close_dialog}>{text("done")}</button>
      </div>
    </Dialog>
  );
}
