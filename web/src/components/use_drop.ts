// Files dropped anywhere on the page.
import { useEffect, useRef, useState } from "preact/hooks";

export function use_drop(take: (files: File[]) => void): boolean {
  const [dragged, set_dragged] = useState(false);
  const newest = useRef(take);
  newest.current = take;
  useEffect(() => {
    const has_files = (event: DragEvent): boolean => event.dataTransfer?.types.includes("Files") ?? false;
    const over = (event: DragEvent): void => {
      if (!has_files(event)) return;
      event.preventDefault();
      set_dragged(true);
    };
    const leave = (event: DragEvent): void => {
      if (!event.relatedTarget) set_dragged(false);
    };
    const drop = (event: DragEvent): void => {
      if (!has_files(event)) return;
      event.preventDefault();
      set_dragged(false);
      newest.current([...(event.dataTransfer?.files ?? [])]);
    };
    addEventListener("dragover", over);
    addEventListener("dragleave", leave);
    addEventListener("drop", drop);
    return () => {
      removeEventListener("dragover", over);
      removeEventListener("dragleave", leave);
      removeEventListener("drop", drop);
    };
  }, []);
  return dragged;
}
