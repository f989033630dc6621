// The frame: conversations at the side, a room beside them, dialogs above.
import { useEffect, useState } from "preact/hooks";
import { find_models, served } from "../api/models";
import { use_value } from "../base/observable";
import { address_of, go, route } from "../base/route";
import { language, text } from "../language/text";
import { Playground } from "../playground/playground";
import { is_loaded } from "../store/library";
import { settings } from "../store/settings";
import { Status } from "../status/status";
import { Announcer } from "./announcer";
import { ConversationView } from "./conversation_view";
import { dialog, open_dialog } from "./dialog";
import { KeyDialog } from "./key_dialog";
import { SettingsDialog } from "./settings_dialog";
import { ShortcutsDialog } from "./shortcuts_dialog";
import { listen_to_shortcuts } from "./shortcuts";
import { Sidebar } from "./sidebar";

function Room() {
  const { room, conversation } = use_value(route);
  const loaded = use_value(is_loaded);
  if (room === "playground") return <Playground />;
  if (room === "status") return <Status />;
  if (!loaded) return <main id="main" class="room" />;
  return <ConversationView key={conversation ?? "new"} id={conversation} />;
}

export function App() {
  const { theme } = use_value(settings);
  const [sidebar, set_sidebar] = useState(!matchMedia("(max-width: 52rem)").matches);
  const opened = use_value(dialog);
  const all = use_value(served);
  const here = use_value(route);

  useEffect(() => {
    document.documentElement.dataset.theme = theme;
  }, [theme]);
  useEffect(() => {
    document.documentElement.lang = language() === "zh" ? "zh-CN" : "en";
  });
  useEffect(() => {
    if (all?.status === 401) open_dialog("key");
  }, [all]);
  useEffect(() => {
    if (matchMedia("(max-width: 52rem)").matches) set_sidebar(false);
  }, [here]);
  useEffect(
    () =>
      listen_to_shortcuts({
        begin: () => go(address_of(null)),
        sidebar: () => set_sidebar((shown) => !shown),
        search: () => {
          set_sidebar(true);
          const field = (): HTMLInputElement | null => document.querySelector("#search");
          const there = field();
          if (there) there.focus(); // at once: what is typed next is meant for it
          else requestAnimationFrame(() => field()?.focus());
        },
      }),
    [],
  );

  return (
    <div class={sidebar ? "frame with-sidebar" : "frame"}>
      <a class="skip" href="#main" onClick={(event) => {
        event.preventDefault();
        document.querySelector<HTMLElement>("#composer, main")?.focus();
      }}>
        {text("skip_to_question")}
      </a>
      <Sidebar shown={sidebar} toggle={() => set_sidebar(!sidebar)} />
      {sidebar && <div class="shade" onClick={() => set_sidebar(false)} />}
      <Room />
      {opened === "settings" && <SettingsDialog />}
      {opened === "shortcuts" && <ShortcutsDialog />}
      {opened === "key" && <KeyDialog done={() => void find_models()} />}
      <Announcer />
    </div>
  );
}
