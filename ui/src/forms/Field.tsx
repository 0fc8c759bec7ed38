// One value of a form made by hand: its label, what it is for, and what is wrong with it, told to everybody.

import { useId, type ReactNode } from "react";

interface Common {
  id: string;
  "aria-describedby": string;
  "aria-invalid": true | undefined;
}

export function Field({ label, hint, problems = [], children }: { label: string; hint?: ReactNode; problems?: string[]; children: (common: Common) => ReactNode }) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children({ id, "aria-describedby": `${id}-said`, "aria-invalid": problems.length > 0 || undefined })}
      <div id={`${id}-said`}>
        {hint ? <div className="hint">{hint}</div> : null}
        {problems.map((problem) => (
          <div key={problem} className="problem">
            {problem}
          </div>
        ))}
      </div>
    </div>
  );
}

/** Several of a few. */
export function Choices<Value extends string>({ label, hint, all, chosen, onChoose }: { label: string; hint?: ReactNode; all: readonly Value[]; chosen: readonly Value[]; onChoose: (chosen: Value[]) => void }) {
  return (
    <fieldset className="choices-field">
      <legend>{label}</legend>
      {hint ? <div className="hint">{hint}</div> : null}
      <div className="choices">
        {all.map((each) => (
          <label key={each}>
            <input type="checkbox" checked={chosen.includes(each)} onChange={(event) => onChoose(event.target.checked ? [...chosen, each] : chosen.filter((other) => other !== each))} />
            {each}
          </label>
        ))}
      </div>
    </fieldset>
  );
}

/** A list, one a line; null where nothing is written. */
export const linesOf = (text: string): string[] | null => {
  const lines = text.split("\n").flatMap((line) => line.trim() || []);
  return lines.length ? lines : null;
};

