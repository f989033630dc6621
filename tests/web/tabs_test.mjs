// Two tabs of one browser: they show the same, and neither writes over the other's messages.
import assert from "node:assert/strict";
import test from "node:test";
import { say, script, scripts, when } from "../clients/script.mjs";
import { serve_script } from "../clients/server.mjs";
import { answer_of, ask, kept, kept_messages, open_page, says, screenshot } from "./browser.mjs";

const words = Array.from({ length: 60 }, (_, index) => `word${index}`).join(" ");
const slow = script(when("slow"), "pace 30", say(words));
const endless = script(when("endless"), say("It begins"), "pause 300", say(" and goes on"), "end never");
const goes_on = script('anywhere "It begins and goes on"', "pace 30", say(" slowly to its very end, as all things do."));
const other = say("I see.");

// The first tab asks; the second is opened at the conversation's address.
async function two_tabs(test, question, ...rest) {
  const { url, log } = await serve_script(test, scripts(...rest, other));
  const first = await open_page(test, url);
  await ask(first, question);
  await first.locator("article.answer").waitFor();
  const second = await first.context().newPage();
  const faults = [];
  second.on("console", (message) => ["error", "warning"].includes(message.type()) && faults.push(message.text()));
  second.on("pageerror", (error) => faults.push(String(error)));
  test.after(() => assert.deepEqual(faults, []));
  await second.goto(first.url());
  await second.locator("article.answer").waitFor();
  return { first, second, log };
}

// From here on the others hear nothing of this tab: its news are still on their way.
const fall_silent = (page) => page.evaluate(() => (BroadcastChannel.prototype.postMessage = () => {}));

// As if another tab told it.
const tell = (page, news) =>
  page.evaluate((told) => new BroadcastChannel("fathom").postMessage({ from: "another", news: told }), news);

const kept_conversations = (page) => kept(page, "conversations");

async function delete_conversation(page, title) {
  await page.locator(".entry").filter({ hasText: title }).hover();
  await page.getByRole("button", { name: `Delete ${title}` }).click();
  await page.getByRole("button", { name: "Delete", exact: true }).click();
}

const answered = (page, times) => page.locator('article.answer[aria-busy="false"]').nth(times - 1).waitFor();
const answers = async (page) => (await kept_messages(page)).filter(({ role }) => role === "assistant");

test("an answer is seen in both tabs as it comes, and kept once", async (test) => {
  const { first, second } = await two_tabs(test, "A slow one", slow);
  await second.locator('article.answer[aria-busy="true"]').waitFor();
  await second.getByText("word20 ").waitFor();
  await screenshot(second, "second_tab");
  assert.equal(await second.getByText("interrupted").count(), 0);
  assert.equal(await second.getByRole("button", { name: "Go on", exact: true }).count(), 0);
  for (const page of [first, second]) await says(page, words);
  const figures = (page) => page.locator(".figures").innerText();
  assert.equal(await figures(second), await figures(first));
  assert.deepEqual((await answers(second)).map(({ content, state }) => ({ content, state })),
    [{ content: words, state: "done" }]);
});

test("the second tab stops the first one's answer, and goes on with it in sight of both", async (test) => {
  const { first, second, log } = await two_tabs(test, "Be endless", goes_on, endless);
  await second.getByText("It begins and goes on").waitFor();
  await second.locator("main").focus();
  await second.keyboard.press("Escape");
  for (const page of [first, second]) await page.getByText("Stopped.").waitFor();
  await log.find(/finish=gone/);
  await second.getByRole("button", { name: "Go on", exact: true }).click();
  await first.locator('article.answer[aria-busy="true"]').waitFor();
  const whole = "It begins and goes on slowly to its very end, as all things do.";
  for (const page of [first, second]) await says(page, whole);
  assert.deepEqual((await answers(first)).map(({ content, state }) => ({ content, state })),
    [{ content: whole, state: "done" }]);
});

test("both go on with one answer at the same moment: one of them writes it", async (test) => {
  const { first, second } = await two_tabs(test, "Be endless", goes_on, endless);
  await second.getByText("It begins and goes on").waitFor();
  await first.locator("main").focus();
  await first.keyboard.press("Escape");
  const buttons = [first, second].map((page) => page.getByRole("button", { name: "Go on", exact: true }));
  for (const button of buttons) await button.waitFor();
  await Promise.all(buttons.map((button) => button.evaluate((element) => element.click())));
  const whole = "It begins and goes on slowly to its very end, as all things do.";
  for (const page of [first, second]) {
    await page.getByText("as all things do.").waitFor();
    await says(page, whole);
  }
  assert.deepEqual((await answers(first)).map(({ content }) => content), [whole]);
});

