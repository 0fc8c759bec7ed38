// What models say while the run works, below what it came to so far: a room of one height with places that stay, so that nothing moves when
// a reply begins or ends.

import { useEffect, useRef } from "react";

import { Streamed } from "../../source/Streamed";

export interface Reply {
  stage: string;
  text: string;
  isUnderWay: boolean;
}

export function Speaking({ replies }: { replies: Reply[] }) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    box.current?.scrollTo({ left: box.current.scrollWidth });
  }, [replies.length]);
  return (
    <div className="speaking" ref={box} role="group" aria-label="Replies, live">
      {replies.length === 0 ? <p className="muted">No model is replying at the moment.</p> : null}
      {replies.map(({ stage, text, isUnderWay }) => (
        <section key={stage} aria-label={`${stage}, live`} data-over={!isUnderWay || undefined}>
          <h3>{stage}</h3>
          <Streamed text={text} label={`${stage}, so far`} />
        </section>
      ))}
    </div>
  );
}
