"""What the double says no to: sign-in, permissions, locks, throttling, and faults that a test asks for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceNotFoundError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.core.pipeline.policies import BearerTokenCredentialPolicy, SansIOHTTPPolicy
from azure.identity import DefaultAzureCredential
from azure.mgmt.compute import ComputeManagementClient, models
from azure.storage.blob import BlobClient
from azure_double import SIZE, compute, disk_file

from bootmend.clouds.azure.simulate.clock import Clock
from bootmend.clouds.azure.simulate.double import Double
from bootmend.clouds.azure.simulate.faults import Fault, no_capacity, no_quota
from bootmend.clouds.azure.simulate.signin import FakeCredential
from bootmend.clouds.azure.simulate.throttle import Bucket, Limits

DISK = "web1_OsDisk_1"


@pytest.fixture
def double(tmp_path: Path) -> Iterator[Double]:
    with Double() as one:
        one.add_vm("web1", disk=disk_file(tmp_path / "disk.vhd"), running=False)
        yield one


@pytest.fixture
def client(double: Double) -> Any:
    return compute(double)


def once(double: Double) -> Any:
    """A client that tries each call but once."""
    return ComputeManagementClient(
        FakeCredential(),
        double.subscription,
        base_url=double.url,
        authentication_policy=SansIOHTTPPolicy(),
        retry_total=0,
    )


def code_of(refused: Any) -> str:
    assert refused.value.error is not None
    return str(refused.value.error.code)


def snapshot(client: Any, name: str = "one") -> Any:
    source = client.disks.get("lab", DISK).id
    creation = models.CreationData(create_option="Copy", source_resource_id=source)
    wanted = models.Snapshot(location="westeurope", properties=models.SnapshotProperties(creation_data=creation))
    return client.snapshots.begin_create_or_update("lab", name, wanted).result()


def test_the_real_credential_signs_in(double: Double) -> None:
    double.world.settings["token required"] = True
    with patch.dict(os.environ, double.identity):
        credential = DefaultAzureCredential()
        policy = BearerTokenCredentialPolicy(credential, "https://management.azure.com/.default")
        policy.on_request = _without_https(policy)  # type: ignore[method-assign]
        with_token = ComputeManagementClient(
            credential, double.subscription, base_url=double.url, authentication_policy=policy
        )
        assert with_token.virtual_machines.get("lab", "web1").name == "web1"
    with pytest.raises(ClientAuthenticationError):
        compute(double).virtual_machines.get("lab", "web1")


def _without_https(policy: Any) -> Any:
    """azure-core sends no token over plain http; on localhost it may."""

    def on_request(request: Any) -> None:
        token = policy._credential.get_token(*policy._scopes).token
        request.http_request.headers["Authorization"] = f"Bearer {token}"

    return on_request


@pytest.mark.parametrize(
    ("token", "code"),
    [("simulated.1.x", "ExpiredAuthenticationToken"), ("other", "InvalidAuthenticationToken")],
)
def test_a_token_that_is_none_or_no_longer_one(double: Double, token: str, code: str) -> None:
    with pytest.raises(ClientAuthenticationError) as refused:
        compute(double).virtual_machines.get("lab", "web1", headers={"Authorization": f"Bearer {token}"})
    assert code_of(refused) == code


def test_a_role_without_an_action(double: Double, client: Any) -> None:
    double.allow_only(["Microsoft.Compute/*/read", "Microsoft.Compute/snapshots/write"])
    with pytest.raises(HttpResponseError) as refused:
        client.virtual_machines.begin_start("lab", "web1")
    assert (refused.value.status_code, code_of(refused)) == (403, "AuthorizationFailed")
    assert "Microsoft.Compute/virtualMachines/start/action" in str(refused.value)
    with pytest.raises(HttpResponseError) as linked:
        snapshot(client)
    assert code_of(linked) == "LinkedAuthorizationFailed"
    double.allow_only(["Microsoft.Compute/*/read", "Microsoft.Compute/snapshots/write", "*/beginGetAccess/action"])
    assert snapshot(client).name == "one"
    made = next(
        seen for seen in double.calls if seen.action == "Microsoft.Compute/snapshots/write" and seen.status == 202
    )
    assert made.linked == ["Microsoft.Compute/disks/beginGetAccess/action"]


def test_locks(double: Double, client: Any) -> None:
    snapshot(client)
    double.lock(f"/subscriptions/{double.subscription}/resourceGroups/lab")
    with pytest.raises(HttpResponseError) as refused:
        client.snapshots.begin_delete("lab", "one")
    assert (refused.value.status_code, code_of(refused)) == (409, "ScopeLocked")
    client.virtual_machines.begin_start("lab", "web1").result()
    double.lock(double.vm("web1").id, "ReadOnly", "still")
    with pytest.raises(HttpResponseError, match="cannot perform write operation"):
        client.virtual_machines.begin_deallocate("lab", "web1")


def test_names_that_are_not_there(double: Double, client: Any) -> None:
    for group, name, code in (("lab", "none", "ResourceNotFound"), ("none", "web1", "ResourceGroupNotFound")):
        with pytest.raises(ResourceNotFoundError) as refused:
            client.virtual_machines.get(group, name)
        assert code_of(refused) == code
    other = ComputeManagementClient(
        FakeCredential(), "no-such", base_url=double.url, authentication_policy=SansIOHTTPPolicy()
    )
    with pytest.raises(ResourceNotFoundError, match="no-such"):
        other.virtual_machines.get("lab", "web1")


def test_the_bucket_of_the_document() -> None:
    """The worked example of https://learn.microsoft.com/azure/virtual-machines/compute-throttling-limits ."""
    bucket = Bucket("UpdateVM", refill=4, capacity=12, level=12, window=0)
    left, throttled = [], []
    for minute, asked in enumerate((0, 8, 0, 13, 5, 0)):
        bucket.settle(minute * 60)
        let = min(asked, int(bucket.level))
        throttled.append(asked - let)
        bucket.level -= let
        left.append(bucket.level)
    assert throttled == [0, 0, 0, 1, 1, 0]
    assert left == [12, 4, 8, 0, 0, 4]


