// Codex: tasks from beginning to end.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { command, play, poem, run_agent, stage_for, task } from "./agent.mjs";
import { blocks } from "./pages.mjs";
import { anywhere, say, script, scripts } from "./script.mjs";

function ask_codex(stage) {
  const folder = join(stage.home, ".codex");
  mkdirSync(folder);
  const [page] = blocks("Codex", "toml", stage.url);
  const silent = "\n[analytics]\nenabled = false\n";
  writeFileSync(join(folder, "config.toml"), `check_for_update_on_startup = false\n${page}${silent}`);
  const words = ["exec", "--json", "--skip-git-repo-check", "--sandbox", "danger-full-access", task];
  return run_agent(stage, "codex", words, { FATHOM_API_KEY: "any" });
}

const items_of = (output) => output.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line))
  .filter((event) => event.type === "item.completed").map((event) => event.item);

test("a task: reasoning, a command, its output, the answer", async (test) => {
  const seen = anywhere("<think>I write it.</think>I write.");
  const stage = await stage_for(test, play({ exec_command: { cmd: command } }, seen));
  const { code, output, errors } = await ask_codex(stage);
  assert.equal(code, 0, output + errors);
  assert.equal(readFileSync(join(stage.work, "poem.txt"), "utf8"), poem);
  const items = items_of(output);
  assert.equal(items.at(-1).text, "I wrote poem.txt.");
  const ran = items.find((item) => item.type === "command_execution");
  assert.deepEqual([ran.exit_code, ran.aggregated_output], [0, "poem.txt\n"]);
  const asked = stage.exchanges.filter((each) => each.method === "POST");
  assert.equal(asked.length, 2);
  for (const { path, status, told, headers } of asked) {
    assert.deepEqual([path, status], ["/v1/responses", 200]);
    assert.match(headers["user-agent"], /^codex_exec\//);
    assert.equal(told["x-fathom-effort"], undefined); // no agent by the rule: it sets its own effort
  }
});

test("events that repeat through a silence do not disturb it", async (test) => {
  const stage = await stage_for(test, script("pause 2000", say("Done.</think>It is done.")), { keep_alive: 0.1 });
  const { code, output, errors } = await ask_codex(stage);
  assert.equal(code, 0, output + errors);
  assert.equal(items_of(output).at(-1).text, "It is done.");
});

test("a full machine is waited for", async (test) => {
  const stage = await stage_for(test, scripts(
    script("times 1", 'refuse queue_full "12 wait, the limit is 12." 1'), say("Done.</think>It is done.")));
  const { code, output, errors } = await ask_codex(stage);
  assert.equal(code, 0, output + errors);
  assert.equal(items_of(output).at(-1).text, "It is done.");
  assert.deepEqual(stage.exchanges.map((each) => each.status), [429, 200]);
});
