{%- set day = 86400000000 %}
{%- set horizon = (var("evidence_horizon_days") | int) * day %}
{%- set landmark = (var("evidence_landmark_days") | int) * day %}
{%- set subject_counts = [
    "subject_count", "converted_subject_count", "first_macro_count", "landmark_macro_count"
] %}
{%- set pair_counts = [
    "with_subject_count", "with_converted_count", "posthog_success_with_count", "posthog_failure_with_count",
    "first_micro_total_count", "first_micro_count", "first_micro_converted_count", "macro_preceded_count",
    "tracked_preceded_count", "same_step_macro_count", "exposure_before_macro_count", "monthly_subject_count"
] %}
{%- set money = ["revenue_micros", "revenue_squared_hundredths", "top_revenue_micros"] %}

with {{ evidence_micros() }},

{{ evidence_window() }},

{{ busy_subjects() }},

{{ evidence_subjects() }},

{{ evidence_firsts() }},

{{ evidence_conversions() }},

{{ evidence_macros() }},

{{ known_sales() }},

silent_days as (

    -- Days on which a micro-conversion was hardly tracked: what it came before cannot be told.
    select
        silences.conversion_name as micro_name,
        silences.conversion_date as silent_date
    from {{ ref("mart_conversion_silences") }} as silences
    cross join evidence_window
    where silences.is_untracked
        and silences.conversion_date <= evidence_window.as_of_date

),

judged_subjects as (

    select
        known_subjects.is_bot,
        first_macros.macro_name,
        first_macros.macro_date,
        first_macros.macro_timestamp >= evidence_window.window_start as is_in_window,
        first_macros.macro_timestamp > known_subjects.first_step_timestamp + {{ landmark }} as is_after_landmark
    from known_subjects
    inner join first_macros on known_subjects.subject_id = first_macros.subject_id
    cross join evidence_window

),

filters as (

    -- With bots and without.
    select true as is_bot_filtered
    union all
    select false as is_bot_filtered

),

counted_subjects as (

    select
        is_bot_filtered,
        sum(case when is_bot and is_bot_filtered then 0 else 1 end) as subject_count
    from known_subjects
    cross join filters
    group by is_bot_filtered

),

counted_macros as (

    select
        filters.is_bot_filtered,
        subjects.macro_name,
        count(*) as converted_subject_count,
        sum(case when subjects.is_in_window then 1 else 0 end) as first_macro_count,
        sum(case when subjects.is_in_window and subjects.is_after_landmark then 1 else 0 end) as landmark_macro_count
    from judged_subjects as subjects
    inner join filters on not (subjects.is_bot and filters.is_bot_filtered)
    group by filters.is_bot_filtered, subjects.macro_name

),

counted_silent_macros as (

    select
        filters.is_bot_filtered,
        subjects.macro_name,
        silent_days.micro_name,
        count(*) as silent_macro_count
    from judged_subjects as subjects
    inner join silent_days on subjects.macro_date = silent_days.silent_date
    inner join filters on not (subjects.is_bot and filters.is_bot_filtered)
    where subjects.is_in_window
    group by filters.is_bot_filtered, subjects.macro_name, silent_days.micro_name

),

pairs as (

    -- Everybody who did a micro-conversion, with the macro-conversion or without; same moment is not before.
    select
        firsts.subject_id,
        firsts.conversion_name as micro_name,
        evidence_macros.macro_name,
        subjects.is_bot,
        firsts.first_timestamp,
        first_macros.macro_timestamp,
        firsts.first_timestamp < subjects.first_step_timestamp + {{ 30 * day }} as is_in_month,
        firsts.step_timestamp = first_macros.macro_step_timestamp as is_on_same_step,
        coalesce(firsts.first_timestamp < first_macros.macro_timestamp, true) as is_before,
        firsts.first_timestamp >= evidence_window.window_start as is_in_window,
        firsts.first_timestamp >= evidence_window.as_of_timestamp - {{ 30 * day }} as is_recent,
        firsts.first_timestamp + {{ horizon }} <= evidence_window.as_of_timestamp as is_followed,
        first_macros.macro_timestamp >= evidence_window.window_start as is_macro_in_window,
        silent_days.silent_date is null as is_macro_tracked
    from known_firsts as firsts
    inner join known_subjects as subjects on firsts.subject_id = subjects.subject_id
    cross join evidence_window
    cross join evidence_macros
    left join first_macros
        on firsts.subject_id = first_macros.subject_id
        and evidence_macros.macro_name = first_macros.macro_name
    left join silent_days
        on firsts.conversion_name = silent_days.micro_name
        and first_macros.macro_date = silent_days.silent_date
    where firsts.conversion_type in ('micro', 'placebo')

),