test("a tab that is reloaded leaves its answer to be gone on with by the other", async (test) => {
  const { first, second } = await two_tabs(test, "Be endless", goes_on, endless);
  await second.getByText("It begins and goes on").waitFor();
  await first.reload();
  await second.getByText("interrupted").waitFor();
  await first.getByText("interrupted").waitFor();
  await second.getByRole("button", { name: "Go on", exact: true }).click();
  for (const page of [first, second]) {
    await page.getByText("as all things do.").waitFor();
    await says(page, "It begins and goes on slowly to its very end, as all things do.");
  }
});

test("questions, branches, names and what is deleted agree", async (test) => {
  const { first, second } = await two_tabs(test, "Which one?");
  await ask(second, "And then?");
  for (const page of [first, second]) await answered(page, 2);
  await ask(first, "And at last?");
  for (const page of [first, second]) await answered(page, 3);
  assert.equal((await kept_messages(first)).length, 6);

  await second.getByRole("button", { name: "Another answer" }).last().click();
  for (const page of [first, second]) await page.getByText("2 / 2").waitFor();
  await first.getByRole("button", { name: "Previous branch" }).click();
  for (const page of [first, second]) await page.getByText("1 / 2").waitFor();

  await second.getByRole("button", { name: "New chat" }).first().click();
  await ask(second, "Something else");
  await answer_of(second);
  await first.getByRole("link", { name: "Something else" }).waitFor();
  await first.getByRole("link", { name: "Something else" }).click();
  await first.getByRole("heading", { name: "Something else" }).waitFor();
  await delete_conversation(second, "Which one?");
  await first.getByRole("link", { name: "Which one?" }).waitFor({ state: "detached" });
  assert.equal((await kept_messages(first)).length, 2);
});

test("deleting a conversation ends the answer that another tab writes in it, and nothing of it is left", async (test) => {
  const { first, second, log } = await two_tabs(test, "Be endless", endless);
  await second.getByText("It begins and goes on").waitFor();
  await delete_conversation(second, "Be endless");
  await log.find(/finish=gone/);
  await first.locator(".entry").waitFor({ state: "detached" });
  await first.waitForTimeout(300); // what it had under way
  assert.deepEqual(await kept_messages(first), []);
});

test("an answer that ends before its tab hears of the deletion leaves nothing behind", async (test) => {
  const { first, second } = await two_tabs(test, "Be endless", endless);
  await second.getByText("It begins and goes on").waitFor();
  const [conversation] = await kept_conversations(second);
  await fall_silent(second);
  await delete_conversation(second, "Be endless");
  while ((await kept_conversations(second)).length) await second.waitForTimeout(20);
  await first.locator("main").focus();
  await first.keyboard.press("Escape");
  await first.getByText("Stopped.").waitFor();
  assert.deepEqual(await kept_messages(first), []);
  assert.deepEqual(await kept_conversations(first), []);

  await tell(first, { kind: "removed", conversation: conversation.id });
  await first.locator(".entry").waitFor({ state: "detached" });
  await tell(first, { kind: "conversation", conversation }); // told before, heard after
  await tell(first, { kind: "conversation", conversation: { ...conversation, id: "0".repeat(24), title: "Heard" } });
  await first.getByRole("link", { name: "Heard" }).waitFor();
  assert.equal(await first.locator(".entry").count(), 1);
});

test("what another tab has changed is shown with a change of one's own, though nothing was heard of it", async (test) => {
  const { first, second } = await two_tabs(test, "Which one?");
  for (const page of [first, second]) await answered(page, 1);
  await fall_silent(second);
  await second.getByRole("button", { name: "System prompt and tools" }).click();
  await second.getByLabel("Name").fill("A better name");
  await second.keyboard.press("Escape");
  await second.getByRole("link", { name: "A better name" }).waitFor();
  assert.equal(await first.getByRole("link", { name: "A better name" }).count(), 0);
  await ask(first, "And then?");
  await first.getByRole("link", { name: "A better name" }).waitFor();
  await answered(first, 2);
});

test("a conversation that begins while the list is read again stays in it, and its answer is kept", async (test) => {
  const { first, second } = await two_tabs(test, "Which one?", slow);
  for (const page of [first, second]) await answered(page, 1);
  // The list comes when the test says so, as it was when it was asked for.
  await first.evaluate(() => {
    const plain = IDBObjectStore.prototype.getAll;
    IDBObjectStore.prototype.getAll = function (...given) {
      const late = {};
      const reading = plain.apply(this, given);
      reading.onsuccess = () => {
        globalThis.let_come = () => {
          late.result = reading.result;
          late.onsuccess();
        };
      };
      return late;
    };
  });
  await tell(second, { kind: "imported" });
  await first.waitForFunction(() => globalThis.let_come);
  await first.getByRole("button", { name: "New chat" }).first().click();
  await ask(first, "A slow one");
  await first.getByText("word3 ").waitFor();
  await first.evaluate(() => globalThis.let_come());
  await says(first, words);
  assert.equal(await first.locator(".entry").count(), 2);
  const slow_one = (await answers(second)).find(({ content }) => content.startsWith("word0"));
  assert.equal(slow_one.content, words);
  assert.equal(slow_one.state, "done");
});
