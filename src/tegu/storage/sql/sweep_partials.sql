-- Drop what workers that died left of replies under way, and watches that ran out. $1 seconds since the last change
with stale as (
    delete from tegu.stage_partials where updated_at < clock_timestamp() - make_interval(secs => $1)
)
delete from tegu.run_watches where until < clock_timestamp() - make_interval(secs => $1)
