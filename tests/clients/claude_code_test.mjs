// Claude Code: tasks from beginning to end.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { command, hits, play, poem, real_model, run_agent, stage_for, task } from "./agent.mjs";
import { blocks } from "./pages.mjs";
import { anywhere, calls, say, script, scripts, when } from "./script.mjs";

const kMaximum = "Reasoning Effort: Absolute maximum";

function ask_claude(stage, words, signal, what = task) {
  const [page] = blocks("Claude Code", "", stage.url);
  const environment = Object.fromEntries(
    [...page.matchAll(/^export (\w+)='?([^\s']+)/gm)].map(([, name, value]) => [name, value]));
  return run_agent(stage, "claude", ["-p", what, ...words, "--output-format", "json"], environment, signal);
}

const messages_of = (stage) => stage.exchanges.filter((each) => each.path.startsWith("/anthropic/v1/messages?"));

test("a task: thinking, a command, its output, the answer; at effort max", async (test) => {
  const seen = anywhere(kMaximum, "<think>I write it.</think>I write.");
  const stage = await stage_for(test, play({ Bash: { command, description: "Write a poem" } }, seen));
  const { code, output, errors } = await ask_claude(stage, ["--allowedTools", "Bash"]);
  assert.equal(code, 0, output + errors);
  assert.equal(readFileSync(join(stage.work, "poem.txt"), "utf8"), poem);
  const told = JSON.parse(output);
  assert.equal(told.result, "I wrote poem.txt.");
  assert.equal(told.is_error, false);
  assert.ok(told.usage.output_tokens_details.thinking_tokens > 0, output);
  const exchanges = messages_of(stage);
  assert.equal(exchanges.length, 2);
  for (const { status, told, headers, body } of exchanges) {
    assert.equal(status, 200);
    assert.match(headers["user-agent"], /^claude-cli\//);
    assert.equal(told["x-fathom-effort"], "max; agent with tools, known by user-agent claude-cli");
    const { output_config, model } = JSON.parse(body);
    assert.equal(output_config.effort, "high"); // what it asked for by itself
    assert.equal(model, "deepseek-v4-pro");
  }
});

test("a tool that it defers is found by its search and offered then", async (test) => {
  const stage = await stage_for(test, scripts(
    script(when("<tool_result>WebFetch</tool_result>"), anywhere('{"name": "WebFetch"'), say("Found.</think>It is there.")),
    script(when("<tool_result>WebFetch</tool_result>"), say("It is not.</think>It was not offered.")),
    say(`I look.</think>${calls({ ToolSearch: { query: "select:WebFetch", max_results: 3 } })}`)));
  const { code, output, errors } = await ask_claude(stage, []);
  assert.equal(code, 0, output + errors);
  assert.equal(JSON.parse(output).result, "It is there.");
});

test("a full machine is waited for", async (test) => {
  const stage = await stage_for(test, scripts(
    script("times 1", 'refuse queue_full "12 wait, the limit is 12." 1'), say("Done.</think>It is done.")));
  const { code, output, errors } = await ask_claude(stage, []);
  assert.equal(code, 0, output + errors);
  assert.equal(JSON.parse(output).result, "It is done.");
  assert.deepEqual(messages_of(stage).map((each) => each.status), [429, 200]);
});

test("a prompt beyond the context is known as one", async (test) => {
  const stage = await stage_for(test, say("Done.</think>It is done."), { context_tokens: 4096 });
  const { code, output } = await ask_claude(stage, []);
  assert.equal(code, 1);
  assert.equal(JSON.parse(output).terminal_reason, "prompt_too_long");
  assert.deepEqual(messages_of(stage).map((each) => each.status), [400]);
});

test("one that is stopped in mid-answer is gone", async (test) => {
  const stage = await stage_for(test, script(say("Let me"), "end never"));
  const controller = new AbortController();
  const end = ask_claude(stage, [], controller.signal);
  while (!messages_of(stage).some((each) => each.status === 200)) await new Promise((wake) => setTimeout(wake, 20));
  controller.abort();
  await end;
  assert.match(await stage.log.find(/finish=gone/), /surface=anthropic/);
});

test("the second turn and a new session in the same folder are found in the cache", async (test) => {
  const stage = await stage_for(test, play({ Bash: { command, description: "Write a poem" } }), real_model);
  const words = ["--allowedTools", "Bash"];
  for (const what of [task, `Please: ${task}`, `Now: ${task}`]) {
    const { code, output, errors } = await ask_claude(stage, words, undefined, what);
    assert.equal(code, 0, output + errors);
  }
  await stage.log.find(/finish=stop/);
  const all = hits(stage);
  test.diagnostic(JSON.stringify(all));
  assert.equal(all.length, 6);
  for (const turn of [1, 3, 5]) assert.ok(all[turn].share >= 0.95, JSON.stringify(all[turn]));
  // Tools and system prompt stand before the task; what else Claude Code says of itself stands behind it. Where the
  // first two sessions part is known when the third comes, but for a block of 128 tokens (docs/prefix_cache.md).
  const asked = JSON.parse(messages_of(stage).at(-1).body);
  const answer = await fetch(`${stage.url}/anthropic/v1/messages/count_tokens`, {
    method: "POST", headers: { "user-agent": messages_of(stage).at(-1).headers["user-agent"] },
    body: JSON.stringify({ ...asked, messages: [{ role: "user", content: "x" }] }),
  });
  const { input_tokens } = await answer.json();
  assert.ok(input_tokens > 10_000, `${input_tokens}`);
  assert.ok(all[4].cached >= input_tokens - 128 - 4, JSON.stringify([input_tokens, all[4]]));
  // The second finds the state that the first one left behind tools and system text.
  assert.ok(all[2].cached >= input_tokens - 4, JSON.stringify([input_tokens, all[2]]));
});
