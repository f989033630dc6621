// Keeps the end of a growing text in view, until the reader scrolls up.
import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

const kNear = 48; // pixels that still count as the end

export interface Follow {
  at_end: boolean;
  scrolled: () => void;
  to_end: () => void;
}

export function use_follow(scroll: RefObject<HTMLElement | null>, content: RefObject<HTMLElement | null>): Follow {
  const follows = useRef(true);
  const last = useRef(0);
  const [at_end, set_at_end] = useState(true);
  const move = () => {
    const element = scroll.current;
    if (element) element.scrollTop = element.scrollHeight;
  };
  // Text grows by tokens, and later by formulas and fonts.
  useEffect(() => {
    const element = content.current;
    if (!element) return;
    const observer = new ResizeObserver(() => follows.current && element.childElementCount > 0 && move());
    observer.observe(element);
    return () => observer.disconnect();
  });
  return {
    at_end,
    scrolled: () => {
      const element = scroll.current;
      if (!element) return;
      const near = element.scrollHeight - element.scrollTop - element.clientHeight < kNear;
      // What grew below the view moved nobody: only a reader goes up.
      if (near) follows.current = true;
      else if (element.scrollTop < last.current) follows.current = false;
      last.current = element.scrollTop;
      set_at_end(follows.current);
    },
    to_end: () => {
      follows.current = true;
      set_at_end(true);
      move();
    },
  };
}
