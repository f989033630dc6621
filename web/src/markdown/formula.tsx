// A formula by KaTeX, which is loaded with the first one. KaTeX builds elements and sets their styles one by one, as the
// content security policy wants it.
import { useEffect, useRef } from "preact/hooks";

type Katex = typeof import("katex")["default"];

let loading: Promise<Katex> | null = null;

function load_katex(): Promise<Katex> {
  loading ??= Promise.all([import("katex"), import("katex/dist/katex.css")]).then(([module]) => module.default);
  return loading;
}

export function Formula({ source, display }: { source: string; display: boolean }) {
  const place = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    let current = true;
    void load_katex().then((katex) => {
      if (current && place.current)
        katex.render(source, place.current, { displayMode: display, throwOnError: false, trust: false, strict: false });
    });
    return () => {
      current = false;
    };
  }, [source, display]);
  return (
    <span ref={place} class={display ? "formula display" : "formula"} tabIndex={display ? 0 : undefined}>
      {source}
    </span>
  );
}
