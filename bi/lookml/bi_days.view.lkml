# One row per date and conversion: the page of daily trends. Choose one conversion: the sessions of a day stand beside each. Rates have their interval and are NULL under `minimum_group_size`; they do not add up to a week. Dates that are not loaded yet are left out.
view: bi_days {
  sql_table_name: micro_conversions.bi_days ;;

  dimension_group: calendar {
    type: time
    timeframes: [raw, date]
    convert_tz: no
    datatype: date
    label: "Date"
    description: "The day, in the time zone of the property."
    sql: ${TABLE}.calendar_date ;;
  }

  dimension_group: week_start {
    type: time
    timeframes: [raw, date]
    convert_tz: no
    datatype: date
    label: "Week"
    description: "Monday of its week."
    sql: ${TABLE}.week_start_date ;;
  }

  dimension_group: month_start {
    type: time
    timeframes: [raw, date]
    convert_tz: no
    datatype: date
    label: "Month"
    description: "First day of its month."
    sql: ${TABLE}.month_start_date ;;
  }

  dimension: weekday_number {
    type: number
    label: "Weekday (1 is Monday)"
    description: "Day of the week, from 1 (Monday) to 7 (Sunday)."
    sql: ${TABLE}.weekday_number ;;
  }

  dimension: conversion_name {
    type: string
    label: "Conversion (key)"
    description: "Name of the conversion in the seed `conversion_catalog`."
    sql: ${TABLE}.conversion_name ;;
  }

  dimension: conversion_label {
    type: string
    label: "Conversion"
    description: "What people read for the conversion."
    sql: ${TABLE}.conversion_label ;;
  }

  dimension: conversion_type {
    type: string
    label: "Macro or micro"
    description: "`macro` for a goal, `micro` for a small action that leads to one."
    sql: ${TABLE}.conversion_type ;;
  }

  dimension: funnel_stage {
    type: string
    label: "Stage"
    description: "Stage of the way to the goal: `awareness`, `interest`, `consideration`, `intent` or `conversion`. Of a visitor it is the furthest stage of any counted conversion, `awareness` without one."
    sql: ${TABLE}.funnel_stage ;;
  }

  dimension: stage_number {
    type: number
    label: "Stage (number)"
    description: "The stage as a number, from 1 (awareness) to 5 (conversion)."
    sql: ${TABLE}.stage_number ;;
  }

  dimension: conversion_count {
    type: number
    label: "Conversions"
    description: "Counted occurrences."
    sql: ${TABLE}.conversion_count ;;
  }

  dimension: session_count {
    type: number
    label: "Sessions"
    description: "Sessions that began on the date."
    sql: ${TABLE}.session_count ;;
  }

  dimension: converting_session_count {
    type: number
    label: "Sessions with the conversion"
    description: "Sessions with at least one counted occurrence of the conversion."
    sql: ${TABLE}.converting_session_count ;;
  }

  dimension: session_conversion_rate {
    type: number
    value_format: "0.0%"
    label: "Rate by session"
    description: "Share of sessions with the conversion, 0 to 1; NULL under the minimum group size."
    sql: ${TABLE}.session_conversion_rate ;;
  }

  dimension: session_conversion_rate_low {
    type: number
    value_format: "0.0%"
    label: "Rate by session: lower limit (95 %)"
    description: "Lower end of the 95 % Wilson interval of `session_conversion_rate`. Sessions of one visitor are alike, so that the interval is somewhat too narrow."
    sql: ${TABLE}.session_conversion_rate_low ;;
  }

  dimension: session_conversion_rate_high {
    type: number
    value_format: "0.0%"
    label: "Rate by session: upper limit (95 %)"
    description: "Upper end of the same interval."
    sql: ${TABLE}.session_conversion_rate_high ;;
  }

  dimension: visitor_count {
    type: number
    label: "Visitors"
    description: "Distinct visitors of these sessions. A visitor of several segments or days counts in each, so that these do not add up to the total."
    sql: ${TABLE}.visitor_count ;;
  }

  dimension: converting_visitor_count {
    type: number
    label: "Visitors with the conversion"
    description: "Visitors who did it in a session of the date."
    sql: ${TABLE}.converting_visitor_count ;;
  }

  dimension: value_usd {
    type: number
    label: "Value (US dollars)"
    description: "Sum of the value of the occurrences in US dollars, 0 without any."
    sql: ${TABLE}.value_usd ;;
  }

  dimension: revenue_usd {
    type: number
    label: "Revenue (US dollars)"
    description: "Sum of the revenue of the occurrences in US dollars, before refunds; 0 for micro-conversions."
    sql: ${TABLE}.revenue_usd ;;
  }

  dimension: net_revenue_usd {
    type: number
    label: "Net revenue (US dollars)"
    description: "The same less refunds, on the day of the purchase."
    sql: ${TABLE}.net_revenue_usd ;;
  }

  dimension: is_holiday {
    type: yesno
    label: "Holiday"
    description: "Whether `holidays` names the date; daily rates are not compared on it."
    sql: ${TABLE}.is_holiday ;;
  }

  dimension: is_final {
    type: yesno
    label: "Final"
    description: "Whether the day came from a daily table; Google may still change a `fresh` or `intraday` day."
    sql: ${TABLE}.is_final ;;
  }

  dimension: is_usable {
    type: yesno
    label: "Usable"
    description: "Whether the day is final, the conversion had time to happen by then, and it was recorded."
    sql: ${TABLE}.is_usable ;;
  }
}
