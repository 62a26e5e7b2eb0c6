"""The workflow with its files in a bucket; no Kubernetes is asked, for only a plan is made."""

import pytest
from workflow_for_tests import ENVIRONMENT, snakemake

pytestmark = pytest.mark.slow

KEYS = ("key", "secret")
INPUTS = ("data/library.csv", "config/model_1.yaml", "config/model_2.yaml")


@pytest.fixture
def bucket(monkeypatch):
    """The address of a server on loopback with the bucket that the profile names; a function that uploads."""
    import boto3
    from moto.server import ThreadedMotoServer

    for name, value in zip(("ACCESS_KEY", "SECRET_KEY"), KEYS, strict=True):
        monkeypatch.setitem(ENVIRONMENT, f"SNAKEMAKE_STORAGE_S3_{name}", value)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    client = boto3.client("s3", "us-east-1", None, True, None, address, *KEYS)
    client.create_bucket(Bucket="my-bucket")
    yield address, lambda path, name: client.upload_file(str(path), "my-bucket", f"servier/{name}")
    server.stop()


def test_kubernetes_profile_plans_the_workflow(bucket, fresh):
    """With the inputs in the bucket all is planned, in the bucket; without them it says what is missing."""
    address, upload = bucket
    profile = ["--workflow-profile", "workflow/profiles/kubernetes", "--storage-s3-endpoint-url", address]
    assert "Missing input files" in snakemake(fresh, "--dry-run", *profile, status=1)
    for name in INPUTS:
        upload(fresh / ".test" / name, name)
    said = snakemake(fresh, "--dry-run", *profile)
    assert "s3://my-bucket/servier/results/predictions/library.model_consensus.csv (send to storage)" in said
    assert "predict                  6" in said
