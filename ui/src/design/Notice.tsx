// What went wrong, or is to be known, with what to do about it.

import type { ReactNode } from "react";

import { Refusal } from "../api/refusal";

export function Notice({ tone = "waiting", title, hint, children }: { tone?: "failed" | "waiting" | "completed" | "running"; title: ReactNode; hint?: ReactNode; children?: ReactNode }) {
  return (
    <div className="notice" data-status={tone} role={tone === "failed" ? "alert" : "status"}>
      <div>
        <div>{title}</div>
        {hint ? <div className="hint">{hint}</div> : null}
        {children}
      </div>
    </div>
  );
}

export function ErrorNotice({ error }: { error: Error }) {
  const refusal = error instanceof Refusal ? error : null;
  return (
    <Notice tone="failed" title={error.message} hint={refusal?.hint}>
      {refusal && refusal.problems.length > 0 ? (
        <ul>
          {refusal.problems.map((problem) => (
            <li key={`${problem.place} ${problem.message}`}>
              <code>{problem.place}</code> {problem.message} {problem.hint ? <span className="hint">{problem.hint}</span> : null}
            </li>
          ))}
        </ul>
      ) : null}
    </Notice>
  );
}

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** Something is still read of which nothing can be told yet. */
export function Arriving() {
  return <span className="arriving" hidden />;
}

/** What is still read. What stands below it in a page, a stack or columns is not shown before it is there (base.css). */
export function Skeleton({ rows = 4 }: { rows?: number }) {
  return (
    <div className="body arriving" role="status" aria-busy="true" aria-label="Loading">
      {Array.from({ length: rows }, (_, row) => (
        <span key={row} className="skeleton" data-row={row} />
      ))}
    </div>
  );
}
