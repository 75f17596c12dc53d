# One row per visitor who allowed analytics and advertising in the latest session: the page of whom to call. Whoever did not is not in it. Rows are of persons: give the table to those only who may see them.
view: bi_leads {
  sql_table_name: micro_conversions.bi_leads ;;

  dimension: visitor_id {
    type: string
    label: "Visitor"
    description: "The person as far as known: the session's own `user_id_hash`, else the only one that the device ever had, else `user_pseudo_id`. NULL for hits without analytics consent."
    sql: ${TABLE}.visitor_id ;;
  }

  dimension: lead_score {
    type: number
    label: "Lead score"
    description: "Sum of the decayed and capped points, 0 or more."
    sql: ${TABLE}.lead_score ;;
  }

  dimension: score_decile {
    type: number
    label: "Score decile (10 is best)"
    description: "Tenth of the visitors by score, 10 for the best; equal scores share it, so that tenths need not be equally large."
    sql: ${TABLE}.score_decile ;;
  }

  dimension: probability {
    type: number
    label: "Chance of converting"
    description: "How often the macro-conversion followed such a score within the horizon when the score was tested (`lead_score_bands`); NULL while that list is empty, for visitors who got there already, and for those not seen in the last thirty days."
    sql: ${TABLE}.probability ;;
  }

  dimension: probability_low {
    type: number
    label: "Chance of converting: lower limit (95 %)"
    description: "Lower limit of its 95 % Wilson interval."
    sql: ${TABLE}.probability_low ;;
  }

  dimension: probability_high {
    type: number
    label: "Chance of converting: upper limit (95 %)"
    description: "Upper limit of its 95 % Wilson interval."
    sql: ${TABLE}.probability_high ;;
  }

  dimension: top_reasons {
    type: string
    label: "Why"
    description: "Up to three conversions that give most points, with how often and how many points."
    sql: ${TABLE}.top_reasons ;;
  }

  dimension: visitor_stage {
    type: string
    label: "Where the visitor stands"
    description: "`TOFU`, `MOFU` or `BOFU` for the part of the funnel that the visitor's deepest conversion of the last `stage_recency_days` belongs to, `customer` after a goal in that time, `inactive` for who was not seen in it."
    sql: ${TABLE}.visitor_stage ;;
  }

  dimension: intent_level {
    type: string
    label: "Intent"
    description: "{{ doc('intent_level') }} `inactive` without a visit or conversion in that time."
    sql: ${TABLE}.intent_level ;;
  }

  dimension_group: last_activity {
    type: time
    timeframes: [raw, time, date]
    convert_tz: no
    datatype: timestamp
    label: "Last active (UTC)"
    description: "Time of the visitor's last event, UTC."
    sql: ${TABLE}.last_activity_at ;;
  }

  dimension: session_count {
    type: number
    label: "Sessions"
    description: "How many sessions, excluded ones included."
    sql: ${TABLE}.session_count ;;
  }

  dimension: micro_conversion_count {
    type: number
    label: "Micro-conversions"
    description: "How many counted micro-conversions."
    sql: ${TABLE}.micro_conversion_count ;;
  }

  dimension: macro_conversion_count {
    type: number
    label: "Macro-conversions"
    description: "How many counted macro-conversions."
    sql: ${TABLE}.macro_conversion_count ;;
  }

  dimension: first_touch_channel_group {
    type: string
    label: "Channel of the first visit"
    description: "Channel group of the first touch by the same rules as `channel_group`."
    sql: ${TABLE}.first_touch_channel_group ;;
  }

  dimension: stalled_label {
    type: string
    label: "Stalled at"
    description: "The newest of the listed moments at which the visitor stands still; NULL for none."
    sql: ${TABLE}.stalled_label ;;
  }

  dimension_group: stalled {
    type: time
    timeframes: [raw, time, date]
    convert_tz: no
    datatype: timestamp
    label: "Stalled since (UTC)"
    description: "Since when, UTC."
    sql: ${TABLE}.stalled_at ;;
  }
}
