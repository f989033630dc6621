// docs/clients.md: the SDKs' and curl's lines as they stand there.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import test from "node:test";
import { blocks } from "./pages.mjs";
import { serve_script } from "./server.mjs";
import { thoughtful } from "./stage.mjs";

async function output_of(program, words) {
  const child = spawn(program, words, { cwd: import.meta.dirname, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (output += text));
  const [code] = await once(child, "close");
  assert.equal(code, 0, output);
  return output;
}

test("every block of JavaScript runs and says what the model said", async (test) => {
  const { url } = await serve_script(test, thoughtful);
  for (const code of blocks("SDKs", "js", url))
    assert.match(await output_of(process.execPath, ["--input-type=module", "-e", code]), /It rains\./);
});

const curl = spawnSync("curl", ["--version"]).status === 0;
test("every line of curl is answered", { skip: curl ? false : "no curl on this machine" }, async (test) => {
  const { url, log } = await serve_script(test, thoughtful);
  const lines = blocks("curl", "", url).join("").trim().split("\n");
  for (const line of lines) assert.doesNotMatch(await output_of("bash", ["-c", `${line} --silent`]), /"error":\{/);
  await log.find(/path=\/models/);
  assert.equal(log.all().filter((line) => line.includes("status=200")).length, lines.length);
});
