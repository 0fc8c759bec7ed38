// What came in, newest first, to be chosen from; samples where there is nothing yet.

import { useState } from "react";

import { call } from "../../api/call";
import { stale } from "../../api/query";
import { useMay } from "../../session/may";
import { Button } from "../../design/Button";
import { Empty } from "../../design/Notice";
import { Time } from "../../design/Time";
import { say, sayError } from "../../design/toasts";
import type { Entry } from "./entries";
import { Theirs } from "../../design/Theirs";

export function Entries({ entries, chosen, onToggle }: { entries: Entry[]; chosen: ReadonlySet<string>; onToggle: (key: string) => void }) {
  if (entries.length === 0) return <Nothing />;
  return (
    <ul className="entries">
      {entries.map((entry) => (
        <li key={entry.key}>
          <label data-chosen={chosen.has(entry.key)}>
            <input type="checkbox" checked={chosen.has(entry.key)} onChange={() => onToggle(entry.key)} />
            <span className="name truncate"><Theirs text={entry.name} /></span>
            <span className="muted">{entry.about}</span>
            <span className="muted when">
              <Time at={entry.at} />
            </span>
          </label>
        </li>
      ))}
    </ul>
  );
}

function Nothing() {
  const [isBusy, setIsBusy] = useState(false);
  const may = useMay();
  const add = async () => {
    setIsBusy(true);
    try {
      await call("contents_add_samples");
      say("Samples added.", "Select one and start a pipeline over it. All of them are made up.");
    } catch (error) {
      sayError(error);
    }
    setIsBusy(false);
    stale("contents_list", "threads_list");
  };
  return (
    <Empty title="Nothing here yet">
      <p>Drop a file or an e-mail above, or start with samples: an e-mail thread, an invoice and a contract.</p>
      <Button isBusy={isBusy} refusal={may("contents:write")} onClick={() => void add()}>
        Add the samples
      </Button>
      <p>
        From the command line: <code>tegu ingest FILE</code>
      </p>
    </Empty>
  );
}
