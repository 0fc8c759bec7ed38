// A form from a JSON Schema: every value has its label, what it is for, and what is wrong with it beside it.

import { useId, useState } from "react";

import type { JsonValue, ProblemPlace } from "../api/schema";
import { Entries } from "./Entries";
import { controlOf, labelOf, variantOf, type Control, type Definitions, type Schema } from "./schema";
import { AsText, Lines, word } from "./written";
import "./forms.css";

type Json = Record<string, JsonValue>;

interface Props {
  schema: Schema;
  definitions: Definitions;
  value: Json;
  onChange: (value: Json) => void;
  problems?: ProblemPlace[];
  /** Where it is within the whole, as problems name it. */
  place?: string;
}

export function SchemaForm({ schema, definitions, value, onChange, problems = [], place = "" }: Props) {
  const { control } = controlOf(schema, definitions);
  if (control.kind !== "object") return <p className="muted">No parameters.</p>;
  return (
    <div className="schema-form">
      {control.properties.map(([name, property]) => {
        const at = place ? `${place}.${name}` : name;
        return (
          <Field
            key={name}
            name={name}
            schema={property}
            definitions={definitions}
            isRequired={control.required.includes(name)}
            value={value[name]}
            problems={problems}
            place={at}
            onChange={(inner) => {
              const { [name]: _, ...rest } = value;
              onChange(inner === undefined ? rest : { ...rest, [name]: inner });
            }}
          />
        );
      })}
    </div>
  );
}

interface FieldProps {
  name: string;
  schema: Schema;
  definitions: Definitions;
  isRequired: boolean;
  value: JsonValue | undefined;
  problems: ProblemPlace[];
  place: string;
  onChange: (value: JsonValue | undefined) => void;
}

function Field({ name, schema: written, definitions, isRequired, value, problems, place, onChange }: FieldProps) {
  const id = useId();
  const { control, schema } = controlOf(written, definitions);
  const label = labelOf(name, written); // what it refers to may have a title of its own
  const mine = problems.filter((problem) => problem.place === place || problem.place.endsWith(`.${place}`));
  if (control.kind === "object") {
    return (
      <fieldset>
        <legend>{label}</legend>
        {schema.description ? <p className="hint">{schema.description}</p> : null}
        <SchemaForm schema={written} definitions={definitions} value={isObject(value) ? value : {}} problems={problems} place={place} onChange={(inner) => onChange(Object.keys(inner).length ? inner : undefined)} />
      </fieldset>
    );
  }
  const title = (
    <>
      {label}
      {isRequired ? <span aria-hidden="true"> *</span> : null}
    </>
  );
  if (control.kind === "variants") return <Variants {...{ name, schema: { ...schema, title: label }, definitions, isRequired, value, problems, place, onChange }} variants={control.variants} />;
  return (
    <div className="field">
      {control.kind === "map" || control.kind === "choices" ? (
        <span className="label" id={`${id}-label`}>
          {title}
        </span>
      ) : (
        <label htmlFor={id}>{title}</label>
      )}
      <Input id={id} control={control} schema={schema} value={value} isRequired={isRequired} isWrong={mine.length > 0} describedBy={`${id}-said`} onChange={onChange} />
      <div id={`${id}-said`}>
        {schema.description ? <div className="hint">{schema.description}</div> : null}
        {mine.map((problem) => (
          <div key={problem.message} className="problem">
            {problem.message} {problem.hint}
          </div>
        ))}
      </div>
    </div>
  );
}

