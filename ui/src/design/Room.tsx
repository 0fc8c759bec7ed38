// Words that change by themselves, in the room of the longest of them: nothing beside or below them moves.

import type { ReactNode } from "react";

/** `of`: all that may stand here. They take room, and are neither seen, read aloud nor found. */
export function Room({ of, children }: { of: readonly string[]; children: ReactNode }) {
  return (
    <span className="room">
      {of.map((each) => (
        <span key={each} aria-hidden="true" data-says={each} />
      ))}
      <span>{children}</span>
    </span>
  );
}
