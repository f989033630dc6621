// The same protocol as encode_bench.cpp with Hugging Face's Rust engine under node: PACKAGE TOKENIZER_JSON TEXT.
// Only the call that encodes is timed; the ids are fetched afterwards.
'use strict';
const fs = require('fs');
const readline = require('readline');
const [folder, packageName, tokenizerJson, textFile] = process.argv.slice(2);
const {Tokenizer} = require(require.resolve(packageName, {paths: [folder]}));

function checksum(encodings) {
  let hash = 2166136261;
  let tokens = 0;
  for (const encoding of encodings) {
    for (const id of encoding.getIds()) hash = Math.imul(hash ^ id, 16777619);
    tokens += encoding.getLength();
  }
  return `${tokens} ${(hash >>> 0).toString(16).padStart(8, '0')}`;
}

async function main() {
  const load = process.hrtime.bigint();
  const tokenizer = Tokenizer.fromFile(tokenizerJson);
  console.log(`load ${(Number(process.hrtime.bigint() - load) / 1e9).toFixed(4)}`);
  const texts = fs.readFileSync(textFile, 'utf8').split('\f');
  for await (const line of readline.createInterface({input: process.stdin})) {
    const encodings = [];
    const start = process.hrtime.bigint();
    const before = process.cpuUsage();
    for (const text of texts) encodings.push(await tokenizer.encode(text, null, {addSpecialTokens: false}));
    const seconds = Number(process.hrtime.bigint() - start) / 1e9;
    const {user, system} = process.cpuUsage(before);  // microseconds
    console.log(`encode ${seconds.toFixed(4)} ${((user + system) / 1e6).toFixed(4)} ${checksum(encodings)}`);
  }
}

main();
