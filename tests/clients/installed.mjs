// Whether the packages of a folder's package.json are there in the versions that it pins: node installed.mjs FOLDER.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const folder = process.argv[2];
const read = (file) => JSON.parse(readFileSync(file, "utf8"));

for (const [name, version] of Object.entries(read(join(folder, "package.json")).dependencies)) {
  const file = join(folder, "node_modules", name, "package.json");
  if (existsSync(file) && read(file).version === version) continue;
  console.log(`${name} ${version}`);
  process.exit(1);
}
