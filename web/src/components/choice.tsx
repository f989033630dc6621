// One of a few, side by side.
import type { ComponentChildren } from "preact";

export interface Option<T extends string> {
  value: T;
  label: ComponentChildren;
  why_not?: string; // it cannot be had, and why
  hint?: string;
}

export function Choice<T extends string>({ label, value, options, choose }: {
  label: string; value: T; options: Option<T>[]; choose: (value: T) => void;
}) {
  return (
    <div class="choice" role="radiogroup" aria-label={label}>
      {options.map((option) => (
        <label key={option.value} class={option.value === value ? "chosen" : undefined}
          title={option.why_not ?? option.hint}>
          <input type="radio" name={label} value={option.value} checked={option.value === value}
            disabled={option.why_not !== undefined} onChange={() => choose(option.value)} />
          <span>{option.label}</span>
        </label>
      ))}
    </div>
  );
}