def test_a_machine_asked_too_often_is_throttled_and_the_sdk_waits(tmp_path: Path) -> None:
    with Double(pace=30, limits=Limits(burst=1)) as double:
        double.add_vm("web1", disk=disk_file(tmp_path / "disk.vhd"))
        client = once(double)
        with pytest.raises(HttpResponseError) as refused:
            for _ in range(1000):  # more than a minute's worth, however slow this computer is
                client.virtual_machines.get("lab", "web1", raw_response_hook=_remaining)
        assert refused.value.status_code == 429
        before = double.throttle.refused
        while double.throttle.refused == before:
            assert compute(double).virtual_machines.get("lab", "web1").name == "web1"


def _remaining(response: Any) -> None:
    left = response.http_response.headers.get("x-ms-ratelimit-remaining-resource", "")
    assert left.startswith("Microsoft.Compute/GetVM") or response.http_response.status_code == 429


def test_whole_seconds_are_sent_where_time_goes_as_it_does() -> None:
    assert Clock(1).pause(17.2) == {"Retry-After": "17"}
    assert Clock(1000).pause(17.2) == {"x-ms-retry-after-ms": "17"}


def test_a_call_that_is_dropped_after_its_effect(double: Double) -> None:
    double.faults.add(Fault(action="Microsoft.Compute/virtualMachines/deallocate/action", do="drop after"))
    double.faults.add(Fault(action="Microsoft.Compute/virtualMachines/start/action", do="drop before"))
    client = once(double)
    with pytest.raises((ServiceResponseError, ServiceRequestError)):
        client.virtual_machines.begin_start("lab", "web1")
    assert double.vm("web1").power == "deallocated"
    client.virtual_machines.begin_start("lab", "web1").result()
    with pytest.raises((ServiceResponseError, ServiceRequestError)):
        client.virtual_machines.begin_deallocate("lab", "web1")
    double.skip(100)
    assert double.vm("web1").power == "deallocated"


