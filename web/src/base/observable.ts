// A value that says when it changed; components follow it with use_value.
import { useEffect, useState } from "preact/hooks";

export class Observable<T> {
  #value: T;
  #watchers = new Set<() => void>();

  constructor(value: T) {
    this.#value = value;
  }

  get(): T {
    return this.#value;
  }

  set(value: T): void {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    for (const watcher of [...this.#watchers]) watcher();
  }

  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }
}

export function use_value<T>(observable: Observable<T>): T {
  const [, render] = useState(0);
  const value = observable.get();
  useEffect(() => {
    const renew = () => render((count) => count + 1);
    if (!Object.is(value, observable.get())) renew(); // it changed before anybody watched
    return observable.watch(renew);
  }, [observable]);
  return value;
}
