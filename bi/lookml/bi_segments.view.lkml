# One row per conversion and segment of one dimension, over all that is loaded: the page of segments. Choose one conversion and one dimension. `verdict` compares the segment with all other visits, corrected for the number of segments.
view: bi_segments {
  sql_table_name: micro_conversions.bi_segments ;;

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

  dimension: session_count {
    type: number
    label: "Sessions"
    description: "How many sessions it counts; excluded ones are left out wherever rates are built."
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
    description: "Distinct visitors with at least one counted occurrence of the conversion in these sessions."
    sql: ${TABLE}.converting_visitor_count ;;
  }

  dimension: visitor_conversion_rate {
    type: number
    value_format: "0.0%"
    label: "Rate by visitor"
    description: "Share of visitors with the conversion, 0 to 1; NULL under the minimum group size."
    sql: ${TABLE}.visitor_conversion_rate ;;
  }

  dimension: visitor_conversion_rate_low {
    type: number
    value_format: "0.0%"
    label: "Rate by visitor: lower limit (95 %)"
    description: "Lower end of the 95 % Wilson interval of `visitor_conversion_rate`."
    sql: ${TABLE}.visitor_conversion_rate_low ;;
  }

  dimension: visitor_conversion_rate_high {
    type: number
    value_format: "0.0%"
    label: "Rate by visitor: upper limit (95 %)"
    description: "Upper end of the same interval."
    sql: ${TABLE}.visitor_conversion_rate_high ;;
  }

  dimension: rest_conversion_rate {
    type: number
    value_format: "0.0%"
    label: "Rate of all others"
    description: "Share of sessions outside the segment with the conversion, 0 to 1."
    sql: ${TABLE}.rest_conversion_rate ;;
  }

  dimension: rate_ratio {
    type: number
    label: "Times the rate of all others"
    description: "Rate of the segment divided by the rate of the rest; NULL where the rest has none."
    sql: ${TABLE}.rate_ratio ;;
  }

  dimension: q_value {
    type: number
    label: "Rate of false discoveries (q)"
    description: "Rate of false discoveries among gaps at least so clear (Benjamini and Hochberg), 0 to 1; NULL where not tested."
    sql: ${TABLE}.q_value ;;
  }

  dimension: verdict {
    type: string
    label: "Verdict"
    description: "What the comparison with all other visits says; NULL for the total and where there was too little."
    sql: ${TABLE}.verdict ;;
  }
}
