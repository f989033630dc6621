// What happens, told to a screen reader: the beginning and the end of an answer, not its every word.
import { Observable, use_value } from "../base/observable";

const announced = new Observable("");

export const announce = (sentence: string): void => announced.set(sentence);

export function Announcer() {
  return (
    <div class="unseen" role="status" aria-live="polite">
      {use_value(announced)}
    </div>
  );
}
