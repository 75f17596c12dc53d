{#- Whom evidence is about: a visitor, or with `evidence_subject: session` each session by itself. -#}
{% macro evidence_subject_id(relation="") -%}
{{ relation ~ "." if relation }}{{ "session_id" if var("evidence_subject") == "session" else "visitor_id" }}
{%- endmacro %}

{#- Traffic that evidence reads. Suspected bots are let in, as evidence tells machines by a rule of its own and shows
    its numbers with them and without. -#}
{% macro is_evidence_traffic(relation="") -%}
coalesce({{ relation ~ "." if relation }}exclusion_reason, 'suspected_bot') = 'suspected_bot'
{%- endmacro %}

{#- A machine: suspected by its sessions and pace, or busier on a day than nearly everybody. Needs `busy_subjects`. -#}
{% macro is_evidence_bot(relation) -%}
{{ relation }}.is_suspected_bot or {{ relation }}.busiest_day_step_count > busy_subjects.most_steps_of_a_day
{%- endmacro %}
