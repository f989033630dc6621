// Markdown as elements. No markup of an answer becomes markup of the page: HTML in it is shown as text.
import { Marked, type Token, type Tokens } from "marked";
import { h, type ComponentChildren } from "preact";
import { memo } from "preact/compat";
import { useMemo } from "preact/hooks";
import { text } from "../language/text";
import { CodeBlock } from "./code_block";
import { Formula } from "./formula";
import { block_math, inline_math, type MathToken } from "./math_syntax";

const kMarked = new Marked({ gfm: true, breaks: false, extensions: [block_math, inline_math] });

const kEntities: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0" };

// A few entities by name, and all by number.
function plain(escaped: string): string {
  return escaped.replace(/&(?:#(\d+)|#x([\da-f]+)|(\w+));/gi, (whole, decimal?: string, hex?: string, name?: string) => {
    if (name) return kEntities[name.toLowerCase()] ?? whole;
    const code = decimal ? parseInt(decimal, 10) : parseInt(hex ?? "", 16);
    return code > 0 && code < 0x110000 ? String.fromCodePoint(code) : whole;
  });
}

const is_safe = (address: string): boolean => /^(?:https?:|mailto:)/i.test(address.trim());

function Link({ address, children }: { address: string; children: ComponentChildren }) {
  if (!is_safe(address)) return <>{children}</>;
  return (
    <a href={address} target="_blank" rel="noopener noreferrer">
      {children}
    </a>
  );
}

function inline(token: Token, key: number): ComponentChildren {
  switch (token.type) {
    case "strong": return <strong key={key}>{inlines((token as Tokens.Strong).tokens)}</strong>;
    case "em": return <em key={key}>{inlines((token as Tokens.Em).tokens)}</em>;
    case "del": return <del key={key}>{inlines((token as Tokens.Del).tokens)}</del>;
    case "codespan": return <code key={key}>{plain((token as Tokens.Codespan).text)}</code>;
    case "br": return <br key={key} />;
    case "link": {
      const link = token as Tokens.Link;
      return <Link key={key} address={link.href}>{inlines(link.tokens)}</Link>;
    }
    // A picture would be a request to another host: its address is offered instead.
    case "image": {
      const image = token as Tokens.Image;
      return <Link key={key} address={image.href}>{image.text || image.href}</Link>;
    }
    case "math": {
      const math = token as MathToken;
      return <Formula key={key} source={math.text} display={math.display} />;
    }
    case "checkbox":
      return <Box key={key} checked={Boolean((token as { checked?: boolean }).checked)} />;
    case "text": {
      const { tokens, text: words } = token as Tokens.Text;
      return tokens ? <span key={key}>{inlines(tokens)}</span> : plain(words);
    }
    case "escape": return (token as Tokens.Escape).text;
    default: return plain("raw" in token ? token.raw : "");
  }
}

const inlines = (tokens: Token[] | undefined): ComponentChildren => (tokens ?? []).map(inline);

function Box({ checked }: { checked: boolean }) {
  return <input type="checkbox" checked={checked} disabled aria-label={text(checked ? "task_done" : "task_open")} />;
}

function Item({ item }: { item: Tokens.ListItem }) {
  const has_box = item.tokens.some((token) => token.type === "checkbox");
  return (
    <li class={item.task ? "task" : undefined}>
      {item.task && !has_box && <Box checked={item.checked ?? false} />}
      {item.tokens.map((token, index) =>
        token.type === "text" || token.type === "checkbox" ? inline(token, index) : <Block key={index} token={token} />)}
    </li>
  );
}

function Table({ table }: { table: Tokens.Table }) {
  const aligned = (index: number) => (table.align[index] ? `align-${table.align[index]}` : undefined);
  return (
    <div class="table" tabIndex={0} role="group">
      <table>
        <thead>
          <tr>
            {table.header.map((cell, index) => <th key={index} class={aligned(index)}>{inlines(cell.tokens)}</th>)}
          </tr>
        </thead>
        <tbody>
          {table.rows.map((row, index) => (
            <tr key={index}>
              {row.map((cell, column) => <td key={column} class={aligned(column)}>{inlines(cell.tokens)}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function block(token: Token): ComponentChildren {
  switch (token.type) {
    case "heading": {
      const heading = token as Tokens.Heading & Leveled;
      return h(`h${Math.min(6, heading.level ?? 2)}`, { class: `heading-${heading.depth}` }, inlines(heading.tokens));
    }
    case "paragraph": return <p>{inlines((token as Tokens.Paragraph).tokens)}</p>;
    case "text": return <p>{inline(token, 0)}</p>;
    case "blockquote":
      return <blockquote>{(token as Tokens.Blockquote).tokens.map((each, index) => <Block key={index} token={each} />)}</blockquote>;
    case "code": {
      const code = token as Tokens.Code;
      return <CodeBlock code={code.text} language={code.lang ?? ""} />;
    }
    case "list": {
      const list = token as Tokens.List;
      const items = list.items.map((item, index) => <Item key={index} item={item} />);
      return list.ordered ? <ol start={Number(list.start) || 1}>{items}</ol> : <ul>{items}</ul>;
    }
    case "table": return <Table table={token as Tokens.Table} />;
    case "hr": return <hr />;
    case "math": {
      const math = token as MathToken;
      return <Formula source={math.text} display />;
    }
    case "html": return <p>{(token as Tokens.HTML).raw.trimEnd()}</p>;
    case "space":
    case "def": return null;
    default: return <p>{"raw" in token ? token.raw : ""}</p>;
  }
}

interface Leveled {
  level?: number;
}

// The page has the first level. Whatever an answer leaves out between two of its own, a reader by ear misses none.
function set_levels(tokens: Token[]): void {
  const open: number[] = [];
  for (const token of tokens) {
    if (token.type !== "heading") continue;
    const { depth } = token as Tokens.Heading;
    while ((open.at(-1) ?? 0) >= depth) open.pop();
    open.push(depth);
    (token as Leveled).level = open.length + 1;
  }
}

// A block that did not change since the last chunk is not made again.
const Block = memo(
  ({ token }: { token: Token }) => <>{block(token)}</>,
  (before, now) => before.token.raw === now.token.raw && before.token.type === now.token.type,
);

export function Markdown({ source }: { source: string }) {
  const tokens = useMemo(() => {
    const all = kMarked.lexer(source);
    set_levels(all);
    return all;
  }, [source]);
  return (
    <div class="markdown">
      {tokens.map((token, index) => <Block key={index} token={token} />)}
    </div>
  );
}
