// A coding agent as a user runs it: its own program, with a home and a working folder that are thrown away, and an
// environment that has nothing but what is given.
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { record } from "./recorder.mjs";
import { calls, say, script, scripts, when } from "./script.mjs";
import { folder_for, serve_script } from "./server.mjs";

const kPatience = 600_000; // an agent that does not end by then is ended

// The task of every agent: the model thinks, runs a command by the agent's own tool, sees its output and says so.
export const task = "Write a poem of one line to poem.txt.";
export const poem = "A fathom is six feet of rope.\n";
export const command = "printf 'A fathom is six feet of rope.\\n' > poem.txt && ls";

// `call` is the agent's tool with its arguments. What the prompt must have with its result, besides the result itself,
// is found by `seen`.
export const play = (call, ...seen) => scripts(
  script(when("<tool_result>", "poem.txt"), ...seen, say("It is there.</think>I wrote poem.txt.")),
  say(`I write it.</think>I write.${calls(call)}`));

// An agent's stage: the scripted server behind a recorder, a home and a folder to work in.
export async function stage_for(test, script, settings = {}) {
  const { url, log } = await serve_script(test, script, settings);
  const folder = folder_for(test);
  const places = { home: join(folder, "home"), work: join(folder, "work") };
  for (const place of Object.values(places)) mkdirSync(place);
  return { ...(await record(test, url)), log, ...places };
}

// A model that reads for real and says what the script says: sprat is quick, minnow is the one that `./serve` serves.
export const real_model = {
  model: join(import.meta.dirname, "../../models", process.env.FATHOM_AGENT_MODEL ?? "sprat"), threads: "1", keep_alive: "2",
};

// Tokens of the prompts that were answered so far, and how many of them were found in the cache, from the server's log.
export function hits(stage) {
  const lines = stage.log.all().map((line) => line.match(/ prompt=(\d+) cached=(\d+) output=\d+ .*finish=(\w+)/));
  return lines.filter((found) => found).map(([, prompt, cached, finish]) =>
    ({ prompt: Number(prompt), cached: Number(cached), share: Number(cached) / Number(prompt), finish }));
}

// Its exit code and what it printed; with the signal it can be stopped as Ctrl-C does.
export function run_agent({ home, work }, name, words, environment, signal) {
  const program = join(import.meta.dirname, "agents/node_modules/.bin", name);
  const env = { PATH: process.env.PATH, HOME: home, TERM: "dumb", LANG: "C.UTF-8", ...environment };
  const child = spawn(program, words, { cwd: work, env, stdio: ["ignore", "pipe", "pipe"], timeout: kPatience });
  signal?.addEventListener("abort", () => child.kill("SIGINT"));
  let output = "";
  let errors = "";
  child.stdout.setEncoding("utf8").on("data", (text) => (output += text));
  child.stderr.setEncoding("utf8").on("data", (text) => (errors += text));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, output, errors }));
  });
}
