// The published versions of a pipeline: each can be opened, compared with the current one, and rolled back to.

import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { callNamed } from "../../api/call";
import type { Refusal } from "../../api/refusal";
import type { PipelineVersion, PipelineVersionPage } from "../../api/schema";
import { Button } from "../../design/Button";
import { ErrorNotice, Skeleton } from "../../design/Notice";
import { Panel } from "../../design/Panel";
import { Time } from "../../design/Time";
import { RollBack } from "./RollBack";

const PAGE = 20;

export function Versions({ version }: { version: PipelineVersion }) {
  const pages = useInfiniteQuery<PipelineVersionPage, Refusal>({
    queryKey: ["pipeline_versions_list", version.name],
    queryFn: ({ pageParam, signal }) => callNamed("pipeline_versions_list", { query: { pipeline: version.name, limit: PAGE, ...(typeof pageParam === "string" ? { cursor: pageParam } : {}) } }, { signal }),
    initialPageParam: null,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
  // A draft that was published is newer than it is old.
  const versions = pages.data?.pages.flatMap((page) => page.items).sort((one, other) => other.number - one.number) ?? [];
  return (
    <Panel title="Versions" aside={<Link to="/runs" search={{ q: `pipeline:${version.name}` }}>runs</Link>}>
      {pages.error ? <ErrorNotice error={pages.error} /> : pages.isPending ? <Skeleton rows={2} /> : null}
      <ul className="versions">
        {versions.map((each) => (
          <li key={each.id}>
            <Link to="/pipelines/$name" params={{ name: each.name }} search={{ version: each.number }} className="strong" aria-label={`Open ${each.label}`}>
              {each.label}
            </Link>
            <span className="muted truncate">
              <Published version={each} />
            </span>
            {each.is_current ? <span className="chip">current</span> : <RollBack version={each} current={version.number} size="small" />}
          </li>
        ))}
      </ul>
      {pages.hasNextPage ? (
        <div className="body">
          <Button size="small" isBusy={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>
            Show older versions
          </Button>
        </div>
      ) : null}
    </Panel>
  );
}

export function Published({ version }: { version: PipelineVersion }) {
  return (
    <>
      <Time at={version.published_at ?? version.created_at} />
      {version.published_by ? ` by ${version.published_by}` : ""}
    </>
  );
}
