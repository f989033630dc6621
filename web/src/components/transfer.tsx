// Export and import of all conversations.
import { useRef, useState } from "preact/hooks";
import { text } from "../language/text";
import { read_archive, save_file, write_archive } from "../store/transfer";

export function Transfer() {
  const input = useRef<HTMLInputElement>(null);
  const [said, set_said] = useState("");
  const take = async (file: File | undefined) => {
    if (!file) return;
    try {
      set_said(text("imported", await read_archive(await file.text())));
    } catch (fault) {
      set_said(text("not_imported", file.name, (fault as Error).message));
    }
  };
  return (
    <div class="transfer">
      <button type="button" onClick={() =>
        void write_archive(null).then((content) =>
          save_file(`fathom-${new Date().toISOString().slice(0, 10)}.json`, content))}>
        {text("export_all")}
      </button>
      <button type="button" onClick={() => input.current?.click()}>{text("import")}</button>
      <input ref={input} type="file" accept="application/json,.json" hidden aria-label={text("import")}
        onChange={(event) => void take(event.currentTarget.files?.[0])} />
      <span role="status">{said}</span>
    </div>
  );
}
