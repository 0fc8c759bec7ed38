// Everything that is wrong with the document, and what is odd: each leads to its stage and to its line.

import type { CheckedDocument, Problem } from "../../../api/schema";
import { ErrorNotice, Skeleton } from "../../../design/Notice";
import { stageAt } from "./stages";

interface Props {
  checked: CheckedDocument | undefined;
  error: Error | null;
  onChoose: (problem: Problem) => void;
}

export function Problems({ checked, error, onChoose }: Props) {
  if (error) return <ErrorNotice error={error} />;
  if (checked === undefined) return <Skeleton rows={1} />;
  const said = [...(checked.problems).map((problem) => ({ problem, tone: "failed" })), ...(checked.warnings).map((problem) => ({ problem, tone: "waiting" }))];
  return (
    <ul id="problems" className="problems" aria-live="polite" aria-label="Problems in the document">
      {said.map(({ problem, tone }) => {
        const { line } = problem;
        const stage = stageAt(problem.place);
        return (
          <li key={`${problem.place} ${problem.message}`} data-status={tone}>
            <button type="button" onClick={() => onChoose(problem)}>
              <code>{[stage, line ? `line ${line}` : stage ? "" : problem.place].filter(Boolean).join(", ")}</code> {problem.message} {problem.hint ? <span className="muted">{problem.hint}</span> : null}
            </button>
          </li>
        );
      })}
    </ul>
  );
}
