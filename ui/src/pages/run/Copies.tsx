// How the same run is read elsewhere: by the command line, and over REST.

import { address } from "../../api/call";
import type { Run } from "../../api/schema";
import { Button } from "../../design/Button";
import { copied } from "../../design/Copy";
import { say } from "../../design/toasts";

export function Copies({ run }: { run: Run }) {
  const copy = async (text: string) => {
    const isCopied = await copied(text);
    say(isCopied ? "Copied. It reads this run:" : "The browser does not let this page copy. Select it here:", text);
  };
  const command = `tegu runs show ${run.id}`;
  return (
    <span className="copies muted">
      copy as
      <Button kind="quiet" size="small" aria-label="Copy as command" onClick={() => void copy(command)} title={command}>
        command
      </Button>
      <Button kind="quiet" size="small" aria-label="Copy as curl" onClick={() => void copy(curlOf(run))} title={curlOf(run)}>
        curl
      </Button>
    </span>
  );
}

function curlOf(run: Run): string {
  return `curl -H "Authorization: Bearer $TEGU_API_KEY" ${new URL(address("/runs/{run_id}", { run_id: run.id }), location.href).href}`;
}