def test_no_room_and_no_quota(double: Double, client: Any) -> None:
    double.faults.add(no_capacity())
    double.faults.add(no_quota())
    with pytest.raises(HttpResponseError, match="AllocationFailed"):
        client.virtual_machines.begin_start("lab", "web1").result()
    assert double.vm("web1").power == "deallocated"
    with pytest.raises(HttpResponseError, match="quota"):
        client.virtual_machines.begin_create_or_update("lab", "web1", client.virtual_machines.get("lab", "web1"))
    client.virtual_machines.begin_start("lab", "web1").result()
    assert double.vm("web1").power == "running"


def test_a_link_ends(double: Double, client: Any) -> None:
    grant = models.GrantAccessData(access="Read", duration_in_seconds=600)
    blob: Any = BlobClient.from_blob_url(client.disks.begin_grant_access("lab", DISK, grant).result().access_sas)
    assert blob.get_blob_properties().size == SIZE + 512
    assert [name for name in double.leaks() if name.startswith("links/")]
    double.expire_shares()
    with pytest.raises(ClientAuthenticationError):
        blob.get_blob_properties()
    assert double.leaks() == []


def test_a_blob_is_written_on_conditions_and_in_whole_pages(client: Any) -> None:
    creation = models.CreationData(create_option="Upload", upload_size_bytes=SIZE + 512)
    wanted = models.Disk(location="westeurope", properties=models.DiskProperties(creation_data=creation))
    client.disks.begin_create_or_update("lab", "new", wanted).result()
    grant = models.GrantAccessData(access="Write", duration_in_seconds=600)
    blob: Any = BlobClient.from_blob_url(client.disks.begin_grant_access("lab", "new", grant).result().access_sas)
    first = blob.upload_page(b"x" * 512, 0, 512)["etag"]
    blob.upload_page(b"y" * 512, 512, 512)
    with pytest.raises(HttpResponseError, match="ConditionNotMet"):
        blob.upload_page(b"z" * 512, 0, 512, etag=first, match_condition=_unchanged())
    assert next(iter(blob.list_page_ranges())).end == 4095  # a page of the file system below
    blob.clear_page(0, 4096)
    assert [(one.start, one.end) for one in blob.list_page_ranges()] == [(SIZE, SIZE + 511)]
    with pytest.raises(HttpResponseError, match="InvalidVhd"):
        client.disks.begin_revoke_access("lab", "new").result()


def test_an_incremental_snapshot_is_no_source_of_a_copy(client: Any) -> None:
    snapshots = [snapshot(client, "full")]
    source = client.disks.get("lab", DISK).id
    creation = models.CreationData(create_option="Copy", source_resource_id=source)
    settings = models.SnapshotProperties(creation_data=creation, incremental=True)
    wanted = models.Snapshot(location="westeurope", properties=settings)
    snapshots.append(client.snapshots.begin_create_or_update("lab", "incremental", wanted).result())
    upload = models.CreationData(create_option="Upload", upload_size_bytes=SIZE + 512)
    disk = models.Disk(location="westeurope", properties=models.DiskProperties(creation_data=upload))
    client.disks.begin_create_or_update("lab", "new", disk).result()
    write = models.GrantAccessData(access="Write", duration_in_seconds=600)
    read = models.GrantAccessData(access="Read", duration_in_seconds=600)
    target: Any = BlobClient.from_blob_url(client.disks.begin_grant_access("lab", "new", write).result().access_sas)
    full, incremental = (
        client.snapshots.begin_grant_access("lab", one.name, read).result().access_sas for one in snapshots
    )
    target.upload_pages_from_url(full, 0, 4096, 0)
    with pytest.raises(HttpResponseError, match="CopySourceCannotBeIncrementalCopyBlob"):
        target.upload_pages_from_url(incremental, 0, 4096, 0)


def _unchanged() -> Any:
    from azure.core import MatchConditions

    return MatchConditions.IfNotModified
