import { useEffect, useState } from "preact/hooks";
import { is_running, running, stop } from "../chat/answers";
import { elsewhere } from "../chat/elsewhere";
import { use_value } from "../base/observable";
import { address_of, go, route } from "../base/route";
import { text } from "../language/text";
import { conversations, remove, search, type Found } from "../store/library";
import { save_file, write_archive } from "../store/transfer";
import type { Conversation } from "../store/tree";
import { open_dialog } from "./dialog";
import { Icon, IconButton } from "./icons";

const kDay = 86_400_000;

function age_of(conversation: Conversation): string {
  const midnight = new Date().setHours(0, 0, 0, 0);
  if (conversation.updated >= midnight) return text("today");
  if (conversation.updated >= midnight - kDay) return text("yesterday");
  return conversation.updated >= midnight - 7 * kDay ? text("last_week") : text("earlier");
}

function Entry({ conversation, excerpt, here }: Found & { here: boolean }) {
  const [asks, set_asks] = useState(false);
  use_value(running);
  use_value(elsewhere);
  const title = conversation.title || text("untitled");
  if (asks)
    return (
      <li class="entry asks">
        <span>{text("really_delete")}</span>
        <button type="button" class="danger" onClick={() => {
          stop(conversation.id);
          void remove(conversation.id);
          if (here) go(address_of(null));
        }}>
          {text("delete")}
        </button>
        <button type="button" onClick={() => set_asks(false)}>{text("keep")}</button>
      </li>
    );
  return (
    <li class={here ? "entry here" : "entry"}>
      <a href={address_of(conversation.id)} aria-current={here ? "page" : undefined} title={title}>
        <span class="title">
          {is_running(conversation.id) && <span class="pulse" aria-label={text("answering")} role="img" />}
          {title}
        </span>
        {excerpt && <span class="excerpt">{excerpt}</span>}
      </a>
      <span class="tools">
        <IconButton name="export" label={text("export_one", title)} act={() =>
          void write_archive([conversation.id]).then((content) => save_file(`${title.slice(0, 40)}.json`, content))} />
        <IconButton name="trash" label={text("delete_one", title)} act={() => set_asks(true)} />
      </span>
    </li>
  );
}

function List({ words }: { words: string }) {
  const all = use_value(conversations);
  const here = use_value(route).conversation;
  const [found, set_found] = useState<Found[] | null>(null);
  useEffect(() => {
    if (!words.trim()) return set_found(null);
    let current = true;
    const timer = setTimeout(() => void search(words).then((each) => current && set_found(each)), 120);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [words, all]);
  const shown = found ?? all.map((conversation) => ({ conversation, excerpt: "" }));
  if (shown.length === 0) return <p class="empty">{words ? text("nothing_found") : text("no_conversations")}</p>;
  const groups = new Map<string, Found[]>();
  for (const each of shown) {
    const age = age_of(each.conversation);
    groups.set(age, [...(groups.get(age) ?? []), each]);
  }
  return (
    <>
      {[...groups].map(([age, entries]) => (
        <section key={age}>
          <h2>{age}</h2>
          <ul>
            {entries.map((each) => <Entry key={each.conversation.id} {...each} here={each.conversation.id === here} />)}
          </ul>
        </section>
      ))}
    </>
  );
}

export function Sidebar({ shown, toggle }: { shown: boolean; toggle: () => void }) {
  const [words, set_words] = useState("");
  const { room } = use_value(route);
  if (!shown)
    return (
      <div class="sidebar-closed">
        <IconButton name="menu" label={text("show_sidebar")} act={toggle} />
        <IconButton name="add" label={text("new_chat")} act={() => go(address_of(null))} />
      </div>
    );
  return (
    <nav class="sidebar" aria-label={text("conversations")}>
      <header>
        <a class="brand" href="#/">
          <span class="mark" aria-hidden="true" />
          fathom
        </a>
        <IconButton name="menu" label={text("hide_sidebar")} act={toggle} />
      </header>
      <button type="button" class="new" onClick={() => go(address_of(null))}>
        <Icon name="add" />
        {text("new_chat")}
      </button>
      <label class="search">
        <Icon name="search" />
        <input id="search" type="search" placeholder={text("search")} aria-label={text("search")} value={words}
          onInput={(event) => set_words(event.currentTarget.value)} />
      </label>
      <div class="list">
        <List words={words} />
      </div>
      <footer>
        <a href="#/playground" aria-current={room === "playground" ? "page" : undefined}>
          <Icon name="play" />
          {text("playground")}
        </a>
        <a href="#/status" aria-current={room === "status" ? "page" : undefined}>
          <Icon name="gauge" />
          {text("status")}
        </a>
        <button type="button" onClick={() => open_dialog("settings")}>
          <Icon name="gear" />
          {text("settings")}
        </button>
      </footer>
    </nav>
  );
}
