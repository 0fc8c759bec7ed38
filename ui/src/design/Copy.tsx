// A text to be taken elsewhere, with a button that copies it.

import { useState } from "react";

import { Button } from "./Button";

export function Copy({ text, label }: { text: string; label: string }) {
  const [said, setSaid] = useState("Copy");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setSaid("Copied");
    } catch {
      setSaid("Select and copy it"); // without TLS, or where the browser forbids it
    }
  };
  return (
    <div className="copy">
      <input readOnly aria-label={label} className="mono" value={text} onFocus={(event) => event.target.select()} />
      <Button onClick={() => void copy()}>
        <span aria-live="polite">{said}</span>
      </Button>
    </div>
  );
}
