// An answer token by token, each coloured by how sure the model was of it.
import { useState } from "preact/hooks";
import type { TokenProbability } from "../api/types";
import { text } from "../language/text";

const kShades = 6; // classes of the style sheet, from sure to unsure

function shade_of(logprob: number): number {
  const probability = Math.exp(logprob);
  return Math.min(kShades - 1, Math.floor((1 - probability) * kShades));
}

const percent = (logprob: number): string => `${(100 * Math.exp(logprob)).toFixed(1)} %`;
const shown = (token: string): string => token.replaceAll("\n", "↵\n");

export function Tokens({ tokens }: { tokens: TokenProbability[] }) {
  const [chosen, choose] = useState<number | null>(null);
  const one = chosen === null ? undefined : tokens[chosen];
  return (
    <div class="tokens">
      <p class="legend" aria-hidden="true">
        {text("play_sure")}
        {Array.from({ length: kShades }, (_, shade) => <span key={shade} class={`token shade-${shade}`}> </span>)}
        {text("play_unsure")}
      </p>
      <div class="token-text">
        {tokens.map((each, index) => (
          <button key={index} type="button" class={`token shade-${shade_of(each.logprob)}`} aria-pressed={index === chosen}
            title={percent(each.logprob)} onClick={() => choose(index)} onFocus={() => choose(index)}
            onMouseEnter={() => choose(index)}>
            {shown(each.token)}
          </button>
        ))}
      </div>
      {one && (
        <table class="rivals">
          <caption>{text("play_alternatives")}</caption>
          <tbody>
            {(one.top_logprobs ?? []).map((rival) => (
              <tr key={rival.token} class={rival.token === one.token ? "here" : undefined}>
                <td><code>{JSON.stringify(rival.token)}</code></td>
                <td><meter min={0} max={1} value={Math.exp(rival.logprob)} aria-label={percent(rival.logprob)} /></td>
                <td>{percent(rival.logprob)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </div>
  );
}
