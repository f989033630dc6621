// A question or an answer, with what one can do with it.
import { useEffect, useRef, useState } from "preact/hooks";
import { is_written } from "../chat/answers";
import { text } from "../language/text";
import { choose_sibling } from "../store/library";
import { children_of, type Message, type Tree } from "../store/tree";
import { Answer } from "./answer";
import { CopyButton } from "./copy_button";
import { Icon, IconButton } from "./icons";
import { count } from "../base/quantity";

interface TurnProps {
  message: Message;
  tree: Tree;
  path: Message[];
  busy: boolean;
  edited: boolean;
  begin_edit: () => void;
  end_edit: () => void;
  edit: (question: string) => void;
  regenerate: () => void;
}

function Siblings({ message, tree, busy }: Pick<TurnProps, "message" | "tree" | "busy">) {
  const siblings = children_of(tree, message.parent);
  if (siblings.length < 2) return null;
  const index = siblings.findIndex((each) => each.id === message.id);
  const choose = (at: number) => {
    const sibling = siblings[at];
    if (sibling) choose_sibling(sibling);
  };
  return (
    <span class="siblings" role="group" aria-label={text("branches")}>
      <IconButton name="left" label={text("previous_branch")} act={() => choose(index - 1)} disabled={busy || index === 0} />
      <span>{index + 1} / {siblings.length}</span>
      <IconButton name="right" label={text("next_branch")} act={() => choose(index + 1)}
        disabled={busy || index === siblings.length - 1} />
    </span>
  );
}

function Editor({ message, edit, end_edit }: Pick<TurnProps, "message" | "edit" | "end_edit">) {
  const [question, set_question] = useState(message.content);
  const area = useRef<HTMLTextAreaElement>(null);
  useEffect(() => area.current?.focus(), []);
  return (
    <form class="editor" onSubmit={(event) => {
      event.preventDefault();
      if (question.trim() || message.attachments?.length) edit(question);
    }}>
      <textarea ref={area} rows={Math.min(12, question.split("\n").length + 1)} value={question}
        aria-label={text("edit_question")} onInput={(event) => set_question(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") end_edit();
          if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
            event.preventDefault();
            event.currentTarget.form?.requestSubmit();
          }
        }} />
      <div class="actions">
        <span class="quiet">{text("edit_keeps_both")}</span>
        <button type="button" onClick={end_edit}>{text("cancel")}</button>
        <button class="primary">{text("send")}</button>
      </div>
    </form>
  );
}

function Question(props: TurnProps) {
  const { message, busy, edited, begin_edit } = props;
  if (edited) return <article class="turn question"><Editor {...props} /></article>;
  return (
    <article class="turn question" aria-label={text("your_question")}>
      {message.attachments?.map((file) => (
        <span key={file.name} class="attachment">
          <Icon name="file" />
          {file.name}
          <small>{text("characters", count(file.text.length))}</small>
        </span>
      ))}
      {message.content && <div class="bubble">{message.content}</div>}
      <footer>
        <Siblings {...props} />
        <span class="tools">
          <IconButton name="edit" label={text("edit_question")} act={begin_edit} disabled={busy} />
          <CopyButton content={message.content} label={text("copy_question")} />
        </span>
      </footer>
    </article>
  );
}

export function Turn(props: TurnProps) {
  const { message, path, busy, regenerate } = props;
  if (message.role === "user") return <Question {...props} />;
  const results = path.filter((each) => each.role === "tool" && message.calls?.some((call) => call.id === each.call));
  return (
    <Answer message={message} results={results} is_running={is_written(message.id)} busy={busy}
      is_last={path.findLast((each) => each.role === "assistant") === message} regenerate={regenerate}
      siblings={<Siblings {...props} />} />
  );
}
