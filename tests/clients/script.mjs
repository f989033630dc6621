// Scripts for the model's place (tests/server/scripted_generator_support.h), from what they say.

const quoted = (text) =>
  `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n").replaceAll("\t", "\\t")}"`;

export const say = (text) => `say ${quoted(text)}`;
export const when = (...words) => `when ${words.map(quoted).join(" ")}`;
export const anywhere = (...words) => `anywhere ${words.map(quoted).join(" ")}`;
export const script = (...lines) => lines.join("\n");
// The first whose words fit plays.
export const scripts = (...all) => all.join("\n---\n");

// Calls as DeepSeek-V4 writes them: calls({ get_weather: { city: "Rome" } }, ...).
export function calls(...wanted) {
  const parameter = ([name, value]) => {
    const text = typeof value === "string";
    return `<｜DSML｜parameter name="${name}" string="${text}">${text ? value : JSON.stringify(value)}</｜DSML｜parameter>\n`;
  };
  const invoke = ([name, values]) =>
    `<｜DSML｜invoke name="${name}">\n${Object.entries(values).map(parameter).join("")}</｜DSML｜invoke>\n`;
  const all = wanted.flatMap((call) => Object.entries(call));
  return `\n\n<｜DSML｜tool_calls>\n${all.map(invoke).join("")}</｜DSML｜tool_calls>`;
}