/** What can be written in quite different ways: which of them, and then that one. */
function Variants({ variants, ...field }: FieldProps & { variants: { name: string; schema: Schema }[] }) {
  const id = useId();
  const [chosen, setChosen] = useState<number | null>(null);
  const at = field.value === undefined && chosen !== null ? chosen : variantOf(field.value, variants, field.definitions);
  const variant = variants[at];
  if (variant === undefined) return null;
  const { title, description, default: standard } = field.schema;
  const schema = { ...variant.schema, ...(title ? { title } : {}), ...(description ? { description } : {}), ...(standard === undefined ? {} : { default: standard }) };
  return (
    <div className="variants">
      <Field {...field} schema={schema} />
      <select
        id={id}
        aria-label={`Form of ${title ?? field.name}`}
        value={at}
        onChange={(event) => {
          setChosen(Number(event.target.value));
          field.onChange(undefined);
        }}
      >
        {variants.map((each, index) => (
          <option key={each.name} value={index}>
            {each.name}
          </option>
        ))}
      </select>
    </div>
  );
}

interface InputProps {
  id: string;
  control: Exclude<Control, { kind: "object" }>;
  schema: Schema;
  value: JsonValue | undefined;
  isRequired: boolean;
  isWrong: boolean;
  describedBy: string;
  onChange: (value: JsonValue | undefined) => void;
}

function Input({ id, control, schema, value, isRequired, isWrong, describedBy, onChange }: InputProps) {
  const common = { id, "aria-describedby": describedBy, "aria-invalid": isWrong || undefined, "aria-required": isRequired || undefined };
  switch (control.kind) {
    case "text": {
      const text = typeof value === "string" ? value : "";
      const change = (written: string) => onChange(written === "" && !isRequired ? undefined : written);
      return control.isLong ? (
        <textarea {...common} value={text} onChange={(event) => change(event.target.value)} />
      ) : (
        <input {...common} type={schema.format === "email" ? "email" : "text"} placeholder={placeholderOf(schema)} value={text} onChange={(event) => change(event.target.value)} />
      );
    }
    case "number":
      return (
        <input
          {...common}
          type="number"
          step={control.isWhole ? 1 : "any"}
          min={schema.minimum}
          max={schema.maximum}
          placeholder={placeholderOf(schema)}
          value={typeof value === "number" ? value : ""}
          onChange={(event) => onChange(event.target.value === "" ? undefined : Number(event.target.value))}
        />
      );
    case "flag":
      return <input {...common} type="checkbox" checked={(value ?? schema.default) === true} onChange={(event) => onChange(event.target.checked)} />;
    case "choice":
      return (
        <select {...common} value={value === undefined ? "" : JSON.stringify(value)} onChange={(event) => onChange(event.target.value === "" ? undefined : (JSON.parse(event.target.value) as JsonValue))}>
          <option value="">{schema.default === undefined ? "" : `${word(schema.default)} (default)`}</option>
          {control.choices.map((choice) => (
            <option key={JSON.stringify(choice)} value={JSON.stringify(choice)}>
              {word(choice)}
            </option>
          ))}
        </select>
      );
    case "choices": {
      const chosen = Array.isArray(value) ? value : [];
      return (
        <div className="choices" role="group" id={id} aria-labelledby={`${id}-label`} aria-describedby={describedBy}>
          {control.choices.map((choice) => (
            <label key={word(choice)}>
              <input
                type="checkbox"
                checked={chosen.includes(choice)}
                onChange={(event) => {
                  const next = event.target.checked ? [...chosen, choice] : chosen.filter((each) => each !== choice);
                  onChange(next.length ? next : undefined);
                }}
              />
              {word(choice)}
            </label>
          ))}
        </div>
      );
    }
    case "list":
      return <Lines {...common} of={control.of} value={value} onChange={onChange} />;
    case "json":
      return <AsText {...common} value={value} onChange={onChange} />;
    case "map":
      return <Entries {...common} aria-labelledby={`${id}-label`} of={control.of} value={value} onChange={onChange} />;
    case "variants":
      return null; // which is a field of its own: see Variants
  }
}

function isObject(value: JsonValue | undefined): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function placeholderOf(schema: Schema): string | undefined {
  if (schema.default !== undefined && schema.default !== null) return word(schema.default);
  if (schema.format === "date-time") return "2026-12-24T09:00:00Z";
  return undefined;
}
