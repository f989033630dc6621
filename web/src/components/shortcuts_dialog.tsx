import { text } from "../language/text";
import { Dialog } from "./dialog";
import { shortcuts } from "./shortcuts";

export function ShortcutsDialog() {
  return (
    <Dialog title={text("shortcuts")}>
      <dl class="shortcuts">
        {shortcuts.map(({ keys, name }) => (
          <div key={name}>
            <dt>{text(name)}</dt>
            <dd>{keys.map((key) => <kbd key={key}>{key}</kbd>)}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
