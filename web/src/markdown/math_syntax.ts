// TeX in Markdown: $…$ and \(…\) in a line, $$…$$ and \[…\] by themselves. "$5 and $6" is money.
import type { TokenizerAndRendererExtension, Tokens } from "marked";

export interface MathToken extends Tokens.Generic {
  type: "math";
  text: string;
  display: boolean;
}

const kBlock = /^ {0,3}(?:\$\$([\s\S]+?)\$\$|\\\[([\s\S]+?)\\\])(?:\s*\n|\s*$)/;
const kDisplayInline = /^(?:\$\$([^$]+?)\$\$|\\\[([\s\S]+?)\\\])/;
const kInline = /^(?:\$(?![\s\d]+\s)((?:\\.|[^\\$\n])*?[^\\$\s])\$(?!\d)|\\\(([\s\S]+?)\\\))/;

function token(found: RegExpExecArray, display: boolean): MathToken {
  return { type: "math", raw: found[0], text: (found[1] ?? found[2] ?? "").trim(), display };
}

export const block_math: TokenizerAndRendererExtension = {
  name: "block_math",
  level: "block",
  start: (source) => {
    const at = source.search(/(?:^|\n) {0,3}(?:\$\$|\\\[)/);
    return at < 0 ? undefined : at;
  },
  tokenizer(source) {
    const found = kBlock.exec(source);
    return found ? token(found, true) : undefined;
  },
};

export const inline_math: TokenizerAndRendererExtension = {
  name: "inline_math",
  level: "inline",
  start: (source) => {
    const at = source.search(/\$|\\\(|\\\[/);
    return at < 0 ? undefined : at;
  },
  tokenizer(source) {
    const display = kDisplayInline.exec(source);
    if (display) return token(display, true);
    const found = kInline.exec(source);
    return found ? token(found, false) : undefined;
  },
};