counted_pairs as (

    select
        macro_name,
        micro_name,
        is_bot,
        count(*) as with_subject_count,
        count(macro_timestamp) as with_converted_count,
        sum(case when macro_timestamp is not null and is_before then 1 else 0 end) as posthog_success_with_count,
        sum(case when macro_timestamp is null and is_in_month then 1 else 0 end) as posthog_failure_with_count,
        sum(case when is_before and is_in_window then 1 else 0 end) as first_micro_total_count,
        sum(case when is_before and is_in_window and is_followed then 1 else 0 end) as first_micro_count,
        sum(
            case
                when is_before and is_in_window and is_followed and macro_timestamp <= first_timestamp + {{ horizon }}
                    then 1
                else 0
            end
        ) as first_micro_converted_count,
        sum(case when is_macro_in_window and is_before then 1 else 0 end) as macro_preceded_count,
        sum(case when is_macro_in_window and is_before and is_macro_tracked then 1 else 0 end)
            as tracked_preceded_count,
        sum(case when is_macro_in_window and is_on_same_step then 1 else 0 end) as same_step_macro_count,
        sum(case when macro_timestamp is not null and is_before then 1 else 0 end) as exposure_before_macro_count,
        sum(case when is_before and is_in_window and is_recent then 1 else 0 end) as monthly_subject_count
    from pairs
    group by macro_name, micro_name, is_bot

),

sales_after as (

    select
        pairs.macro_name,
        pairs.micro_name,
        pairs.is_bot,
        pairs.subject_id,
        sum(known_sales.value_micros) as value_micros
    from pairs
    inner join known_sales
        on pairs.subject_id = known_sales.subject_id
        and pairs.macro_name = known_sales.macro_name
    where pairs.is_before
        and pairs.is_in_window
        and pairs.is_followed
        and known_sales.event_timestamp > pairs.first_timestamp
        and known_sales.event_timestamp <= pairs.first_timestamp + {{ horizon }}
    group by pairs.macro_name, pairs.micro_name, pairs.is_bot, pairs.subject_id

),

ranked_sales as (

    select
        sales_after.*,
        filters.is_bot_filtered,
        row_number() over (
            partition by sales_after.macro_name, sales_after.micro_name, filters.is_bot_filtered
            order by sales_after.value_micros desc, sales_after.subject_id asc
        ) as sale_rank,
        sum(case when sales_after.value_micros > 0 then 1 else 0 end) over (
            partition by sales_after.macro_name, sales_after.micro_name, filters.is_bot_filtered
        ) as buyer_count
    from sales_after
    inner join filters on not (sales_after.is_bot and filters.is_bot_filtered)

),

filtered_pairs as (

    select
        counted_pairs.macro_name,
        counted_pairs.micro_name,
        filters.is_bot_filtered,
        {%- for count in pair_counts %}
        sum(counted_pairs.{{ count }}) as {{ count }}{{ "," if not loop.last }}
        {%- endfor %}
    from counted_pairs
    inner join filters on not (counted_pairs.is_bot and filters.is_bot_filtered)
    group by counted_pairs.macro_name, counted_pairs.micro_name, filters.is_bot_filtered

),

summed_sales as (

    select
        macro_name,
        micro_name,
        is_bot_filtered,
        sum(value_micros) as revenue_micros,
        {{ squared_hundredths("value_micros / 1000000.0") }} as revenue_squared_hundredths,
        sum(case when (sale_rank - 1) * 100 < buyer_count then value_micros else 0 end) as top_revenue_micros
    from ranked_sales
    group by macro_name, micro_name, is_bot_filtered

),

occurrences as (

    select
        firsts.conversion_name as micro_name,
        filters.is_bot_filtered,
        sum(firsts.occurrence_count) as occurrence_count,
        sum(firsts.in_session_occurrence_count) as in_session_occurrence_count
    from {{ ref("int_first_conversions") }} as firsts
    inner join known_subjects as subjects on firsts.subject_id = subjects.subject_id
    inner join filters on not (subjects.is_bot and filters.is_bot_filtered)
    group by firsts.conversion_name, filters.is_bot_filtered

),

