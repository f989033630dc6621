// Code as a tree of named pieces, by highlight.js: no HTML is made.
import core from "highlight.js/lib/core";
import bash from "highlight.js/lib/languages/bash";
import c from "highlight.js/lib/languages/c";
import cpp from "highlight.js/lib/languages/cpp";
import csharp from "highlight.js/lib/languages/csharp";
import css from "highlight.js/lib/languages/css";
import diff from "highlight.js/lib/languages/diff";
import go from "highlight.js/lib/languages/go";
import ini from "highlight.js/lib/languages/ini";
import java from "highlight.js/lib/languages/java";
import javascript from "highlight.js/lib/languages/javascript";
import json from "highlight.js/lib/languages/json";
import kotlin from "highlight.js/lib/languages/kotlin";
import markdown from "highlight.js/lib/languages/markdown";
import php from "highlight.js/lib/languages/php";
import python from "highlight.js/lib/languages/python";
import ruby from "highlight.js/lib/languages/ruby";
import rust from "highlight.js/lib/languages/rust";
import sql from "highlight.js/lib/languages/sql";
import swift from "highlight.js/lib/languages/swift";
import typescript from "highlight.js/lib/languages/typescript";
import xml from "highlight.js/lib/languages/xml";
import yaml from "highlight.js/lib/languages/yaml";

const kLanguages = {
  bash, c, cpp, csharp, css, diff, go, ini, java, javascript, json, kotlin, markdown, php, python, ruby, rust, sql, swift,
  typescript, xml, yaml,
};
for (const [name, definition] of Object.entries(kLanguages)) core.registerLanguage(name, definition);

const kMostCharacters = 60_000; // beyond, plain text

export interface Piece {
  scope: string | null;
  children: (Piece | string)[];
}

interface Node {
  scope?: string;
  children: (Node | string)[];
}

function piece_of(node: Node): Piece {
  return {
    scope: node.scope ?? null,
    children: node.children.map((child) => (typeof child === "string" ? child : piece_of(child))),
  };
}

export function highlight(code: string, language: string): Piece {
  if (!core.getLanguage(language) || code.length > kMostCharacters) return { scope: null, children: [code] };
  const result = core.highlight(code, { language, ignoreIllegals: true });
  return piece_of((result._emitter as unknown as { rootNode: Node }).rootNode);
}
