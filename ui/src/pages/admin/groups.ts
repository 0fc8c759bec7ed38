// Nouns under the heads that people look for them by.

import type { Noun } from "./api";

export interface Group {
  title: string;
  nouns: Noun[];
}

const GROUPS: [string, string[]][] = [
  ["Work", ["runs", "stage_runs", "results", "reviews", "calls", "backfills", "schedules"]],
  ["Content", ["contents", "threads", "uploads", "erasures"]],
  ["Pipelines", ["pipelines", "pipeline_versions", "stage_kinds"]],
  ["People", ["me", "members", "invitations", "sessions", "organizations", "service_accounts", "keys", "embed_tokens", "audit"]],
  ["Money", ["costs", "budgets", "quotas", "usage"]],
  ["Operations", ["models", "provider_keys", "http_credentials", "secrets", "webhooks", "webhook_deliveries", "hook_deliveries", "settings", "llm", "pauses", "concurrency", "limits", "workers", "installation"]],
];

/** Every noun once, in the order of the groups; one that stands in none is with the last. */
export function grouped(nouns: Noun[]): Group[] {
  const left = new Map(nouns.map((noun) => [noun.name, noun]));
  const found = GROUPS.map(([title, names]) => ({
    title,
    nouns: names.flatMap((name) => {
      const noun = left.get(name);
      left.delete(name);
      return noun === undefined ? [] : [noun];
    }),
  }));
  found.at(-1)?.nouns.push(...left.values());
  return found.filter((group) => group.nouns.length > 0);
}
