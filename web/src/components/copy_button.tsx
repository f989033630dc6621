import { useState } from "preact/hooks";
import { text } from "../language/text";
import { announce } from "./announcer";
import { IconButton } from "./icons";

async function copy(content: string): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(content);
  // Over plain HTTP from another machine there is no clipboard but this one.
  const area = document.createElement("textarea");
  area.value = content;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

export function CopyButton({ content, label }: { content: string; label: string }) {
  const [done, set_done] = useState(false);
  const act = () =>
    void copy(content).then(() => {
      set_done(true);
      announce(text("copied"));
      setTimeout(() => set_done(false), 1500);
    });
  return <IconButton name={done ? "check" : "copy"} label={done ? text("copied") : label} act={act} />;
}
