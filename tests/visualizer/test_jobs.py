"""Jobs end with a result, an error fit to be shown, or cancelled with neither."""

import threading

import pytest

from stylegan_core.errors import Cancelled, StyleScopeError
from visualizer.jobs import Job

SAFETY_S = 60.0  # never waited for unless a test is about to fail


def ended(job: Job) -> Job:
    job.wait(SAFETY_S)
    assert job.done
    return job


def test_a_result() -> None:
    assert (job := ended(Job("add", lambda job: 1 + 1))).result == 2
    assert job.error is None and not job.cancelled


def test_progress_is_seen_while_it_runs() -> None:
    reported, go_on = threading.Event(), threading.Event()

    def work(job: Job[str]) -> str:
        job.report(0.5)
        reported.set()
        assert go_on.wait(SAFETY_S)
        job.report(1.0)
        return "done"

    job = Job("work", work)
    assert job.progress in (0.0, 0.5)
    assert reported.wait(SAFETY_S)
    assert job.progress == 0.5 and not job.done and job.result is None
    go_on.set()
    assert ended(job).result == "done" and job.progress == 1.0


@pytest.mark.parametrize("heeded", [True, False])
def test_a_cancelled_job_has_neither_result_nor_error(heeded: bool) -> None:
    asked = threading.Event()

    def work(job: Job[int]) -> int:
        assert asked.wait(SAFETY_S)
        if heeded and job.cancelled:
            raise Cancelled
        return 5

    job = Job("work", work)
    job.cancel()
    assert job.cancelled and not job.done
    asked.set()
    assert ended(job).result is None and job.error is None


def test_an_error_for_the_person_is_shown_as_it_stands(caplog: pytest.LogCaptureFixture) -> None:
    def work(job: Job[None]) -> None:
        raise StyleScopeError("The file is cut.")

    job = ended(Job("work", work))
    assert job.error == "The file is cut." and job.result is None
    assert not caplog.records


def test_any_other_error_is_a_sentence_and_a_traceback_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    job = ended(Job("Opening x.pkl", lambda job: [][1]))
    assert job.error == (
        "Opening x.pkl failed unexpectedly (IndexError: list index out of range); the log has the details."
    )
    assert caplog.records[0].exc_info is not None
