import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import { CopyButton } from "../components/copy_button";
import { text } from "../language/text";
import { highlight, type Piece } from "./highlight";

// "title.class" is hljs-title and class_, as highlight.js' own style sheets write it.
const class_of = (scope: string): string => `code-${scope.replace(/[.:].*$/, "")}`;

function pieces(piece: Piece | string, key: number): ComponentChildren {
  if (typeof piece === "string") return piece;
  const children = piece.children.map(pieces);
  return piece.scope ? <span key={key} class={class_of(piece.scope)}>{children}</span> : children;
}

export function CodeBlock({ code, language }: { code: string; language: string }) {
  const name = language.split(/[\s,{:]/)[0]?.toLowerCase() ?? "";
  const shown = useMemo(() => pieces(highlight(code, name), 0), [code, name]);
  return (
    <figure class="code">
      <figcaption>
        <span>{name || text("code")}</span>
        <CopyButton content={code} label={text("copy_code")} />
      </figcaption>
      <pre tabIndex={0}>
        <code>{shown}</code>
      </pre>
    </figure>
  );
}
