// Where something stands: colour, word and a shape of its own, so that it is told without colours too.

import type { RunStatus, StageStatus } from "../api/schema";

/** `says`: another word than the status's own. */
export function Status({ status, isPill = false, says = status }: { status: RunStatus | StageStatus; isPill?: boolean; says?: string }) {
  return (
    <span className="status" data-status={status} data-pill={isPill || undefined}>
      <StatusIcon status={status} />
      {says}
    </span>
  );
}

export function StatusIcon({ status }: { status: RunStatus | StageStatus }) {
  return (
    <svg width="12" height="12" viewBox="0 0 12 12" aria-hidden="true" fill="none" stroke="currentColor" strokeWidth="1.8" strokeLinecap="round">
      {shape(status)}
    </svg>
  );
}

function shape(status: RunStatus | StageStatus) {
  switch (status) {
    case "completed":
      return <path d="m2 6.5 2.7 2.7L10 3.2" strokeLinejoin="round" />;
    case "failed":
      return <path d="m2.8 2.8 6.4 6.4m0-6.4-6.4 6.4" />;
    case "running":
      return (
        <g>
          <circle cx="6" cy="6" r="4.4" opacity="0.3" />
          <path className="moving" d="M6 1.6a4.4 4.4 0 0 1 4.4 4.4" />
        </g>
      );
    case "waiting":
      return <path d="M4 2.5v7M8 2.5v7" />;
    case "pending":
      return <circle cx="6" cy="6" r="4.2" />;
    case "skipped":
      return <path d="M2 6h8" />;
    case "cancelled":
      return <path d="M2.6 9.4 9.4 2.6M6 1.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9Z" strokeWidth="1.5" />;
  }
}
