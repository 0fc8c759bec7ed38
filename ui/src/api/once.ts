// What is asked for once is done once: as long as nobody knows whether it was done, asking again is the same request, and the service
// answers it as it answered the first. So neither a second press nor a lost answer starts, and pays, anything twice.

import { Refusal } from "./refusal";

const KEYS_MAX = 100;
const unanswered = new Map<string, string>();

export async function once<Answer>(what: string, ask: (key: string) => Promise<Answer>): Promise<Answer> {
  const key = unanswered.get(what) ?? newKey();
  unanswered.delete(what); // so that it is the newest
  unanswered.set(what, key);
  for (const oldest of unanswered.keys()) if (unanswered.size > KEYS_MAX) unanswered.delete(oldest);
  try {
    const answer = await ask(key);
    unanswered.delete(what);
    return answer;
  } catch (error) {
    if (error instanceof Refusal && error.status >= 400 && error.status < 500) unanswered.delete(what);
    throw error;
  }
}

/** Not `crypto.randomUUID`, which a page has only with TLS or on this machine. */
function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
