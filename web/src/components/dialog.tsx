// One dialog at a time, of the browser's own kind: it keeps the focus, and Escape closes it.
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Observable } from "../base/observable";
import { text } from "../language/text";
import { IconButton } from "./icons";

export type DialogName = "settings" | "shortcuts" | "key" | "conversation";

export const dialog = new Observable<DialogName | null>(null);
export const open_dialog = (name: DialogName): void => dialog.set(name);
export const close_dialog = (): void => dialog.set(null);

export function Dialog({ title, children }: { title: string; children: ComponentChildren }) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    element.current?.showModal();
    return () => (before instanceof HTMLElement ? before.focus() : undefined);
  }, []);
  return (
    <dialog ref={element} aria-labelledby="dialog-title" onClose={close_dialog}
      onClick={(event) => event.target === element.current && close_dialog()}>
      <div class="dialog">
        <header>
          <h2 id="dialog-title">{title}</h2>
          <IconButton name="close" label={text("close")} act={close_dialog} />
        </header>
        {children}
      </div>
    </dialog>
  );
}
