// Talking: an answer, its figures, stop, go on, another answer, an edit and its branches, search, export and import.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { say, script, scripts, when } from "../clients/script.mjs";
import { serve_script } from "../clients/server.mjs";
import { ask, open_page, says, screenshot } from "./browser.mjs";

const thought = script(when("deep"), "cached 4", "pace 5", say("Let me see, first this and then that.</think>It is so."));
const endless = script(when("endless"), say("It begins"), "pause 300", say(" and goes on"), "end never");
const goes_on = script("anywhere \"It begins and goes on\"", "times 1", say(" to its end."));
const first = script(when("colour"), "times 1", say("Blue."));
const second = script(when("colour"), say("Green."));
const number = script(when("number"), say("Seven."));
const limit = script(when("long"), say("Once upon a time"), "end length");
const busy = script(when("crowd"), 'refuse queue_full "Too many wait." 7');
const other = say("I see.");

const serve = (test) => serve_script(test, scripts(goes_on, thought, endless, first, second, number, limit, busy, other));

test("an answer comes by one click on a question, with its figures", async (test) => {
  const { url } = await serve(test);
  const page = await open_page(test, url);
  await page.locator(".questions button").first().click();
  await says(page, "I see.");
  const figures = await page.locator(".figures").innerText();
  for (const expected of [/deepseek-v4-flash/, /\d+ read/, /0 from cache/, /\d+ written/, /first after \d/])
    assert.match(figures, expected);
  assert.match(await page.title(), /fish/);
});

test("thinking is shown, folded and timed; the next request carries mode and effort", async (test) => {
  const { url, log } = await serve(test);
  const page = await open_page(test, url);
  await page.getByRole("radio", { name: "Expert" }).check();
  await page.locator(".effort select").selectOption("max");
  await ask(page, "Something deep");
  await says(page, "It is so.");
  const thinking = page.locator(".thinking > button");
  assert.match(await thinking.innerText(), /Thought for [\d.]+ m?s/);
  assert.equal(await thinking.getAttribute("aria-expanded"), "false");
  await thinking.click();
  assert.match(await page.locator(".thoughts").innerText(), /first this and then that/);
  assert.match(await page.locator(".figures").innerText(), /4 from cache/);
  await screenshot(page, "thinking");
  assert.match(await log.find(/surface=chat/), /model=deepseek-v4-pro .*reasoning=\d\d/);
});

test("Escape stops an answer, and it goes on from there", async (test) => {
  const { url, log } = await serve(test);
  const page = await open_page(test, url);
  await ask(page, "Be endless");
  await page.getByText("It begins and goes on").waitFor();
  await screenshot(page, "answering");
  await page.keyboard.press("Escape");
  await page.getByText("Stopped.").waitFor();
  await log.find(/finish=gone/);
  await page.getByRole("button", { name: "Go on", exact: true }).click();
  await page.getByText("It begins and goes on to its end.").waitFor();
  assert.equal(await page.locator("article.answer").count(), 1);
  assert.equal(await page.getByText("Stopped.").count(), 0);
});

test("what the limit cut off says so; a refusal is told in the server's words", async (test) => {
  const { url } = await serve(test);
  const page = await open_page(test, url, { refusals: [429] });
  await ask(page, "A long one");
  await page.getByText("reached its limit").waitFor();
  await ask(page, "Into the crowd");
  assert.match(await page.getByRole("alert").innerText(), /concurrency|Too many wait/);
  await page.getByRole("button", { name: "Ask again" }).waitFor();
});

test("another answer and an edited question are branches, and both are kept over a reload", async (test) => {
  const { url } = await serve(test);
  const page = await open_page(test, url);
  await ask(page, "Which colour?");
  await says(page, "Blue.");
  await page.getByRole("button", { name: "Another answer" }).click();
  await page.getByText("Green.").waitFor();
  assert.equal(await page.locator(".answer .siblings").innerText(), "2 / 2");
  await page.getByRole("button", { name: "Previous branch" }).click();
  await page.getByText("Blue.").waitFor();
  assert.equal(await page.getByText("Green.").count(), 0);

  await page.keyboard.press("Tab");
  await page.locator("main").focus();
  await page.keyboard.press("e");
  await page.getByRole("textbox", { name: "Edit the question" }).fill("Which number?");
  await page.keyboard.press("Enter");
  await page.getByText("Seven.").waitFor();
  assert.equal(await page.locator(".question .siblings").innerText(), "2 / 2");
  await screenshot(page, "branches");

  await page.reload();
  await page.getByText("Seven.").waitFor();
  await page.locator("main").focus();
  await page.keyboard.press("ArrowLeft");
  await page.getByText("Blue.").waitFor();
  assert.equal(await page.locator(".answer .siblings").innerText(), "1 / 2");
});

test("a system prompt goes with every request of its conversation", async (test) => {
  const cat = script('anywhere "You are a cat"', say("Meow."));
  const { url } = await serve_script(test, scripts(cat, other));
  const page = await open_page(test, url);
  await page.getByRole("button", { name: "System prompt and tools" }).click();
  await page.getByLabel("System prompt", { exact: true }).fill("You are a cat.");
  await page.getByRole("button", { name: "Done" }).click();
  await ask(page, "Who are you?");
  await says(page, "Meow.");
  await page.getByRole("button", { name: "New chat" }).first().click();
  await ask(page, "And you?");
  await says(page, "I see.");
});

test("conversations are found by what was said, exported, deleted and imported", async (test) => {
  const { url } = await serve(test);
  const page = await open_page(test, url, { refusals: [404] });
  await ask(page, "Which number?");
  await says(page, "Seven.");
  await page.getByRole("button", { name: "New chat" }).first().click();
  await ask(page, "Which colour?");
  await says(page, "Blue.");
  await page.keyboard.press("Control+k");
  await page.keyboard.type("seven");
  await page.locator(".entry").getByText("Seven.").waitFor();
  assert.equal(await page.locator(".entry").count(), 1);
  await screenshot(page, "search");

  await page.getByRole("button", { name: "Settings", exact: true }).click();
  const [download] = await Promise.all([
    page.waitForEvent("download"), page.getByRole("button", { name: "Export all" }).click(),
  ]);
  const archive = await download.path();
  assert.equal(JSON.parse(readFileSync(archive, "utf8")).conversations.length, 2);
  await page.getByRole("button", { name: "Done" }).click();
  await page.locator(".entry").hover();
  await page.getByRole("button", { name: /Delete Which number/ }).click();
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await page.getByText("Nothing found.").waitFor();

  await page.getByRole("button", { name: "Settings", exact: true }).click();
  await page.locator('input[type="file"][accept]').setInputFiles(
    { name: "archive.json", mimeType: "application/json", buffer: readFileSync(archive) });
  await page.getByText("Imported: 2").waitFor();
  await page.getByRole("button", { name: "Done" }).click();
  await page.locator(".entry a").first().click();
  await says(page, "Seven.");
});

test("an answer goes on while another conversation is looked at", async (test) => {
  const slow = script(when("slow"), "pace 20", say("One by one they came, and each had a story to tell of the sea."));
  const { url } = await serve_script(test, scripts(slow, other));
  const page = await open_page(test, url);
  await ask(page, "A slow one");
  await page.getByText("One by").waitFor();
  await page.getByRole("button", { name: "New chat" }).first().click();
  await ask(page, "Meanwhile");
  await says(page, "I see.");
  await page.getByRole("link", { name: "A slow one" }).click();
  await says(page, /tell of the sea\.$/);
});
