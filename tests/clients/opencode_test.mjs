// OpenCode: a task from beginning to end.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { command, hits, play, poem, real_model, run_agent, stage_for, task } from "./agent.mjs";
import { blocks } from "./pages.mjs";
import { anywhere, say, script, scripts, when } from "./script.mjs";

const kMaximum = "Reasoning Effort: Absolute maximum";

function ask_opencode(stage, what = task) {
  const folder = join(stage.home, ".config/opencode");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "opencode.json"), blocks("OpenCode", "json", stage.url)[0]);
  const environment = { OPENCODE_DISABLE_MODELS_FETCH: "1", OPENCODE_DISABLE_AUTOUPDATE: "1" };
  return run_agent(stage, "opencode", ["run", "-m", "fathom/deepseek-v4-flash", "--thinking", what], environment);
}

test("a task: thinking, a command, its output, the answer; at effort max, but for the title", async (test) => {
  const seen = anywhere(kMaximum, "<think>I write it.</think>I write.");
  const stage = await stage_for(test, scripts(
    script(when("Generate a title"), say("A poem")), play({ bash: { command, description: "Write a poem" } }, seen)));
  const { code, output, errors } = await ask_opencode(stage);
  assert.equal(code, 0, output + errors);
  assert.equal(readFileSync(join(stage.work, "poem.txt"), "utf8"), poem);
  assert.match(output, /I write\.[^]*I wrote poem\.txt\./);
  assert.match(output + errors, /I write it\./);
  const asked = stage.exchanges.map((each) => ({ ...each, tools: JSON.parse(each.body).tools ?? [] }));
  assert.ok(asked.every((each) => each.status === 200 && each.path === "/v1/chat/completions"));
  const [side, main] = [asked.filter((each) => !each.tools.length), asked.filter((each) => each.tools.length)];
  assert.equal(main.length, 2);
  for (const { told, headers } of main) {
    assert.match(headers["user-agent"], /^opencode\//);
    assert.equal(told["x-fathom-effort"], "max; agent with tools, known by user-agent opencode");
  }
  for (const { told } of side) assert.equal(told["x-fathom-effort"], undefined);
});

test("the second turn and a new session in the same folder are found in the cache", async (test) => {
  const stage = await stage_for(test, scripts(
    script(when("Generate a title"), say("A poem")), play({ bash: { command, description: "Write a poem" } })), real_model);
  for (const what of [task, `Please: ${task}`, `Now: ${task}`]) {
    const { code, output, errors } = await ask_opencode(stage, what);
    assert.equal(code, 0, output + errors);
  }
  const all = hits(stage).filter((each) => each.prompt > 3000); // not the titles
  test.diagnostic(JSON.stringify(hits(stage)));
  assert.equal(all.length, 6);
  for (const turn of [1, 3, 5]) assert.ok(all[turn].share >= 0.95, JSON.stringify(all[turn]));
  // Where the first two sessions part is known when the third comes.
  assert.ok(all[4].share >= 0.95, JSON.stringify(all[4]));
  // The second finds the state that the first one left behind tools and system text.
  assert.ok(all[2].share >= 0.95, JSON.stringify(all[2]));
});
