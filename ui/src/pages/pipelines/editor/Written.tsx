// A document's text that is only read.

import { useMemo } from "react";

import "./editor.css";
import { highlighted } from "./highlight";

export function Written({ text }: { text: string }) {
  const lines = useMemo(() => highlighted(text.trimEnd()), [text]);
  return (
    <div className="code" role="region" aria-label="The pipeline as it was written" tabIndex={0}>
      <div className="gutter" aria-hidden="true">
        {lines.map((_, index) => (
          <span key={index}>{index + 1}</span>
        ))}
      </div>
      <div className="paper">
        <Lines lines={lines} />
      </div>
    </div>
  );
}

export function Lines({ lines, isHidden }: { lines: ReturnType<typeof highlighted>; isHidden?: boolean }) {
  return (
    <pre aria-hidden={isHidden}>
      {lines.map((line, index) => (
        <span key={index} className="line">
          {line.map((part, at) => (
            <span key={at} data-is={part.is}>
              {part.text}
            </span>
          ))}
          {"\n"}
        </span>
      ))}
    </pre>
  );
}
