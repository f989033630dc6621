// One conversation: its turns, and the place to write. A new one begins with its first question.
import { useEffect, useRef, useState } from "preact/hooks";
import { answer, is_running, running, say, stop } from "../chat/answers";
import { elsewhere } from "../chat/elsewhere";
import { model_of, served, type Mode } from "../api/models";
import { Observable, use_value } from "../base/observable";
import { address_of, go } from "../base/route";
import { text } from "../language/text";
import { begin_conversation, change_conversation, choose_sibling, conversations, tree_of } from "../store/library";
import { change_settings, settings, type Effort } from "../store/settings";
import { children_of, path_of, type Attachment, type Message, type Tree } from "../store/tree";
import { announce } from "./announcer";
import { Composer } from "./composer";
import { ConversationDialog, type Frame } from "./conversation_dialog";
import { dialog, open_dialog } from "./dialog";
import { IconButton } from "./icons";
import { listen_to_keys } from "./shortcuts";
import { Turn } from "./turn";
import { use_follow } from "./use_follow";
import { Welcome } from "./welcome";

const kNone = new Observable<Tree | null>(null);
const kEfforts: Effort[] = ["off", "high", "max"];

function title_of(question: string, files: Attachment[]): string {
  const line = question.trim().split("\n")[0] ?? "";
  return (line || files[0]?.name || "").slice(0, 80);
}

// Results stand in their answer's cards, not as turns of their own.
const is_turn = (message: Message): boolean => message.role !== "tool";

export function ConversationView({ id }: { id: string | null }) {
  const tree = use_value(id ? tree_of(id) : kNone);
  const all = use_value(conversations);
  const opened = use_value(dialog);
  use_value(running);
  use_value(elsewhere);
  use_value(served);
  const [draft, set_draft] = useState<Frame>({ system: settings.get().system, built_in_tools: false, tools: "" });
  const [edited, set_edited] = useState<string | null>(null);
  const path = tree ? path_of(tree) : [];
  const busy = id !== null && is_running(id);
  const scroll = useRef<HTMLDivElement>(null);
  const turns = useRef<HTMLDivElement>(null);
  const follow = use_follow(scroll, turns);
  const was_busy = useRef(busy);

  useEffect(() => {
    if (was_busy.current !== busy) announce(text(busy ? "answering" : "answered"));
    was_busy.current = busy;
  }, [busy]);

  const title = tree?.conversation.title ?? "";
  useEffect(() => {
    document.title = title ? `${title} · fathom` : "fathom";
  }, [title]);

  const send = async (question: string, files: Attachment[]) => {
    follow.to_end();
    if (tree) return say(tree.conversation.id, path.at(-1)?.id ?? null, question, files);
    const begun = await begin_conversation(draft.system, { ...draft, title: title_of(question, files) });
    go(address_of(begun.conversation.id));
    await say(begun.conversation.id, null, question, files);
  };
  const edit = (message: Message, question: string) => {
    set_edited(null);
    void say(message.conversation, message.parent, question, message.attachments);
  };
  const regenerate = () => {
    const last = path.findLast((message) => message.role === "user");
    if (last && !busy) void answer(last.conversation, last.id);
  };
  const step = (by: number) => {
    if (!tree) return false;
    const forked = path.findLast((message) => children_of(tree, message.parent).length > 1);
    if (!forked) return false;
    const siblings = children_of(tree, forked.parent);
    const next = siblings[siblings.findIndex((each) => each.id === forked.id) + by];
    if (next) choose_sibling(next);
    return true;
  };

  useEffect(() =>
    listen_to_keys((key) => {
      const last = path.findLast((message) => message.role === "user");
      if (key === "escape" && busy && id) return stop(id), true;
      if (key === "escape" && edited) return set_edited(null), true;
      if (key === "e" && last && !busy) return set_edited(last.id), true;
      if (key === "r") return regenerate(), true;
      if (key === "arrowleft" || key === "arrowright") return !busy && step(key === "arrowleft" ? -1 : 1);
      const mode: Mode | null = key === "i" ? "instant" : key === "x" ? "expert" : null;
      if (mode && model_of(mode, served.get())) return change_settings({ mode }), true;
      if (key !== "t") return false;
      const next = kEfforts[(kEfforts.indexOf(settings.get().effort) + 1) % kEfforts.length];
      change_settings({ effort: next });
      return true;
    }));

  if (id && !all.some((each) => each.id === id))
    return (
      <main id="main" class="room" tabIndex={-1}>
        <p class="empty">{text("no_such_conversation")}</p>
      </main>
    );
  const frame = tree?.conversation ?? draft;
  return (
    <main id="main" class="room" tabIndex={-1}>
      <header class="room-header">
        <h1>{title || text("new_chat")}</h1>
        <IconButton name="sliders" label={text("conversation_settings")} act={() => open_dialog("conversation")}
          active={Boolean(frame.system || frame.built_in_tools || frame.tools)} />
      </header>
      <div class="scroll" ref={scroll} onScroll={follow.scrolled}>
        {path.length === 0 && !id && <Welcome ask={(question) => void send(question, [])} />}
        <div class="turns" ref={turns}>
          {tree && path.filter(is_turn).map((message) => (
            <Turn key={message.id} message={message} tree={tree} path={path} busy={busy}
              edited={edited === message.id} begin_edit={() => set_edited(message.id)} end_edit={() => set_edited(null)}
              edit={(question) => edit(message, question)}
              regenerate={() => void answer(message.conversation, message.parent ?? "")} />
          ))}
        </div>
      </div>
      <div class="dock">
        {!follow.at_end && path.length > 0 && (
          <div class="to-end">
            <IconButton name="down" label={text("to_end")} act={follow.to_end} />
          </div>
        )}
        <Composer system={frame.system} path={path} busy={busy} send={send} stop={() => id && stop(id)} />
      </div>
      {opened === "conversation" && (
        <ConversationDialog frame={frame} change={(changes) =>
          tree ? change_conversation(tree.conversation.id, changes) : set_draft({ ...draft, ...changes })}
          title={tree ? title : null} rename={(name) => tree && change_conversation(tree.conversation.id, { title: name })} />
      )}
    </main>
  );
}
