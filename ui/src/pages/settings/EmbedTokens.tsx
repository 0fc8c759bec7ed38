// What pages of host applications show now: the tokens that are good, each of which can be ended before its time.

import { Link } from "@tanstack/react-router";

import { useAct } from "../../session/act";
import type { GoodEmbedToken } from "../../api/schema";
import { useList } from "../../api/useList";
import { useMay, useMayRead } from "../../session/may";
import { Button } from "../../design/Button";
import { ErrorNotice } from "../../design/Notice";
import { Time } from "../../design/Time";
import { clockTime, fullTime, shortId } from "../../design/words";
import { Listing } from "./Listing";

export function EmbedTokens() {
  const reading = useMayRead("embeds:read");
  const refusal = useMay()("embeds:write");
  const tokens = useList("embed_tokens_list", { limit: 20 }, reading.isAllowed);
  const revoke = useAct("embed_tokens_revoke", { says: "It opens nothing any more.", makesStale: ["embed_tokens_list"] });
  if (reading.refusal !== null) return null;
  return (
    <>
      <Listing
        title="Embedded pages"
        listed={tokens}
        keyOf={(each) => each.id}
        empty={<p>Nothing is open. A back end of yours makes tokens with which its pages show one run, or one review, for an hour at most.</p>}
        columns={[
          { title: "For whom", cell: (each) => <strong>{each.label}</strong> },
          { title: "What", cell: (each) => <Opened token={each} /> },
          { title: "May", cell: (each) => each.may },
          { title: "Made", cell: (each) => <Time at={each.created_at} /> },
          { title: "Until", cell: (each) => <span title={fullTime(each.expires_at)}>{clockTime(each.expires_at)}</span> },
        ]}
        actions={(each) => (
          <Button size="small" kind="danger" refusal={refusal} isBusy={revoke.isPending && revoke.variables.path.token_id === each.id} onClick={() => revoke.mutate({ path: { token_id: each.id } })}>
            Revoke
          </Button>
        )}
      />
      {revoke.error ? <ErrorNotice error={revoke.error} /> : null}
    </>
  );
}

function Opened({ token }: { token: GoodEmbedToken }) {
  if (token.run_id !== null) {
    return (
      <Link to="/runs/$runId" params={{ runId: token.run_id }}>
        run <span className="mono">{shortId(token.run_id)}</span>
      </Link>
    );
  }
  return (
    <Link to="/review" search={{ id: token.review_id ?? undefined }}>
      review <span className="mono">{shortId(token.review_id ?? "")}</span>
    </Link>
  );
}
