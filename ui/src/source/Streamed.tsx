// What a model says at this moment.

import { useLayoutEffect, useRef, type UIEvent } from "react";

import "./source.css";

const LINE_PX = 20;

/** The last words are in sight, until somebody goes back to read earlier ones. */
export function Streamed({ text, label = "The reply so far" }: { text: string; label?: string }) {
  const box = useRef<HTMLPreElement>(null);
  const follows = useRef(true);
  useLayoutEffect(() => {
    if (follows.current && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [text]);
  const look = ({ currentTarget: { scrollHeight, scrollTop, clientHeight } }: UIEvent<HTMLPreElement>) => {
    follows.current = scrollHeight - scrollTop - clientHeight < LINE_PX;
  };
  return (
    <pre ref={box} className="streamed" role="region" aria-live="off" aria-label={label} tabIndex={0} onScroll={look}>
      {text}
      <span className="caret" aria-hidden="true" />
    </pre>
  );
}
