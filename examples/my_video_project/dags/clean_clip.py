"""Remove the burnt-in text of a clip, and keep the result."""

from airflow.sdk import DAG

from airflow_provider_videoai.operators.viitor import ViiTorTextRemovalOperator
from airflow_provider_videoai.transfers.media import VideoResultToObjectStorageOperator

with DAG(
    "clean_clip",
    schedule=None,
    params={"url": "https://example.com/clip.mp4", "folder": "s3://aws_default@my-bucket/clean"},
) as dag:
    clean = ViiTorTextRemovalOperator(
        task_id="clean",
        url="{{ params.url }}",
        task_name="clip",
        full_erase_roi=[[60, 288, 580, 336]],
        retries=2,
    )
    VideoResultToObjectStorageOperator(
        task_id="keep", result=clean.output, destination="{{ params.folder }}/{job_id}.mp4"
    )
