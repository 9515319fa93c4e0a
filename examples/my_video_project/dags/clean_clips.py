"""Remove the burnt-in text of many clips: one task, a job for each clip."""

from airflow.sdk import DAG, task

from airflow_provider_videoai.operators.batch import VideoBatchOperator

with DAG(
    "clean_clips",
    schedule=None,
    params={"urls": ["https://example.com/clip.mp4"], "folder": "s3://aws_default@my-bucket/clean"},
) as dag:

    @task
    def requests(params=None):
        return [{"item_id": f"clip-{n}", "url": url, "task_name": f"clip {n}"} for n, url in enumerate(params["urls"])]

    VideoBatchOperator(
        task_id="clean",
        vendor="viitor",
        requests=requests(),
        common={"full_erase_roi": [[60, 288, 580, 336]]},
        destination="{{ params.folder }}/{item_id}.mp4",
        tolerate="10%",
    )
