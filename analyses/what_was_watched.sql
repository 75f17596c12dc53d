-- Did anybody look, and until when? No alert means little before the day that a run watched until.
select
    as_of_date,
    watched_until_date,
    first_judged_date,
    rates_watched_count,
    rates_not_watched_count,
    alert_count,
    tracking_problem_count,
    segment_dimensions,
    summary
from {{ ref("mart_watch_runs") }}
order by as_of_date desc
