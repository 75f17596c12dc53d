{{ config(severity="warn") }}

-- A warning, never an error: the lists are right as they are, and unwise. `microconv summary` prints the sentences.
select
    subject,
    message
from {{ ref("mart_catalog_findings") }}
where severity = 'warning'
