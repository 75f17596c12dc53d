-- What the job's service account may do with tables: read the export, write its own dataset. Run once, by an
-- owner of both, after creating the dataset to write to. Besides: roles/bigquery.jobUser on the project, and
-- roles/storage.objectUser on the bucket of the report.
grant `roles/bigquery.dataViewer` on schema `PROJECT`.`analytics_123456789`
to "serviceAccount:micro-conversions@PROJECT.iam.gserviceaccount.com";

grant `roles/bigquery.dataEditor` on schema `PROJECT`.`micro_conversions`
to "serviceAccount:micro-conversions@PROJECT.iam.gserviceaccount.com";
