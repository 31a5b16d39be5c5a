"""One cluster for all tests, and a run that nothing cuts."""

from __future__ import annotations

import pytest
from support.dry_cluster import WORDS, Cluster, lay_out_cluster


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    return lay_out_cluster(tmp_path_factory.mktemp("cluster"), tmp_path_factory.mktemp("drills"))


@pytest.fixture(scope="session")
def whole(cluster: Cluster) -> str:
    """The name of a run of two processes that nothing cut, started by torchrun."""
    status, printed = cluster.start("bash", "launch/torchrun.sh", *WORDS, RUN_NAME="whole")
    assert status == 0, printed[-4000:]
    return "whole"
