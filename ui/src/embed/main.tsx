// What is in the frame: one run or one review, without the application around it. It shows nothing until the host hands it a token.

import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode, useEffect, useState } from "react";
import { createRoot } from "react-dom/client";

import "../design/tokens.css";
import "../design/base.css";
import "../design/parts.css";
import "./embed.css";

import { queries } from "../api/query";
import { Notice, Skeleton } from "../design/Notice";
import { EmbeddedReview } from "./EmbeddedReview";
import { EmbeddedRun } from "./EmbeddedRun";
import { fit, hearHost, tellHost } from "./host";

const [noun, id = ""] = location.pathname.split("/").slice(-2);

function Embed() {
  const [isShown, setIsShown] = useState(false);
  const [isExpired, setIsExpired] = useState(false);
  useEffect(() => {
    const leave = hearHost(
      () => {
        setIsShown(true);
        setIsExpired(false);
        void queries.invalidateQueries();
      },
      () => {
        setIsExpired(true);
        tellHost({ tegu: "expired" });
      },
    );
    tellHost({ tegu: "ready" });
    return leave;
  }, []);
  if (!isShown) return <Skeleton rows={4} />;
  // What was written meanwhile stays, until another token comes.
  return (
    <>
      {isExpired ? <Notice tone="waiting" title="Your access to this view has expired." hint="If it does not refresh, reload the page." /> : null}
      {noun === "reviews" ? <EmbeddedReview reviewId={id} /> : <EmbeddedRun runId={id} />}
    </>
  );
}

const root = document.getElementById("root");
if (root === null) throw new Error("the page has no #root");
fit(root);
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <main className="embed">
        <Embed />
      </main>
    </QueryClientProvider>
  </StrictMode>,
);
