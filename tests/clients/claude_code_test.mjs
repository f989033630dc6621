// Claude Code: tasks from beginning to end.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { command, play, poem, run_agent, stage_for, task } from "./agent.mjs";
import { blocks } from "./pages.mjs";
import { anywhere, calls, say, script, scripts, when } from "./script.mjs";

const kMaximum = "Reasoning Effort: Absolute maximum";

function ask_claude(stage, words, signal) {
  const [page] = blocks("Claude Code", "", stage.url);
  const environment = Object.fromEntries(
    [...page.matchAll(/^export (\w+)='?([^\s']+)/gm)].map(([, name, value]) => [name, value]));
  return run_agent(stage, "claude", ["-p", task, ...words, "--output-format", "json"], environment, signal);
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
