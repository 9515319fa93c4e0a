from airflow_provider_videoai.testing import assert_paid_once


def test_the_clip_is_cleaned_and_kept(videoai_dag_run, videoai_sandbox, tmp_path):
    run = videoai_dag_run("clean_clip", {"url": videoai_sandbox.sample(), "folder": f"file://{tmp_path}"})
    assert run.states == {"clean": "success", "keep": "success"}
    assert len(list(tmp_path.glob("*.mp4"))) == 1
    assert_paid_once(run)


def test_a_job_that_the_vendor_does_not_finish_is_not_bought_again(videoai_dag_run, videoai_sandbox, tmp_path):
    videoai_sandbox.fault(vendor="viitor", kind="never_ends")
    run = videoai_dag_run("clean_clip", {"url": videoai_sandbox.sample(), "folder": f"file://{tmp_path}"})
    assert run.states == {"clean": "failed", "keep": "upstream_failed"}
    assert run["clean"].tries == 3
    assert_paid_once(run)
