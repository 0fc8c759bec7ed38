// The parts of a YAML text that are shown in colours of their own: keys, comments, texts in quotes, and what is no text.

export type Part = { text: string; is: "key" | "comment" | "quoted" | "value" | "plain" };

const KEY = /^(\s*(?:- +)*)([A-Za-z_][\w.?@-]*|"[^"]*"|'[^']*')(\s*:)(?=\s|$)/;
const TOKEN = /"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|(?<=[\s{[,]|^)#.*|(?<=[{,]\s*)[A-Za-z_][\w.?-]*(?=:\s)|(?<=[\s[{,]|^)(?:true|false|null|~|-?\d+(?:\.\d+)?)(?=[\s,\]}]|$)/g;
const BLOCK = /(?:^|[\s:])[|>][+-]?\d?\s*(?:#.*)?$/;

/** By line. */
export function highlighted(text: string): Part[][] {
  let block: number | null = null; // the indentation of the key whose text stands in the lines below it
  return text.split("\n").map((line) => {
    const indent = line.search(/\S/);
    if (block !== null && (indent < 0 || indent > block)) return [{ text: line, is: "quoted" }];
    block = BLOCK.test(line) && !line.trimStart().startsWith("#") ? Math.max(0, indent) : null;
    return partsOf(line);
  });
}

function partsOf(line: string): Part[] {
  const key = KEY.exec(line);
  const parts: Part[] = [];
  let rest = line;
  if (key) {
    parts.push({ text: key[1] ?? "", is: "plain" }, { text: key[2] ?? "", is: "key" }, { text: key[3] ?? "", is: "plain" });
    rest = line.slice(key[0].length);
  }
  let at = 0;
  for (const { 0: token, index } of rest.matchAll(TOKEN)) {
    parts.push({ text: rest.slice(at, index), is: "plain" }, { text: token, is: kindOf(token, rest.slice(index + token.length)) });
    at = index + token.length;
  }
  parts.push({ text: rest.slice(at), is: "plain" });
  return parts.filter((part) => part.text !== "");
}

function kindOf(token: string, after: string): Part["is"] {
  if (token.startsWith("#")) return "comment";
  if (/^["']/.test(token)) return "quoted";
  return after.startsWith(":") ? "key" : "value";
}
