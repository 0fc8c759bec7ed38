-- Which transactions are visible now, as `xmin:xmax:under way,...`.
select pg_current_snapshot()::text
