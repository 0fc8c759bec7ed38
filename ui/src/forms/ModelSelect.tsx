// Which model a run asks: as configured, by an alias, or none at all.

import { useRead } from "../api/query";

export function ModelSelect({ id, value, onChange }: { id: string; value: string; onChange: (model: string) => void }) {
  const { data: known } = useRead("models_list", {}, { staleTime: 60_000 });
  const usual = known?.organization_model ?? known?.default_model;
  return (
    <div className="field">
      <label htmlFor={id}>Model</label>
      <select id={id} value={value} onChange={(event) => onChange(event.target.value)}>
        <option value="">as configured{usual ? ` (${usual})` : ""}</option>
        {known?.aliases.filter((alias) => !alias.problem).map((alias) => (
          <option key={alias.name} value={alias.name}>
            {alias.name} ({alias.models.join(", ")})
          </option>
        ))}
        <option value="rules">rules (no model, no cost)</option>
      </select>
    </div>
  );
}
