// When what ran: a bar a stage, on one scale from the start of the run to its end, or to now.

import type { Run, StageRun } from "../../api/schema";
import { Scroll } from "../../design/Scroll";
import { StatusIcon } from "../../design/Status";
import { useNow } from "../../design/now";
import { count, elapsed, money, secondsBetween, UNKNOWN } from "../../design/words";
import type { Spent } from "../../run/Graph";
import type { Wired } from "../../graph/wiring";

interface Props {
  run: Run;
  wiring: Wired[];
  runs: Map<string, StageRun>;
  spent: Map<string, Spent>;
  chosen: string | undefined;
  onChoose: (stage: string) => void;
}

export function Timeline({ run, wiring, runs, spent, chosen, onChoose }: Props) {
  const now = useNow();
  const from = run.created_at;
  const whole_s = Math.max(0.001, secondsBetween(from, run.ended_at ?? now));
  return (
    <Scroll label="Timeline">
      <table className="timeline">
        <thead>
          <tr>
            <th>Stage</th>
            <th>Model</th>
            <th className="number">Tokens</th>
            <th className="number">Cost</th>
            <th>
              <span className="scale">
                <span>0 s</span>
                <span>{elapsed(whole_s)}</span>
              </span>
            </th>
          </tr>
        </thead>
        <tbody>
          {wiring.map((stage) => {
            const ran = runs.get(stage.name);
            const status = ran?.status ?? "pending";
            const paid = spent.get(stage.name);
            return (
              <tr key={stage.name} data-chosen={stage.name === chosen || undefined}>
                <th scope="row">
                  <button type="button" className="status" data-status={status} onClick={() => onChoose(stage.name)}>
                    <StatusIcon status={status} />
                    {stage.name}
                  </button>
                </th>
                <td className="truncate muted">{ran?.model ?? paid?.model ?? UNKNOWN}</td>
                <td className="number">{paid ? count(paid.tokens) : UNKNOWN}</td>
                <td className="number">{paid ? money(paid.cost_usd) : UNKNOWN}</td>
                <td>
                  <Bar ran={ran} ready={readyAt(stage, runs, from)} from={from} whole_s={whole_s} now={now} />
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </Scroll>
  );
}

/** When nothing kept it any more but the queue: what it waits for had ended. */
function readyAt(stage: Wired, runs: Map<string, StageRun>, from: string): string {
  return stage.upstream.map((name) => runs.get(name)?.ended_at ?? from).reduce((last, at) => (at > last ? at : last), from);
}

function Bar({ ran, ready, from, whole_s, now }: { ran: StageRun | undefined; ready: string; from: string; whole_s: number; now: number }) {
  if (!ran?.started_at) return null;
  if (ran.reused_from) return <span className="muted">reused from an earlier run</span>;
  const began_s = Math.max(0, secondsBetween(from, ran.started_at));
  const ready_s = Math.min(began_s, Math.max(0, secondsBetween(from, ready)));
  const took_s = Math.max(0, secondsBetween(ran.started_at, ran.ended_at ?? now));
  const at = (seconds: number) => Math.min(99.4, (seconds / whole_s) * 100);
  const [start, width] = [at(began_s), Math.max(0.6, (took_s / whole_s) * 100)];
  const says = `queued for ${elapsed(began_s - ready_s)}, then ran for ${elapsed(took_s)}`;
  return (
    <svg className="bar" data-status={ran.status} viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label={says}>
      <title>{says}</title>
      <rect className="queued" x={at(ready_s)} y="3" width={Math.max(0, start - at(ready_s))} height="2" />
      <rect x={start} y="0" width={Math.min(width, 100 - start)} height="8" rx="0.8" />
    </svg>
  );
}
