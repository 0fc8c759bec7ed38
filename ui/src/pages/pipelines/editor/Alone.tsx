// One stage alone, on what the last run put out before it, or on something else that is written here.

import { useContext, useState } from "react";

import type { JsonValue, StageRun } from "../../../api/schema";
import { asError } from "../../../api/refusal";
import { Button } from "../../../design/Button";
import { Dialog } from "../../../design/Dialog";
import { NotationContext } from "../../../forms/written";

interface Props {
  stage: string;
  /** What it reads, and what that put out in the last run. */
  inputs: { name: string; run: StageRun | undefined }[];
  onRun: (outputs: Record<string, JsonValue>) => void;
  onClose: () => void;
}

export function Alone({ stage, inputs, onRun, onClose }: Props) {
  const notation = useContext(NotationContext);
  const [written, setWritten] = useState<Record<string, string>>({});
  const read = (name: string): JsonValue | Error => {
    try {
      return notation.read(written[name] ?? "");
    } catch (error) {
      return asError(error);
    }
  };
  const wrong = Object.keys(written).filter((name) => read(name) instanceof Error);
  const run = () => onRun(Object.fromEntries(Object.keys(written).map((name) => [name, read(name) as JsonValue])));
  return (
    <Dialog title={`Run ${stage} alone`} isOpen onClose={onClose}>
      <p className="muted">The outputs before it come from the last run, and are not paid for again. Edit them here to see how the stage responds.</p>
      {inputs.length === 0 ? <p>It reads only the source, which stays as it is.</p> : null}
      {inputs.map((input) => {
        const text = written[input.name] ?? (input.run ? notation.write(input.run.output) : "");
        return (
          <div key={input.name} className="field">
            <label htmlFor={`alone-${input.name}`}>{input.name}</label>
            <textarea
              id={`alone-${input.name}`}
              rows={Math.min(12, Math.max(3, text.split("\n").length))}
              spellCheck={false}
              aria-invalid={wrong.includes(input.name) || undefined}
              placeholder={`${notation.name}: no output`}
              value={text}
              onChange={(event) => setWritten({ ...written, [input.name]: event.target.value })}
            />
            {wrong.includes(input.name) ? <div className="problem">Not valid {notation.name}.</div> : null}
          </div>
        );
      })}
      <div className="actions">
        <Button onClick={onClose}>Cancel</Button>
        <Button kind="primary" refusal={wrong.length > 0 ? `The input from ${wrong.join(", ")} is not valid.` : null} onClick={run}>
          Run
        </Button>
      </div>
    </Dialog>
  );
}
