// Lets the name of a pipeline mean another of its versions, after a question that shows what that changes.

import { useState } from "react";

import { call } from "../../api/call";
import { stale } from "../../api/query";
import type { PipelineVersion } from "../../api/schema";
import { useMay } from "../../session/may";
import { Button } from "../../design/Button";
import { say, sayError } from "../../design/toasts";
import { ChangesDialog } from "./ChangesDialog";
import { Difference } from "./Difference";

interface Props {
  version: PipelineVersion;
  /** The number of the version that the name means now. */
  current: number;
  size?: "normal" | "small";
}

export function RollBack({ version, current, size = "normal" }: Props) {
  const [isAsked, setIsAsked] = useState(false);
  const [isBusy, setIsBusy] = useState(false);
  const { name, number, label } = version;
  const may = useMay();
  const back = async () => {
    setIsBusy(true);
    try {
      await call("pipelines_rollback", { path: { pipeline: name }, body: { to: number } });
      say(`Rolled back to ${label}.`, "Runs in progress finish on the version they started with.");
      stale("pipelines_get", "pipelines_export", "pipelines_list", "pipeline_versions_list");
      setIsAsked(false);
    } catch (error) {
      sayError(error);
    }
    setIsBusy(false);
  };
  return (
    <>
      <Button size={size} refusal={may("pipelines:write") ?? (version.is_current ? "It is the current version." : null)} aria-label={`Roll back to ${label}`} onClick={() => setIsAsked(true)}>
        Roll back…
      </Button>
      {isAsked ? (
        <ChangesDialog
          title={`Roll back ${name} to ${label}?`}
          hint={`New runs take ${label} instead of v${current}. Every version stays.`}
          verb="Roll back"
          isBusy={isBusy}
          onConfirm={() => void back()}
          onClose={() => setIsAsked(false)}
        >
          <Difference before={`${name}@${current}`} other={{ after: `${name}@${number}` }} same="Both versions do the same." />
        </ChangesDialog>
      ) : null}
    </>
  );
}
