"use strict";
const element = (id) => document.getElementById(id);
let messages = [];
let running = null;

element("key").value = sessionStorage.getItem("key") ?? "";
element("key").onchange = () => { sessionStorage.setItem("key", element("key").value); list_models(); };

function headers() {
  const key = element("key").value.trim();
  return { "content-type": "application/json", ...(key ? { authorization: "Bearer " + key } : {}) };
}

async function list_models() {
  const answer = await fetch("models", { headers: headers() });
  if (!answer.ok) return show_error((await answer.json()).error.message);
  element("model").replaceChildren(...(await answer.json()).data.map((model) => new Option(model.id, model.id)));
}

function add(kind, text) {
  const article = document.createElement("article");
  article.className = kind;
  article.textContent = text;
  element("talk").append(article);
  article.scrollIntoView({ block: "end" });
  return article;
}

const show_error = (text) => add("note", text);

// Calls `act` with each event's data; events may be cut anywhere.
async function read_events(body, act) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    rest += value;
    const events = rest.split("\n\n");
    rest = events.pop();
    for (const event of events)
      for (const line of event.split("\n"))
        if (line.startsWith("data: ") && line !== "data: [DONE]") act(JSON.parse(line.slice(6)));
  }
}

async function ask(question) {
  messages.push({ role: "user", content: question });
  add("user", question);
  const article = add("", "");
  const reasoning = document.createElement("div");
  reasoning.className = "reasoning";
  const content = document.createElement("div");
  article.append(reasoning, content);
  running = new AbortController();
  element("send").textContent = "stop";
  const start = performance.now();
  try {
    const answer = await fetch("chat/completions", {
      method: "POST", headers: headers(), signal: running.signal,
      body: JSON.stringify({ model: element("model").value, messages, stream: true,
        stream_options: { include_usage: true },
        thinking: { type: element("thinking").checked ? "enabled" : "disabled" } }),
    });
    if (!answer.ok) throw new Error((await answer.json()).error.message);
    await read_events(answer.body, (chunk) => {
      if (chunk.error) throw new Error(chunk.error.message);
      const choice = chunk.choices[0];
      reasoning.textContent += choice?.delta.reasoning_content ?? "";
      content.textContent += choice?.delta.content ?? "";
      if (chunk.usage) {
        const seconds = (performance.now() - start) / 1000;
        element("figures").textContent = `${chunk.usage.prompt_tokens} tokens read, ${chunk.usage.completion_tokens} ` +
          `written in ${seconds.toFixed(1)} s; ${choice?.finish_reason ?? ""}`;
      }
      article.scrollIntoView({ block: "end" });
    });
  } catch (error) {
    if (error.name !== "AbortError") show_error(error.message);
  }
  running = null;
  element("send").textContent = "send";
  messages.push({ role: "assistant", content: content.textContent });
}

element("form").onsubmit = (event) => {
  event.preventDefault();
  if (running) return running.abort();
  const question = element("text").value.trim();
  element("text").value = "";
  if (question) ask(question);
};
element("text").onkeydown = (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); if (!running) element("form").requestSubmit(); }
};
element("reset").onclick = () => { running?.abort(); messages = []; element("talk").replaceChildren(); };
list_models().catch((error) => show_error(error.message));
