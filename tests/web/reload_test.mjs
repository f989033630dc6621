// A reload in the middle of an answer: what the page had received is there, to the last event, and the answer goes on.
import assert from "node:assert/strict";
import test from "node:test";
import { say, script, scripts } from "../clients/script.mjs";
import { serve_script } from "../clients/server.mjs";
import { answer_of, ask, kept_messages, open_page, screenshot } from "./browser.mjs";

const words = Array.from({ length: 400 }, (_, index) => `word${index}`).join(" ");
const rest = script('anywhere "word10"', say(" and the rest."));
const slow = script("pace 8", say(words));

// Beside the page, a second reader of the same bytes that tells what had come when the page went away.
function listen() {
  const plain = globalThis.fetch;
  let received = "";
  globalThis.fetch = async (...given) => {
    const response = await plain(...given);
    if (!response.headers.get("content-type")?.startsWith("text/event-stream")) return response;
    const decoder = new TextDecoder();
    const watched = new TransformStream({
      transform(chunk, controller) {
        received += decoder.decode(chunk, { stream: true });
        controller.enqueue(chunk);
      },
    });
    return new Response(response.body.pipeThrough(watched), response);
  };
  addEventListener("pagehide", () => received && localStorage.setItem("test.received", received));
}

function content_of(events) {
  let content = "";
  for (const event of events.split("\n\n").slice(0, -1))
    if (event.startsWith("data: {")) content += JSON.parse(event.slice(6)).choices[0]?.delta.content ?? "";
  return content;
}

test("nothing that was received is lost", async (test) => {
  const { url } = await serve_script(test, scripts(rest, slow));
  const page = await open_page(test, url);
  await page.context().addInitScript(listen);
  await page.reload();
  await ask(page, "Count");
  await page.getByText("word12 ").waitFor();
  const shown = await page.locator(".answer .markdown").innerText();
  await page.reload();
  await page.getByText("interrupted").waitFor();
  await screenshot(page, "interrupted");
  const kept = (await kept_messages(page)).find((message) => message.role === "assistant").content;
  const received = content_of(await page.evaluate(() => localStorage.getItem("test.received")));
  assert.ok(received.length >= shown.length, `${received} is shorter than what was shown, ${shown}`);
  assert.equal(kept, received);
  assert.ok(words.startsWith(kept), kept);

  await page.getByRole("button", { name: "Go on", exact: true }).click();
  await page.getByText("and the rest.").waitFor();
  const whole = await page.locator(".answer .markdown").innerText();
  assert.equal(whole, `${kept} and the rest.`.replaceAll("  ", " "));
});

// Another page, come back to life, ends the answer when this one has just read that it is streaming.
function end_answer_when_read() {
  const plain = IDBObjectStore.prototype.get;
  IDBObjectStore.prototype.get = function (...given) {
    const reading = plain.apply(this, given);
    if (this.name === "messages") {
      const ended = JSON.parse(localStorage.getItem(`fathom.journal.${given[0]}`));
      const elsewhere = this.transaction.db.transaction("messages", "readwrite").objectStore("messages");
      elsewhere.put({ ...ended, state: "done", content: "Ended elsewhere." });
    }
    return reading;
  };
}

test("the journal does not write over what a page that came back to life has ended meanwhile", async (test) => {
  const { url } = await serve_script(test, say("I see."));
  const page = await open_page(test, url);
  await ask(page, "Look");
  await answer_of(page);
  const answer = (await kept_messages(page)).find((message) => message.role === "assistant");
  await page.evaluate(async (streaming) => {
    localStorage.setItem(`fathom.journal.${streaming.id}`, JSON.stringify({ ...streaming, content: "I s" }));
    const opening = indexedDB.open("fathom", 1);
    await new Promise((resolve) => (opening.onsuccess = resolve));
    const transaction = opening.result.transaction("messages", "readwrite");
    transaction.objectStore("messages").put(streaming);
    await new Promise((resolve) => (transaction.oncomplete = resolve));
    opening.result.close();
  }, { ...answer, state: "streaming", content: "I" });
  await page.context().addInitScript(end_answer_when_read);
  await page.reload();
  await page.getByText("Ended elsewhere.").waitFor();
  const kept = (await kept_messages(page)).find(({ id }) => id === answer.id);
  assert.equal(kept.content, "Ended elsewhere.");
  assert.equal(await page.evaluate((id) => localStorage.getItem(`fathom.journal.${id}`), answer.id), null);
});
