// The programs under test, each in a process of its own that ends with the test.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { clean_up_after } from "./clean_up.mjs";

const kRoot = join(import.meta.dirname, "../..");
const kScriptedServer = process.env.FATHOM_SCRIPTED_SERVER ?? join(kRoot, "build/tests/scripted_server");
const kProgram = process.env.FATHOM_PROGRAM ?? join(kRoot, "build/fathom");
const kPatience = 60_000; // until what must come is given up

export function folder_for(test) {
  const folder = mkdtempSync(join(tmpdir(), "fathom-clients-"));
  clean_up_after(test, () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

class Lines {
  #lines = [];
  #rest = "";
  #waiting = new Set();

  constructor(stream) {
    stream.setEncoding("utf8").on("data", (text) => {
      const lines = (this.#rest + text).split("\n");
      this.#rest = lines.pop();
      this.#lines.push(...lines);
      for (const look of [...this.#waiting]) look();
    });
  }

  all() {
    return this.#lines;
  }

  // The first line that fits, also one that is still to come.
  find(pattern) {
    return new Promise((resolve, reject) => {
      const done = (act) => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        act();
      };
      const look = () => {
        const line = this.#lines.find((each) => pattern.test(each));
        if (line !== undefined) done(() => resolve(line));
      };
      const timer = setTimeout(
        () => done(() => reject(new Error(`no line ${pattern} among\n${this.#lines.join("\n")}`))), kPatience);
      timer.unref(); // whoever looked for a line that came by another way does not hold the process
      this.#waiting.add(look);
      look();
    });
  }
}

async function start(test, program, words) {
  const env = { FATHOM_LEDGER: "none", ...process.env }; // not the ledger of whoever tests
  const child = spawn(program, words, { stdio: ["pipe", "pipe", "pipe"], env });
  const ended = new Promise((resolve) => child.on("close", resolve));
  clean_up_after(test, async () => {
    child.stdin.end();
    child.kill("SIGTERM");
    await ended;
    for (const line of log.all()) if (!/Z info /.test(line)) test.diagnostic(line); // faults, some of many lines
  });
  const output = new Lines(child.stdout);
  const log = new Lines(child.stderr);
  const fallen = ended.then((code) => {
    throw new Error(`${program} ended with ${code}: ${log.all().join("\n")}`);
  });
  fallen.catch(() => {});
  const listening = /https?:\/\/[\w.]+:\d+/;
  const line = await Promise.race([output.find(listening), log.find(listening), fallen]);
  return { url: line.match(listening)[0], log };
}

// The server with a script in the model's place. Settings are those of `fathom serve`.
export function serve_script(test, script, settings = {}) {
  const file = join(folder_for(test), "script");
  writeFileSync(file, script);
  const words = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  return start(test, kScriptedServer, [file, ...words]);
}

// `fathom serve` on the model that the repository carries.
export function serve_minnow(test) {
  return start(test, kProgram, ["serve", "--model", join(kRoot, "models/minnow"), "--port", "0"]);
}
