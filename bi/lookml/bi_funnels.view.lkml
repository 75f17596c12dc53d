# One row per funnel, period (all, week), segment (all, device, channel, new or returning) and step: the page of funnels. Choose one funnel, one period and one segment dimension; nothing adds up across them. A week's entries that still have time are in `immature_count` and in no rate.
view: bi_funnels {
  sql_table_name: micro_conversions.bi_funnels ;;

  dimension: funnel_name {
    type: string
    label: "Funnel (key)"
    description: "Name of the funnel in the seed `funnels`."
    sql: ${TABLE}.funnel_name ;;
  }

  dimension: funnel_label {
    type: string
    label: "Funnel"
    description: "Name of the funnel that people read in reports."
    sql: ${TABLE}.funnel_label ;;
  }

  dimension: period_grain {
    type: string
    label: "Period"
    description: "Length of the period: `all` (every loaded day), `week` (Monday to Sunday) or `day`."
    sql: ${TABLE}.period_grain ;;
  }

  dimension_group: period_start {
    type: time
    timeframes: [raw, date]
    convert_tz: no
    datatype: date
    label: "Week from"
    description: "First day of the period; NULL for `all`."
    sql: ${TABLE}.period_start_date ;;
  }

  dimension: segment_dimension {
    type: string
    label: "Segment by"
    description: "What visits are divided by; `all` for the total, two names with ` x ` between them for two dimensions at once."
    sql: ${TABLE}.segment_dimension ;;
  }

  dimension: segment_value {
    type: string
    label: "Segment"
    description: "Value of the dimension. `(unknown)` where the export has none, `(other)` for values beyond the `largest_segments` with most sessions."
    sql: ${TABLE}.segment_value ;;
  }

  dimension: step_number {
    type: number
    label: "Step (number)"
    description: "Number of the step, from 1."
    sql: ${TABLE}.step_number ;;
  }

  dimension: step_label {
    type: string
    label: "Step"
    description: "What people read for the step; in any order how many of the steps happened."
    sql: ${TABLE}.step_label ;;
  }

  dimension: entered_count {
    type: number
    label: "Entered"
    description: "Units that entered, with at least one mature entry."
    sql: ${TABLE}.entered_count ;;
  }

  dimension: previous_step_count {
    type: number
    label: "Reached the step before"
    description: "Units that reached the step before that must happen; for the first step those that reached it."
    sql: ${TABLE}.previous_step_count ;;
  }

  dimension: reached_count {
    type: number
    label: "Reached"
    description: "Units that reached the step."
    sql: ${TABLE}.reached_count ;;
  }

  dimension: continued_count {
    type: number
    label: "Went on from the step before"
    description: "Units that reached the step from the one before; fewer than `reached_count` in open funnels."
    sql: ${TABLE}.continued_count ;;
  }

  dimension: drop_off_count {
    type: number
    label: "Dropped off"
    description: "Units that reached the step before and did not go on to this one."
    sql: ${TABLE}.drop_off_count ;;
  }

  dimension: immature_count {
    type: number
    label: "Still have time (in no rate)"
    description: "Units whose attempts are all too young to judge; the same number on every step."
    sql: ${TABLE}.immature_count ;;
  }

  dimension: step_conversion_rate {
    type: number
    value_format: "0.0%"
    label: "Rate from the step before"
    description: "Share of `previous_step_count` that went on to the step, 0 to 1."
    sql: ${TABLE}.step_conversion_rate ;;
  }

  dimension: step_conversion_rate_low {
    type: number
    value_format: "0.0%"
    label: "Rate from the step before: lower limit (95 %)"
    description: "Lower end of the 95 % Wilson interval of `step_conversion_rate`."
    sql: ${TABLE}.step_conversion_rate_low ;;
  }

  dimension: step_conversion_rate_high {
    type: number
    value_format: "0.0%"
    label: "Rate from the step before: upper limit (95 %)"
    description: "Upper end of the same interval."
    sql: ${TABLE}.step_conversion_rate_high ;;
  }

  dimension: funnel_conversion_rate {
    type: number
    value_format: "0.0%"
    label: "Rate from step 1"
    description: "Share of `entered_count` that reached the step, 0 to 1."
    sql: ${TABLE}.funnel_conversion_rate ;;
  }

  dimension: funnel_conversion_rate_low {
    type: number
    value_format: "0.0%"
    label: "Rate from step 1: lower limit (95 %)"
    description: "Lower end of the 95 % Wilson interval of `funnel_conversion_rate`."
    sql: ${TABLE}.funnel_conversion_rate_low ;;
  }

  dimension: funnel_conversion_rate_high {
    type: number
    value_format: "0.0%"
    label: "Rate from step 1: upper limit (95 %)"
    description: "Upper end of the same interval."
    sql: ${TABLE}.funnel_conversion_rate_high ;;
  }

  dimension: unit {
    type: string
    label: "Counted by"
    description: "Who walks the funnel: a `visitor` (over all sessions) or a `session`."
    sql: ${TABLE}.unit ;;
  }

  dimension: step_order {
    type: string
    label: "Order of steps"
    description: "`ordered` for steps in this order with anything in between, `strict` for no other catalogued conversion in between, `any` for any order."
    sql: ${TABLE}.step_order ;;
  }

  dimension: entry {
    type: string
    label: "Entry"
    description: "`closed` when everybody enters at step 1, `open` when entering at a later step counts too."
    sql: ${TABLE}.entry ;;
  }

  dimension: counting {
    type: string
    label: "Counting"
    description: "How often an occurrence counts: `every_event`, `once_per_session` or `once_per_visitor`, the first one each; for funnels `unique` or `attempts`."
    sql: ${TABLE}.counting ;;
  }

  dimension: window_hours {
    type: number
    label: "Window (hours)"
    description: "Hours after the entry within which every further step must happen, the last microsecond included."
    sql: ${TABLE}.window_hours ;;
  }
}
