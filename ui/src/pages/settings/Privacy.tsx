// Where data may go, and how long what is kept.

import { useState } from "react";

import { problemsOf, useAct } from "../../session/act";
import { useRead } from "../../api/query";
import type { OrganizationSettings, StoreLlm } from "../../api/schema";
import { useMay } from "../../session/may";
import { Button } from "../../design/Button";
import { ErrorNotice, Skeleton } from "../../design/Notice";
import { Panel } from "../../design/Panel";
import { Field, linesOf } from "../../forms/Field";

const STORED: Record<StoreLlm, string> = {
  full: "Until their retention ends.",
  until_run_ends: "Until the run has ended; seconds later nothing readable is left.",
  hash: "Only a hash of prompts; replies are sealed, and deleted when the run has ended.",
};
const KEPT = [
  ["keep_events_days", "Events"],
  ["keep_replies_days", "Prompts and replies"],
  ["keep_runs_days", "Runs and their results"],
] as const;

export function Privacy() {
  const settings = useRead("settings_get", {});
  const may = useMay();
  if (settings.error) return <ErrorNotice error={settings.error} />;
  if (!settings.data) return <Skeleton rows={8} />;
  return <Rules key={JSON.stringify(settings.data)} settings={settings.data} refusal={may("settings:write")} />;
}

function Rules({ settings, refusal }: { settings: OrganizationSettings; refusal: string | null }) {
  const [providers, setProviders] = useState((settings.providers ?? []).join("\n"));
  const [regions, setRegions] = useState((settings.regions ?? []).join("\n"));
  const [storeLlm, setStoreLlm] = useState(settings.store_llm);
  const [days, setDays] = useState<Record<string, string>>(() => Object.fromEntries(KEPT.map(([name]) => [name, settings[name]?.toString() ?? ""])));
  const update = useAct("settings_update", { says: "Privacy settings saved.", makesStale: ["settings_get", "models_list"] });
  const save = () =>
    update.mutate({
      body: {
        providers: linesOf(providers),
        regions: linesOf(regions),
        store_llm: storeLlm,
        ...Object.fromEntries(KEPT.map(([name]) => [name, days[name] ? Number(days[name]) : null])),
      },
    });
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        if (refusal === null) save();
      }}
    >
      <Panel title="Allowed providers and regions">
        <div className="body row-form">
          <Field label="Providers" hint="Providers that calls may go to, one per line. Empty: all." problems={problemsOf(update.error, "providers")}>
            {(common) => <textarea {...common} rows={4} placeholder="all" value={providers} onChange={(event) => setProviders(event.target.value)} />}
          </Field>
          <Field label="Regions" hint={<>Allowed regions, one per line; <code>eu-*</code> matches all that begin so. Providers of unknown region are then refused.</>} problems={problemsOf(update.error, "regions")}>
            {(common) => <textarea {...common} rows={4} placeholder="all" value={regions} onChange={(event) => setRegions(event.target.value)} />}
          </Field>
        </div>
      </Panel>
      <Panel title="Storage of prompts and replies">
        <div className="body stack" role="radiogroup" aria-label="Storage of prompts and replies">
          {(Object.keys(STORED) as StoreLlm[]).map((each) => (
            <label key={each} className="flag">
              <input type="radio" name="store_llm" checked={storeLlm === each} onChange={() => setStoreLlm(each)} />
              <span>
                <strong>{each.replaceAll("_", " ")}</strong> <span className="muted">{STORED[each]}</span>
              </span>
            </label>
          ))}
        </div>
      </Panel>
      <Panel title="Retention in days">
        <div className="body row-form">
          {KEPT.map(([name, label]) => (
            <Field key={name} label={label} hint="Empty: the operator's limit, which is also the most." problems={problemsOf(update.error, name)}>
              {(common) => <input {...common} type="number" min={0} step="any" placeholder="operator's limit" value={days[name]} onChange={(event) => setDays({ ...days, [name]: event.target.value })} />}
            </Field>
          ))}
        </div>
      </Panel>
      {update.error ? <ErrorNotice error={update.error} /> : null}
      <div>
        <Button type="submit" kind="primary" isBusy={update.isPending} refusal={refusal}>
          Save
        </Button>
      </div>
    </form>
  );
}