converter_conversions as (

    select
        conversions.subject_id,
        conversions.conversion_name as micro_name,
        conversions.event_timestamp
    from evidence_conversions as conversions
    cross join evidence_window
    where conversions.conversion_type = 'micro'
        and conversions.event_timestamp < evidence_window.as_of_timestamp

    union all

    select
        subject_id,
        conversion_name as micro_name,
        first_timestamp as event_timestamp
    from known_firsts
    where conversion_type = 'placebo'

),

converter_occurrences as (

    select
        first_macros.macro_name,
        conversions.micro_name,
        filters.is_bot_filtered,
        count(*) as converter_occurrence_count,
        sum(case when conversions.event_timestamp > first_macros.macro_timestamp then 1 else 0 end)
            as post_macro_occurrence_count
    from converter_conversions as conversions
    inner join first_macros on conversions.subject_id = first_macros.subject_id
    inner join known_subjects as subjects on conversions.subject_id = subjects.subject_id
    inner join filters on not (subjects.is_bot and filters.is_bot_filtered)
    group by first_macros.macro_name, conversions.micro_name, filters.is_bot_filtered

),

mart_conversion_reach as (

    select
        evidence_macros.macro_name,
        evidence_micros.micro_name,
        filters.is_bot_filtered,
        evidence_micros.evidence_bit,
        evidence_micros.is_placebo,
        cast(coalesce(counted_subjects.subject_count, 0) as int64) as subject_count,
        {%- for count in subject_counts[1:] %}
        cast(coalesce(counted_macros.{{ count }}, 0) as int64) as {{ count }},
        {%- endfor %}
        cast(
            coalesce(counted_macros.first_macro_count, 0)
            - coalesce(counted_silent_macros.silent_macro_count, 0) as int64
        ) as tracked_macro_count,
        {%- for count in pair_counts %}
        cast(coalesce(filtered_pairs.{{ count }}, 0) as int64) as {{ count }},
        {%- endfor %}
        cast(coalesce(summed_sales.revenue_micros, 0) as int64) / 1000000.0 as first_micro_revenue_usd,
        cast(coalesce(summed_sales.revenue_squared_hundredths, 0) as int64) / 100.0 as first_micro_revenue_usd_squared,
        cast(coalesce(summed_sales.top_revenue_micros, 0) as int64) / 1000000.0 as top_hundredth_revenue_usd,
        cast(coalesce(occurrences.occurrence_count, 0) as int64) as occurrence_count,
        cast(coalesce(occurrences.in_session_occurrence_count, 0) as int64) as in_session_occurrence_count,
        cast(coalesce(converter_occurrences.converter_occurrence_count, 0) as int64) as converter_occurrence_count,
        cast(coalesce(converter_occurrences.post_macro_occurrence_count, 0) as int64) as post_macro_occurrence_count
    from evidence_macros
    cross join evidence_micros
    cross join filters
    left join counted_subjects on filters.is_bot_filtered = counted_subjects.is_bot_filtered
    left join counted_macros
        on evidence_macros.macro_name = counted_macros.macro_name
        and filters.is_bot_filtered = counted_macros.is_bot_filtered
    left join counted_silent_macros
        on evidence_macros.macro_name = counted_silent_macros.macro_name
        and evidence_micros.micro_name = counted_silent_macros.micro_name
        and filters.is_bot_filtered = counted_silent_macros.is_bot_filtered
    left join filtered_pairs
        on evidence_macros.macro_name = filtered_pairs.macro_name
        and evidence_micros.micro_name = filtered_pairs.micro_name
        and filters.is_bot_filtered = filtered_pairs.is_bot_filtered
    left join summed_sales
        on evidence_macros.macro_name = summed_sales.macro_name
        and evidence_micros.micro_name = summed_sales.micro_name
        and filters.is_bot_filtered = summed_sales.is_bot_filtered
    left join occurrences
        on evidence_micros.micro_name = occurrences.micro_name
        and filters.is_bot_filtered = occurrences.is_bot_filtered
    left join converter_occurrences
        on evidence_macros.macro_name = converter_occurrences.macro_name
        and evidence_micros.micro_name = converter_occurrences.micro_name
        and filters.is_bot_filtered = converter_occurrences.is_bot_filtered

)

select * from mart_conversion_reach
