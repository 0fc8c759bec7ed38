// What the service refuses, with what to do about it.

import type { ProblemDetails } from "./schema";

type Told = Pick<ProblemDetails, "status" | "code" | "detail" | "hint" | "problems">;

export class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  readonly hint: string | null;
  readonly problems: ProblemDetails["problems"];

  constructor({ detail, status = 0, code = "error", hint = null, problems = [] }: Pick<Told, "detail"> & Partial<Told>) {
    super(detail);
    this.status = status;
    this.code = code;
    this.hint = hint;
    this.problems = problems;
  }
}

/** From the body of an answer that is no success. */
export function refusalOf(status: number, body: string): Refusal {
  try {
    const { detail, code, hint, problems } = JSON.parse(body) as Partial<Told>;
    if (typeof detail === "string") return new Refusal({ detail, status, ...(code ? { code } : {}), hint: hint ?? null, problems: problems ?? [] });
  } catch {
    // No JSON: a proxy answered.
  }
  return new Refusal({ detail: `The service answered ${status}.`, status });
}

export const unreachable = (hint: string): Refusal => new Refusal({ detail: "The service is not responding.", code: "unreachable", hint });

/** Whatever was thrown, as what can be shown. */
export const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)));
