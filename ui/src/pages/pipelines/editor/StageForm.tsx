// One stage as a form: its name, its kind's options, what it reads, and how it takes part in a run.

import { useMemo, useState } from "react";

import type { JsonValue, Problem, StageKindInfo } from "../../../api/schema";
import { Button } from "../../../design/Button";
import type { Schema } from "../../../forms/schema";
import { SchemaForm } from "../../../forms/SchemaForm";
import { nameIn, SOURCE } from "../../../graph/wiring";
import { flowSchema, headSchema, mixed, withHead, type DocumentSchema } from "./entry";
import { connected, disconnected, entryOf, inputsOf, nameProblem, stagesOf, withEntry } from "./stages";
import { isObject, type Json } from "./text";

interface Props {
  data: Json;
  name: string;
  kinds: StageKindInfo[];
  schema: DocumentSchema;
  problems: Problem[];
  onChange: (data: Json, what: string) => void;
  onRename: (to: string) => void;
}

export function StageForm({ data, name, kinds, schema, problems, onChange, onRename }: Props) {
  const entry = useMemo(() => entryOf(data, name) ?? {}, [data, name]);
  const kind = kinds.find((each) => each.name === entry.uses);
  const flow = useMemo(() => flowSchema(schema, data, name, entry), [schema, data, name, entry]);
  const become = (next: Json, what: string) => onChange(withEntry(data, name, next), `${name} ${what}`);
  const place = `stages.${name}`;
  return (
    <div className="body stack stage-form">
      <div className="row-form">
        <NameField key={name} data={data} name={name} onRename={onRename} />
        <div className="field">
          <label htmlFor="stage-kind">Kind</label>
          <select id="stage-kind" value={typeof entry.uses === "string" ? entry.uses : ""} aria-describedby="stage-kind-said" onChange={(event) => become({ ...entry, uses: event.target.value }, "uses")}>
            {kind ? null : <option value={typeof entry.uses === "string" ? entry.uses : ""}>{typeof entry.uses === "string" ? entry.uses : "none yet"}</option>}
            {kinds.map((each) => (
              <option key={each.name}>{each.name}</option>
            ))}
          </select>
          <div id="stage-kind-said" className="hint">
            {kind?.summary ?? "Unknown kind."}
          </div>
        </div>
      </div>
      <Inputs data={data} name={name} entry={entry} onChange={onChange} />
      {kind ? (
        <SchemaForm
          schema={optionsOf(kind)}
          definitions={schema.definitions}
          value={isObject(entry.with) ? entry.with : {}}
          problems={problems}
          place={`${place}.with`}
          onChange={(options) => become(mixed(entry, { with: Object.keys(options).length ? options : undefined } as Json, ["with"]), "with")}
        />
      ) : null}
      <details className="more">
        <summary>Conditions, retries and failure</summary>
        <SchemaForm schema={flow} definitions={schema.definitions} value={entry} problems={problems} place={place} onChange={(next) => become(next, "flow")} />
      </details>
    </div>
  );
}

/** Settings of a call to a model, which few change. */
const SETTINGS = ["max_tokens", "temperature", "output_mode"];

/** A Python stage is one of those that there are; a text in a file beside it has no meaning for a document that is none. */
function optionsOf(kind: StageKindInfo): Schema {
  const schema = kind.options as unknown as Schema;
  const { instructions_file: _, ...all } = schema.properties ?? {};
  const rank = (key: string) => (schema.required?.includes(key) ? 0 : key === "instructions" || key === "schema" ? 1 : SETTINGS.includes(key) ? 3 : 2);
  const properties = Object.fromEntries(Object.entries(all).sort(([one], [other]) => rank(one) - rank(other)));
  if (kind.name === "python") return { ...schema, properties: { ...properties, function: { ...properties.function, enum: kind.functions.map((each) => each.name) } } };
  return { ...schema, properties };
}

function NameField({ data, name, onRename }: { data: Json; name: string; onRename: (to: string) => void }) {
  const [written, setWritten] = useState(name);
  const problem = nameProblem(data, written, name);
  const commit = () => {
    if (problem === null && written !== name) onRename(written);
  };
  return (
    <div className="field">
      <label htmlFor="stage-name">Name</label>
      <input
        id="stage-name"
        type="text"
        value={written}
        aria-invalid={problem !== null || undefined}
        aria-describedby="stage-name-said"
        onChange={(event) => setWritten(event.target.value)}
        onBlur={commit}
        onKeyDown={(event) => {
          if (event.key === "Enter") commit();
        }}
      />
      <div id="stage-name-said">{problem ? <div className="problem">{problem}</div> : <div className="hint">Stages that read it follow the new name.</div>}</div>
    </div>
  );
}

function Inputs({ data, name, entry, onChange }: { data: Json; name: string; entry: Json; onChange: (data: Json, what: string) => void }) {
  const inputs = inputsOf(entry);
  const named = inputs.map(nameIn);
  const left = [SOURCE, ...Object.keys(stagesOf(data))].filter((each) => each !== name && !named.includes(each));
  const turn = (at: number) => onChange(withEntry(data, name, { ...entry, inputs: inputs.map((each, index) => (index === at ? turned(each) : each)) }), "");
  return (
    <fieldset className="reads">
      <legend>Reads</legend>
      {inputs.length === 0 ? <p className="hint">Nothing.</p> : null}
      <ul>
        {inputs.map((reference, index) => {
          const from = nameIn(reference) ?? JSON.stringify(reference);
          return (
            <li key={from}>
              <span className="mono">{from}</span>
              {from === SOURCE ? null : (
                <label>
                  <input type="checkbox" checked={isOptional(reference)} onChange={() => turn(index)} /> optional
                </label>
              )}
              <Button kind="quiet" size="small" aria-label={`Stop reading ${from}`} onClick={() => onChange(disconnected(data, from, name), "")}>
                ×
              </Button>
            </li>
          );
        })}
      </ul>
      {left.length > 0 ? (
        <select aria-label="Read another stage" value="" onChange={(event) => onChange(connected(data, event.target.value, name), "")}>
          <option value="">Read another stage…</option>
          {left.map((each) => (
            <option key={each}>{each}</option>
          ))}
        </select>
      ) : null}
    </fieldset>
  );
}

const isOptional = (reference: JsonValue): boolean => (isObject(reference) ? reference.optional === true : typeof reference === "string" && reference.endsWith("?"));

function turned(reference: JsonValue): JsonValue {
  if (isObject(reference)) return { ...reference, optional: reference.optional !== true };
  const text = typeof reference === "string" ? reference : "";
  return text.endsWith("?") ? text.slice(0, -1) : `${text}?`;
}

/** The pipeline as a whole, where no stage is chosen. */
export function HeadForm({ data, schema, problems, onChange }: { data: Json; schema: DocumentSchema; problems: Problem[]; onChange: (data: Json, what: string) => void }) {
  const form = useMemo(() => headSchema(schema, data), [schema, data]);
  return (
    <div className="body stage-form">
      <SchemaForm schema={form} definitions={schema.definitions} value={data} problems={problems} onChange={(head) => onChange(withHead(data, head), "head")} />
    </div>
  );
}
