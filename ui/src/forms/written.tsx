// Values that are written as a text: a list, one a line, and whatever no form asks for, in the notation that the page speaks.
//
// Invariant: what somebody is writing stays as they write it; only where the value became another behind their back is it shown anew.

import { createContext, useContext, useState } from "react";

import type { JsonValue } from "../api/schema";

interface Notation {
  name: string;
  write: (value: JsonValue) => string;
  /** Raises what is wrong with a text. */
  read: (text: string) => JsonValue;
}

/** JSON, unless the page says otherwise. */
export const NotationContext = createContext<Notation>({
  name: "JSON",
  write: (value) => JSON.stringify(value, null, 2),
  read: (text) => JSON.parse(text) as JsonValue,
});

export const word = (value: JsonValue): string => (typeof value === "string" ? value : JSON.stringify(value));

export interface WrittenProps {
  id: string;
  "aria-describedby": string;
  value: JsonValue | undefined;
  onChange: (value: JsonValue | undefined) => void;
}

/** What is being written, and the value that it stood for when it was. */
export function useWritten<Shape>(value: JsonValue | undefined, shape: (value: JsonValue | undefined) => Shape): [Shape, (written: Shape, meant: JsonValue | undefined) => void] {
  const meant = JSON.stringify(value);
  const [written, setWritten] = useState({ shape: shape(value), meant });
  const shown = written.meant === meant ? written.shape : shape(value);
  return [shown, (next, means) => setWritten({ shape: next, meant: JSON.stringify(means) })];
}

export function Lines({ of, value, onChange, ...common }: WrittenProps & { of: "text" | "number" }) {
  const [text, setText] = useWritten(value, (given) => (Array.isArray(given) ? given.map(word).join("\n") : ""));
  return (
    <textarea
      {...common}
      rows={2}
      placeholder="one a line"
      value={text}
      onChange={(event) => {
        const lines = event.target.value.split("\n").filter((line) => line.trim() !== "");
        const means = lines.length ? (of === "number" ? lines.map(Number) : lines) : undefined;
        setText(event.target.value, means);
        onChange(means);
      }}
    />
  );
}

export function AsText({ value, onChange, ...common }: WrittenProps) {
  const notation = useContext(NotationContext);
  const [text, setText] = useWritten(value, (given) => (given === undefined ? "" : notation.write(given)));
  const [isWrong, setIsWrong] = useState(false);
  return (
    <textarea
      {...common}
      rows={Math.min(14, Math.max(3, text.split("\n").length))}
      placeholder={notation.name}
      spellCheck={false}
      aria-invalid={isWrong || undefined}
      value={text}
      onChange={(event) => {
        try {
          const means = event.target.value.trim() === "" ? undefined : notation.read(event.target.value);
          setText(event.target.value, means);
          onChange(means);
          setIsWrong(false);
        } catch {
          setText(event.target.value, value);
          setIsWrong(true);
        }
      }}
    />
  );
}
