// What docs/clients.md tells users to write, so that the tests run just that.
import { readFileSync } from "node:fs";
import { join } from "node:path";

const page = readFileSync(join(import.meta.dirname, "../../docs/clients.md"), "utf8");

// The code blocks below a heading, with the server's address where the page has its own.
export function blocks(heading, language, url) {
  const [, section] = page.split(new RegExp(`^#+ ${heading}$`, "m"));
  const [text] = section.split(/^#+ /m);
  const found = [...text.matchAll(/^```(\w*)\n([^]*?)^```$/gm)].filter((each) => each[1] === language);
  if (found.length === 0) throw new Error(`docs/clients.md has no block of ${language || "a shell"} below ${heading}`);
  return found.map((each) => each[2].replaceAll("http://127.0.0.1:8080", url));
}
