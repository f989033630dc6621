// Keeps the end of a growing text in view, unless the reader has scrolled up.
import type { RefObject } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

const kNear = 48; // pixels that still count as the end

export interface Follow {
  at_end: boolean;
  scrolled: () => void;
  to_end: () => void;
}

export function use_follow(scroll: RefObject<HTMLElement | null>, content: unknown): Follow {
  const follows = useRef(true);
  const [at_end, set_at_end] = useState(true);
  const move = () => {
    const element = scroll.current;
    if (element) element.scrollTop = element.scrollHeight;
  };
  useLayoutEffect(() => {
    if (follows.current) move();
  }, [content]);
  return {
    at_end,
    scrolled: () => {
      const element = scroll.current;
      if (!element) return;
      follows.current = element.scrollHeight - element.scrollTop - element.clientHeight < kNear;
      set_at_end(follows.current);
    },
    to_end: () => {
      follows.current = true;
      set_at_end(true);
      move();
    },
  };
}
