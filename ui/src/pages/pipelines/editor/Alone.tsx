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
      <p className="muted">What comes before it is taken from the last run, and is not paid again. Change here what it reads, to see what it makes of that.</p>
      {inputs.length === 0 ? <p>It reads the source alone, which stays as it is.</p> : null}
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
              placeholder={`${notation.name}: it put out nothing`}
              value={text}
              onChange={(event) => setWritten({ ...written, [input.name]: event.target.value })}
            />
            {wrong.includes(input.name) ? <div className="problem">That is no {notation.name}.</div> : null}
          </div>
        );
      })}
      <div className="actions">
        <Button onClick={onClose}>Cancel</Button>
        <Button kind="primary" refusal={wrong.length > 0 ? `What is written for ${wrong.join(", ")} cannot be read.` : null} onClick={run}>
          Run it
        </Button>
      </div>
    </Dialog>
  );
}
