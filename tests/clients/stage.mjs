// What several clients' tests play: a scene of an answer, and two tools as JSON Schema describes them.
import { say } from "./script.mjs";

export const thoughtful = say("Let me see.</think>It rains.");

const object = (properties) => ({
  type: "object", properties, required: Object.keys(properties), additionalProperties: false,
});

export const weather_tool = {
  name: "get_weather", description: "The weather of a city.", parameters: object({ city: { type: "string" } }),
};
export const clock_tool = { name: "clock", description: "The time.", parameters: object({}) };
