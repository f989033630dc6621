// A request's prompt as the model would read it (POST /tokenize): its text with special tokens visible, and its tokens.
import { ask_json } from "../api/connection";
import { count } from "../base/quantity";
import { CopyButton } from "../components/copy_button";
import { text } from "../language/text";

export interface ShownPrompt {
  count: number;
  max_model_len: number;
  tokens: number[];
  token_strs: string[];
  prompt: string;
}

// The same body as the request's own, at the same version of the API.
export function show_prompt(path: string, body: object, signal: AbortSignal): Promise<ShownPrompt> {
  const version = path.startsWith("beta/") ? "beta" : "v1";
  return ask_json<ShownPrompt>(`${version}/tokenize`, { body: { ...body, return_token_strs: true }, signal });
}

const kMostTokens = 1000; // shown one by one

// DeepSeek writes its special tokens between full-width bars; the two of thinking are older.
const is_special = (token: string): boolean => /^<?[|｜].+[|｜]>?$/.test(token) || /^<\/?think>$/.test(token);

// Where a special token's text stands in a prompt there is that token: the tokenizer looks for them first.
function parts_of({ prompt, token_strs }: ShownPrompt): { part: string; special: boolean }[] {
  const specials = [...new Set(token_strs.filter(is_special))].sort((a, b) => b.length - a.length);
  if (specials.length === 0) return [{ part: prompt, special: false }];
  const pattern = new RegExp(`(${specials.map((each) => each.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|")})`);
  return prompt.split(pattern).map((part, index) => ({ part, special: index % 2 === 1 })).filter(({ part }) => part);
}

const visible = (token: string): string => token.replaceAll(" ", "·").replaceAll("\n", "↵").replaceAll("\t", "→");

export function Prompt({ shown }: { shown: ShownPrompt }) {
  const beyond = shown.tokens.length - kMostTokens;
  return (
    <div class="prompt">
      <p class="prompt-size">
        <strong>{text("tokens_of", count(shown.count), count(shown.max_model_len))}</strong>
        <CopyButton content={shown.prompt} label={text("play_copy_prompt")} />
      </p>
      <pre class="outcome" tabIndex={0} role="region" aria-label={text("play_prompt")}>
        {parts_of(shown).map(({ part, special }, index) =>
          special ? <mark key={index} class="special">{part}</mark> : <span key={index}>{part}</span>)}
      </pre>
      <details>
        <summary>{text("play_tokens")}</summary>
        <ol class="token-list" tabIndex={0} aria-label={text("play_tokens")}>
          {shown.tokens.slice(0, kMostTokens).map((id, index) => {
            const token = shown.token_strs[index] ?? "";
            return (
              <li key={index} class={is_special(token) ? "special" : undefined}>
                <code>{visible(token)}</code>
                <small>{id}</small>
              </li>
            );
          })}
        </ol>
        {beyond > 0 && <p class="quiet">{text("play_more_tokens", count(beyond))}</p>}
      </details>
    </div>
  );
}
