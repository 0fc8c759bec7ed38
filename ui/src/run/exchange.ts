// A call as people read it, from the request and the reply as they are stored.

import type { JsonValue } from "../api/schema";

type Json = Record<string, JsonValue>;
const isObject = (value: JsonValue | undefined): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);

/** The instructions, then each named text that went along, then why replies before this one were refused. */
export function promptOf(request: Json): { name: string; text: string }[] {
  const { instructions, parts, rejections } = request;
  return [
    ...(typeof instructions === "string" && instructions ? [{ name: "instructions", text: instructions }] : []),
    ...objectsOf(parts).map((part) => ({ name: typeof part.name === "string" ? part.name : "text", text: indented(part.text ?? part) })),
    ...objectsOf(rejections).map(({ reply, problems }) => ({ name: "an earlier reply, refused", text: `${indented(reply ?? null)}\n\n${indented(problems ?? null)}` })),
  ];
}

/** What the model said: the text of a reply, indented where it is JSON. */
export const readable = (reply: Json): string => indented(reply.text ?? reply);

const objectsOf = (value: JsonValue | undefined): Json[] => (Array.isArray(value) ? value.filter(isObject) : []);

function indented(value: JsonValue): string {
  if (typeof value !== "string") return JSON.stringify(value, null, 2);
  if (!/^\s*[[{]/.test(value)) return value;
  try {
    return JSON.stringify(JSON.parse(value), null, 2);
  } catch {
    return value; // a reply that broke off
  }
}
