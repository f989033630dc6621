import { useEffect, useState } from "preact/hooks";
import { find_balance, type Balance } from "../api/account";
import { find_models } from "../api/models";
import { use_value } from "../base/observable";
import { text } from "../language/text";
import { change_settings, settings, type Settings } from "../store/settings";
import { Choice } from "./choice";
import { close_dialog, Dialog, open_dialog } from "./dialog";
import { Transfer } from "./transfer";

function BalanceLine() {
  const [balance, set_balance] = useState<Balance[] | null>(null);
  useEffect(() => void find_balance().then(set_balance), []);
  if (!balance?.length) return null;
  return (
    <p class="quiet">
      {text("balance")}: {balance.map((each) => `${each.currency} ${each.total_balance}`).join(", ")}
    </p>
  );
}

export function SettingsDialog() {
  const held = use_value(settings);
  const set = (changes: Partial<Settings>) => change_settings(changes);
  return (
    <Dialog title={text("settings")}>
      <div class="row">
        <span>{text("theme")}</span>
        <Choice label={text("theme")} value={held.theme} choose={(theme) => set({ theme })}
          options={[
            { value: "system", label: text("as_system") },
            { value: "light", label: text("light") },
            { value: "dark", label: text("dark") },
          ]} />
      </div>
      <div class="row">
        <span>{text("language")}</span>
        <Choice label={text("language")} value={held.language} choose={(language) => set({ language })}
          options={[
            { value: "system", label: text("as_system") },
            { value: "en", label: "English" },
            { value: "zh", label: "中文" },
          ]} />
      </div>
      <label class="field">
        <span>{text("system_default")}</span>
        <textarea rows={3} value={held.system} onInput={(event) => set({ system: event.currentTarget.value })} />
      </label>
      <label class="field">
        <span>{text("key")}</span>
        <input type="password" autocomplete="off" value={held.key} placeholder={text("key_if_needed")}
          onChange={(event) => {
            set({ key: event.currentTarget.value });
            void find_models();
          }} />
      </label>
      <label class="tick">
        <input type="checkbox" checked={held.remember_key}
          onChange={(event) => set({ remember_key: event.currentTarget.checked })} />
        <span>{text("remember_key")}</span>
      </label>
      <BalanceLine />
      <h3>{text("your_conversations")}</h3>
      <p class="quiet">{text("kept_here")}</p>
      <Transfer />
      <div class="actions">
        <button type="button" onClick={() => open_dialog("shortcuts")}>{text("shortcuts")}</button>
        <button type="button" class="primary" onClick={close_dialog}>{text("done")}</button>
      </div>
    </Dialog>
  );
}
