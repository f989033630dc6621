// The server wants a key: asked for once, and kept as long as the user says.
import { useState } from "preact/hooks";
import { text } from "../language/text";
import { change_settings, settings } from "../store/settings";
import { close_dialog, Dialog } from "./dialog";

export function KeyDialog({ done }: { done: () => void }) {
  const [key, set_key] = useState(settings.get().key);
  const [remember, set_remember] = useState(settings.get().remember_key);
  return (
    <Dialog title={text("key_wanted")}>
      <form onSubmit={(event) => {
        event.preventDefault();
        change_settings({ key, remember_key: remember });
        close_dialog();
        done();
      }}>
        <p>{text("key_wanted_why")}</p>
        <label class="field">
          <span>{text("key")}</span>
          <input type="password" autocomplete="off" autofocus value={key} onInput={(event) => set_key(event.currentTarget.value)} />
        </label>
        <label class="tick">
          <input type="checkbox" checked={remember} onChange={(event) => set_remember(event.currentTarget.checked)} />
          <span>{text("remember_key")}</span>
        </label>
        <div class="actions">
          <button class="primary">{text("use_key")}</button>
        </div>
      </form>
    </Dialog>
  );
}
