// A text to be taken elsewhere, with a button that copies it.

import { useState } from "react";

import { Button } from "./Button";

/** Whether it could be: not without TLS, or where the browser forbids it. */
export async function copied(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

export function Copy({ text, label }: { text: string; label: string }) {
  const [said, setSaid] = useState("Copy");
  const copy = async () => setSaid((await copied(text)) ? "Copied" : "Select and copy it");
  return (
    <div className="copy">
      <input readOnly aria-label={label} className="mono" value={text} onFocus={(event) => event.target.select()} />
      <Button onClick={() => void copy()}>
        <span aria-live="polite">{said}</span>
      </Button>
    </div>
  );
}
