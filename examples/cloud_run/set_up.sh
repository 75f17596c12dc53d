#!/usr/bin/env bash
# Sets up the job on Cloud Run and its schedule, once: PROJECT=… REGION=… BUCKET=… examples/cloud_run/set_up.sh
# Fill in job.yaml and rights.sql first. It was not run on Google Cloud by its authors.
set -euo pipefail
: "${PROJECT:?}" "${REGION:?}" "${BUCKET:?}"
cd "$(dirname "$0")/../.."
account=micro-conversions@$PROJECT.iam.gserviceaccount.com
caller=micro-conversions-caller@$PROJECT.iam.gserviceaccount.com

gcloud iam service-accounts create micro-conversions --project "$PROJECT"
gcloud projects add-iam-policy-binding "$PROJECT" --member "serviceAccount:$account" --role roles/bigquery.jobUser
gcloud storage buckets add-iam-policy-binding "gs://$BUCKET" \
    --member "serviceAccount:$account" --role roles/storage.objectUser
bq --project_id "$PROJECT" query --use_legacy_sql=false < examples/cloud_run/rights.sql

gcloud run jobs replace examples/cloud_run/job.yaml --project "$PROJECT" --region "$REGION"

# The scheduler may start the job and nothing else.
gcloud iam service-accounts create micro-conversions-caller --project "$PROJECT"
gcloud run jobs add-iam-policy-binding micro-conversions-daily --project "$PROJECT" --region "$REGION" \
    --member "serviceAccount:$caller" --role roles/run.invoker
gcloud scheduler jobs create http micro-conversions-daily --project "$PROJECT" --location "$REGION" \
    --schedule "0 9 * * *" --time-zone America/New_York --http-method POST \
    --uri "https://run.googleapis.com/v2/projects/$PROJECT/locations/$REGION/jobs/micro-conversions-daily:run" \
    --oauth-service-account-email "$caller"
