// Where one writes: files, mode, thinking, and how much of the model's context it takes.
import { useEffect, useRef, useState } from "preact/hooks";
import { model_of, served, type Mode } from "../api/models";
import { use_value } from "../base/observable";
import { count } from "../base/quantity";
import { read_attachment } from "../chat/attachments";
import { text } from "../language/text";
import { change_settings, settings, type Effort } from "../store/settings";
import type { Attachment, Message } from "../store/tree";
import { Choice } from "./choice";
import { Icon, IconButton } from "./icons";
import { use_context_size } from "./use_context_size";
import { use_drop } from "./use_drop";

interface ComposerProps {
  system: string;
  path: Message[];
  busy: boolean;
  send: (question: string, files: Attachment[]) => Promise<void>;
  stop: () => void;
}

function Modes() {
  const { mode, effort } = use_value(settings);
  const all = use_value(served);
  const why_not = (each: Mode) => (all?.status === 200 && !model_of(each, all) ? text("mode_not_served") : undefined);
  return (
    <>
      <Choice<Mode> label={text("mode")} value={mode} choose={(each) => change_settings({ mode: each })}
        options={[
          {
            value: "instant",
            label: <><Icon name="instant" />{text("instant")}</>,
            why_not: why_not("instant"),
            hint: text("instant_hint"),
          },
          {
            value: "expert",
            label: <><Icon name="expert" />{text("expert")}</>,
            why_not: why_not("expert"),
            hint: text("expert_hint"),
          },
        ]} />
      <label class="effort" title={text("effort_hint")}>
        <Icon name="thought" />
        <span class="unseen">{text("thinking")}</span>
        <select value={effort} onChange={(event) => change_settings({ effort: event.currentTarget.value as Effort })}>
          <option value="off">{text("effort_off")}</option>
          <option value="high">{text("effort_high")}</option>
          <option value="max">{text("effort_max")}</option>
        </select>
      </label>
    </>
  );
}

function Files({ files, remove }: { files: Attachment[]; remove: (index: number) => void }) {
  if (files.length === 0) return null;
  return (
    <ul class="files">
      {files.map((file, index) => (
        <li key={file.name} class="attachment">
          <Icon name="file" />
          {file.name}
          <small>{text("characters", count(file.text.length))}</small>
          <IconButton name="close" label={text("remove_file", file.name)} act={() => remove(index)} />
        </li>
      ))}
    </ul>
  );
}

export function Composer({ system, path, busy, send, stop }: ComposerProps) {
  const [question, set_question] = useState("");
  const [files, set_files] = useState<Attachment[]>([]);
  const [fault, set_fault] = useState("");
  const area = useRef<HTMLTextAreaElement>(null);
  const input = useRef<HTMLInputElement>(null);
  const size = use_context_size({ system, path, question, files });

  const take = async (taken: File[]) => {
    set_fault("");
    for (const file of taken) {
      try {
        const read = await read_attachment(file);
        set_files((held) => [...held.filter((each) => each.name !== read.name), read]);
      } catch (problem) {
        set_fault((problem as Error).message);
      }
    }
    area.current?.focus();
  };
  const dragged = use_drop((taken) => void take(taken));
  const can_send = (question.trim() !== "" || files.length > 0) && !size.too_large && !busy;
  const submit = () => {
    if (!can_send) return;
    void send(question.trim(), files);
    set_question("");
    set_files([]);
  };
  useEffect(() => {
    if (!matchMedia("(pointer: coarse)").matches) area.current?.focus();
  }, []);

  return (
    <form class={dragged ? "composer dragged" : "composer"} onSubmit={(event) => {
      event.preventDefault();
      if (busy) stop();
      else submit();
    }}>
      <Files files={files} remove={(index) => set_files(files.filter((_, each) => each !== index))} />
      {fault && <p class="fault" role="alert">{fault}</p>}
      <div class="grow" data-text={question}>
        <textarea id="composer" ref={area} rows={1} value={question} placeholder={text("ask_anything")}
          aria-label={text("question")} onInput={(event) => set_question(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
            event.preventDefault();
            submit();
          }}
          onPaste={(event) => {
            const pasted = [...(event.clipboardData?.files ?? [])];
            if (pasted.length === 0) return;
            event.preventDefault();
            void take(pasted);
          }} />
      </div>
      <div class="bar">
        <IconButton name="attach" label={text("attach")} act={() => input.current?.click()} />
        <input ref={input} type="file" multiple hidden aria-label={text("attach")} onChange={(event) => {
          void take([...(event.currentTarget.files ?? [])]);
          event.currentTarget.value = "";
        }} />
        <Modes />
        <span class={size.too_large ? "size fault" : "size"} role="status">{size.said}</span>
        <button class="send" aria-label={busy ? text("stop") : text("send")} title={busy ? text("stop") : text("send")}
          disabled={!busy && !can_send}>
          <Icon name={busy ? "stop" : "send"} />
        </button>
      </div>
      {dragged && <div class="drop-here">{text("drop_here")}</div>}
    </form>
  );
}
