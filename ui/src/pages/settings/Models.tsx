// Models: the one that is asked where a stage names none, the organization's own keys, and whether a model answers.

import { useState } from "react";

import { useAct } from "../../session/act";
import { useRead } from "../../api/query";
import type { KnownModel, ModelListing, Trial } from "../../api/schema";
import { useMay } from "../../session/may";
import { Button } from "../../design/Button";
import { Empty, ErrorNotice, Notice, Skeleton } from "../../design/Notice";
import { Panel } from "../../design/Panel";
import { Scroll } from "../../design/Scroll";
import { count, elapsed, money } from "../../design/words";
import { Field } from "../../forms/Field";
import { ProviderKeys } from "./ProviderKeys";

const SHOWN_MAX = 60;

export function Models() {
  const may = useMay();
  const listing = useRead("models_list", { query: {} }, { staleTime: 60_000 });
  if (listing.error) return <ErrorNotice error={listing.error} />;
  if (!listing.data) return <Skeleton rows={8} />;
  return (
    <>
      <DefaultModel listing={listing.data} refusal={may("settings:write")} />
      <ProviderKeys listing={listing.data} refusal={may("settings:write")} />
      <TryModel refusal={may("calls:write")} />
      <Known models={listing.data.models} />
    </>
  );
}

function DefaultModel({ listing, refusal }: { listing: ModelListing; refusal: string | null }) {
  const [model, setModel] = useState(listing.organization_model ?? "");
  const use = useAct("models_use", { says: (done) => (done.model ? `The default model is now ${done.model}.` : "The installation's default model is used."), makesStale: ["models_list", "settings_get"] });
  const installation = listing.default_model && listing.default_model !== listing.organization_model ? listing.default_model : null;
  return (
    <Panel title="Default model">
      <form
        className="body stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (refusal === null) use.mutate({ body: { model: model.trim() || null } });
        }}
      >
        <div className="row-form">
          <Field label="Model" hint={<>As <code>provider:model</code>, an alias, or a chain. Empty: the installation's{installation ? <>, now <code>{installation}</code></> : null}.</>}>
            {(common) => <input {...common} list="models-known" autoComplete="off" placeholder={installation ?? "none: runs that need one fail with a hint"} value={model} onChange={(event) => setModel(event.target.value)} />}
          </Field>
          <Button type="submit" kind="primary" isBusy={use.isPending} refusal={refusal}>
            Save
          </Button>
        </div>
        {use.error ? <ErrorNotice error={use.error} /> : null}
        <datalist id="models-known">
          {listing.models.slice(0, SHOWN_MAX).map((each) => (
            <option key={nameOf(each)} value={nameOf(each)} />
          ))}
        </datalist>
      </form>
    </Panel>
  );
}

function TryModel({ refusal }: { refusal: string | null }) {
  const [model, setModel] = useState("");
  const attempt = useAct("models_try");
  return (
    <Panel title="Test a model">
      <form
        className="body stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (refusal === null) attempt.mutate({ body: { models: [model.trim()] } });
        }}
      >
        <div className="row-form">
          <Field label="Model to test" hint="Makes one small call to check key, name and network, and shows its time and cost.">
            {(common) => <input {...common} required list="models-known" autoComplete="off" value={model} onChange={(event) => setModel(event.target.value)} />}
          </Field>
          <Button type="submit" isBusy={attempt.isPending} refusal={refusal}>
            Test
          </Button>
        </div>
        {attempt.error ? <ErrorNotice error={attempt.error} /> : null}
        {attempt.data?.trials.map((trial) => <Tried key={trial.model} trial={trial} />)}
      </form>
    </Panel>
  );
}

function Tried({ trial }: { trial: Trial }) {
  if (!trial.is_ok) return <Notice tone="failed" title={`${trial.model}: ${trial.message ?? trial.code ?? "no answer"}`} hint={trial.hint} />;
  return (
    <Notice
      tone="completed"
      title={`${trial.model} works.`}
      hint={`${elapsed(trial.latency_ms / 1000)}, ${count(trial.usage.input_tokens)} tokens in, ${count(trial.usage.output_tokens)} out, ${trial.cost_usd === null ? "cost unknown" : money(trial.cost_usd)}`}
    />
  );
}

function Known({ models }: { models: KnownModel[] }) {
  const [text, setText] = useState("");
  const found = models.filter((each) => nameOf(each).toLowerCase().includes(text.toLowerCase()));
  return (
    <Panel title={`Available models (${count(models.length)})`}>
      {models.length === 0 ? (
        <Empty title="No models: no provider has a key">
          <p>Add a key above, or ask the operator to set one for the installation.</p>
        </Empty>
      ) : (
        <>
          <div className="body">
            <Field label="Search">{(common) => <input {...common} type="search" value={text} onChange={(event) => setText(event.target.value)} />}</Field>
          </div>
          <Scroll label="Models">
            <table className="rows">
              <thead>
                <tr>
                  <th>Model</th>
                  <th className="number">In, per million</th>
                  <th className="number">Out, per million</th>
                  <th className="number">Context</th>
                </tr>
              </thead>
              <tbody>
                {found.slice(0, SHOWN_MAX).map((each) => (
                  <tr key={nameOf(each)}>
                    <td className="truncate">
                      {nameOf(each)} {each.is_deprecated ? <span className="muted">deprecated</span> : null}
                    </td>
                    <td className="number">{money(each.input_usd_per_million)}</td>
                    <td className="number">{money(each.output_usd_per_million)}</td>
                    <td className="number">{count(each.context_tokens)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </Scroll>
          {found.length > SHOWN_MAX ? <p className="body muted">{count(found.length - SHOWN_MAX)} more: search to narrow them down.</p> : null}
        </>
      )}
    </Panel>
  );
}

const nameOf = (model: KnownModel): string => `${model.provider}:${model.name}`;
