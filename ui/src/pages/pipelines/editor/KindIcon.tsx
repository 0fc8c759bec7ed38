// What a stage is made of: a model's answer, code, data, a person, something done outside, other pipelines; a shape each.

import type { StageKindInfo } from "../../../api/schema";

export type Group = StageKindInfo["group"];

export function KindIcon({ group }: { group: Group | undefined }) {
  return (
    <svg width="14" height="14" viewBox="0 0 14 14" aria-hidden="true" fill="none" stroke="currentColor" strokeWidth="1.5" strokeLinecap="round" strokeLinejoin="round" data-group={group ?? "data"}>
      {shape(group)}
    </svg>
  );
}

function shape(group: Group | undefined) {
  switch (group) {
    case "source":
      return <path d="M3 1.5h5l3 3v8H3ZM8 1.5v3h3" />;
    case "model":
      return <path d="M7 1.2 8.5 5.5 12.8 7 8.5 8.5 7 12.8 5.5 8.5 1.2 7 5.5 5.5Z" />;
    case "code":
      return <path d="M4.5 3.5 1.2 7l3.3 3.5m5-7L12.8 7 9.5 10.5" />;
    case "people":
      return <path d="M7 7.2a2.7 2.7 0 1 0 0-5.4 2.7 2.7 0 0 0 0 5.4ZM1.8 12.8c.6-2.6 2.6-3.8 5.2-3.8s4.6 1.2 5.2 3.8" />;
    case "effect":
      return <path d="M1.5 7h10M8 3.2 11.8 7 8 10.8" />;
    case "nested":
      return <path d="M1.5 1.5h11v11h-11ZM4.5 4.5h5v5h-5Z" />;
    default:
      return <path d="M1.5 3h11M1.5 7h11M1.5 11h7" />;
  }
}
