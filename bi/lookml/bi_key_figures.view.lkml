# One row per KPI and week, the value over all that is loaded beside it: the page of key figures. A KPI without a week with a base has one row whose week is NULL. Values are shares, means or days, as `measure` says; they never add up.
view: bi_key_figures {
  sql_table_name: micro_conversions.bi_key_figures ;;

  dimension: kpi_name {
    type: string
    label: "Key figure (key)"
    description: "Name of the KPI in `kpi_definitions`."
    sql: ${TABLE}.kpi_name ;;
  }

  dimension: kpi_label {
    type: string
    label: "Key figure"
    description: "What people read for the KPI."
    sql: ${TABLE}.kpi_label ;;
  }

  dimension: measure {
    type: string
    label: "Measure"
    description: "`share`, `mean`, `distinct`, `times` or `mean_days`; see `kpi_definitions`."
    sql: ${TABLE}.measure ;;
  }

  dimension: unit {
    type: string
    label: "Counted by"
    description: "What is counted: `session`, `visitor` or `occurrence`."
    sql: ${TABLE}.unit ;;
  }

  dimension_group: week_start {
    type: time
    timeframes: [raw, date]
    convert_tz: no
    datatype: date
    label: "Week"
    description: "Monday of the week."
    sql: ${TABLE}.week_start_date ;;
  }

  dimension: week_value {
    type: number
    label: "Value of the week"
    description: "Value of the week, in the unit of `measure`; NULL under `minimum_group_size`."
    sql: ${TABLE}.week_value ;;
  }

  dimension: week_value_low {
    type: number
    label: "Value of the week: lower limit (95 %)"
    description: "Lower end of its 95 % interval."
    sql: ${TABLE}.week_value_low ;;
  }

  dimension: week_value_high {
    type: number
    label: "Value of the week: upper limit (95 %)"
    description: "Upper end of the same interval."
    sql: ${TABLE}.week_value_high ;;
  }

  dimension: week_base_count {
    type: number
    label: "Base of the week"
    description: "Units of the week with the denominator whose outcome is known."
    sql: ${TABLE}.week_base_count ;;
  }

  dimension: week_immature_count {
    type: number
    label: "Still have time in the week"
    description: "Units of the week whose days have not passed yet."
    sql: ${TABLE}.week_immature_count ;;
  }

  dimension: value {
    type: number
    label: "Value"
    description: "Numerator by denominator."
    sql: ${TABLE}.value ;;
  }

  dimension: value_low {
    type: number
    label: "Value: lower limit (95 %)"
    description: "Lower end of its 95 % interval."
    sql: ${TABLE}.value_low ;;
  }

  dimension: value_high {
    type: number
    label: "Value: upper limit (95 %)"
    description: "Upper end of its 95 % interval."
    sql: ${TABLE}.value_high ;;
  }

  dimension: base_count {
    type: number
    label: "Base"
    description: "Units with the denominator whose outcome is known."
    sql: ${TABLE}.base_count ;;
  }

  dimension: immature_count {
    type: number
    label: "Still have time (in no rate)"
    description: "Units whose days have not passed yet."
    sql: ${TABLE}.immature_count ;;
  }

  dimension: benchmark_low {
    type: number
    label: "Healthy from"
    description: "Lower end of the healthy range; NULL for none."
    sql: ${TABLE}.benchmark_low ;;
  }

  dimension: benchmark_high {
    type: number
    label: "Healthy up to"
    description: "Upper end of that range; NULL for none."
    sql: ${TABLE}.benchmark_high ;;
  }

  dimension: status {
    type: string
    label: "Status"
    description: "`needs work`, `below`, `inside` or `above` where the whole interval is; `cannot tell` where it reaches over an end of the range; `unreliable` where a conversion was silent on days with more than a twentieth of the sessions; `too few`, or `no benchmark`."
    sql: ${TABLE}.status ;;
  }

  dimension: rule {
    type: string
    label: "How it is counted"
    description: "How the KPI is counted, in words."
    sql: ${TABLE}.rule ;;
  }

  dimension: advice {
    type: string
    label: "What to do"
    description: "What to do about the figure."
    sql: ${TABLE}.advice ;;
  }
}
