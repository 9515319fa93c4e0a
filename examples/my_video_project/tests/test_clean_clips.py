from airflow_provider_videoai.testing import assert_paid_once


def test_each_clip_is_cleaned_once(videoai_dag_run, videoai_sandbox, tmp_path):
    urls = [f"{videoai_sandbox.sample()}?clip={n}" for n in range(3)]
    run = videoai_dag_run("clean_clips", {"urls": urls, "folder": f"file://{tmp_path}"})
    assert run.state == "success"
    assert sorted(path.name for path in tmp_path.glob("*.mp4")) == ["clip-0.mp4", "clip-1.mp4", "clip-2.mp4"]
    assert_paid_once(run)
