// The one way to the REST interface: an operation by name, typed from its OpenAPI document.

import { once } from "./once";
import { refusalOf, unreachable } from "./refusal";
import { ROUTES, type OperationName, type Operations } from "./schema";

type Present<Operation> = {
  [Place in keyof Operation & ("path" | "query" | "body") as Operation[Place] extends never ? never : Place]: Operation[Place];
};
// What has only optional members need not be given.
type Loose<Given> = { [Place in keyof Given as object extends Given[Place] ? Place : never]?: Given[Place] } & {
  [Place in keyof Given as object extends Given[Place] ? never : Place]: Given[Place];
};
export type Given<Name extends OperationName> = Loose<Present<Operations[Name]>>;
export type Answer<Name extends OperationName> = Operations[Name]["answer"];

/** Where the application is, for it may be below a prefix of a host: this file is in a folder there. */
export const BASE = import.meta.env.DEV ? "/" : new URL("..", import.meta.url).pathname;

export interface Options {
  signal?: AbortSignal;
  /** What makes something: asked again before it was answered, it is made once. */
  isOnce?: boolean;
}

export async function call<Name extends OperationName>(
  name: Name,
  ...[given, options]: object extends Given<Name> ? [Given<Name>?, Options?] : [Given<Name>, Options?]
): Promise<Answer<Name>> {
  const route = ROUTES[name];
  const sent = (given ?? {}) as { path?: Record<string, string>; query?: Record<string, unknown>; body?: unknown };
  const url = address(route.path, sent.path, sent.query);
  const body = sent.body === undefined ? undefined : JSON.stringify(sent.body);
  const ask = async (key?: string) => {
    const headers = new Headers({ accept: "application/json" });
    if (body !== undefined) headers.set("content-type", "application/json");
    if (key !== undefined) headers.set("idempotency-key", key);
    const answer = await reach(url, { method: route.method, headers, ...(body === undefined ? {} : { body }), ...(options?.signal ? { signal: options.signal } : {}) });
    return (answer.status === 204 ? undefined : await answer.json()) as Answer<Name>;
  };
  return options?.isOnce ? once(`${route.method} ${url}\n${body ?? ""}`, ask) : ask();
}

/** The same where an operation is known by a parameter alone: what is given was held against its type by whoever named it. */
export const callNamed = call as <Name extends OperationName>(name: Name, given: unknown, options: Options) => Promise<Answer<Name>>;

/** The address of an operation, for links and downloads too. */
export function address(path: string, parts: Record<string, string> = {}, query: Record<string, unknown> = {}): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, key: string) => encodeURIComponent(parts[key] ?? ""));
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (typeof value === "number" || typeof value === "boolean" || (typeof value === "string" && value !== "")) search.set(key, value.toString());
  }
  const said = search.toString();
  return `${BASE}api${filled}${said ? `?${said}` : ""}`;
}

let token: string | null = null;
let ended: () => void = () => undefined;

/** From now on come in with this token, and with nothing else: an embedded page is nobody's session. `onEnd`: it lets nobody in more. */
export function bear(given: string, onEnd: () => void): void {
  token = given;
  ended = onEnd;
}

export const isBearing = (): boolean => token !== null;

/** A request of any kind, of which what is no success is thrown as a Refusal. */
export async function reach(url: string, init: RequestInit): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(url, token === null ? init : borne(init, token));
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw unreachable("Check that it is running. This page retries on its own.");
  }
  if (answer.ok) return answer;
  if (answer.status === 401 && token !== null) {
    const once = ended;
    ended = () => undefined;
    once();
  }
  throw refusalOf(answer.status, await answer.text());
}

function borne(init: RequestInit, given: string): RequestInit {
  const headers = new Headers(init.headers);
  headers.set("authorization", `Bearer ${given}`);
  return { ...init, headers, credentials: "omit" };
}
