"""The filters of the role container_deploy, as templates use them."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.homelab.pve.plugins.filter import deployment_plan, service_env_files, systemd_services

FILE = {"services": {"web": {"command": "run", "env_file": ["b", "a"]}, "job": {"command": "go", "env_file": "a"}}}
BAD = {"services": {"web": {"image": "x", "command": "run"}}}
REFUSED = r"\n- services.web.image: not supported; a container of Proxmox VE is no image: .*"


def test_files_that_are_named() -> None:
    assert service_env_files.FilterModule().filters()["service_env_files"](FILE) == ["a", "b"]
    with pytest.raises(AnsibleFilterError, match="^The service file can't be used:" + REFUSED):
        service_env_files.service_env_files(BAD)


def test_a_plan_for_a_service_file() -> None:
    translate = systemd_services.FilterModule().filters()["systemd_services"]
    work_out = deployment_plan.FilterModule().filters()["deployment_plan"]
    want = translate(FILE, app="shop", directory="/opt/shop", files={"a": "A=1", "b": ""})
    found = {"release": "", "releases": [], "units": {}, "environments": {}, "started": {}}
    assert work_out(want, found=found, release="f", app="shop")["restart"] == ["shop-job.service", "shop-web.service"]
    taken = {**found, "units": {"shop-web.service": {"owner": "", "text": "", "active": "active", "enabled": True}}}
    with pytest.raises(AnsibleFilterError, match=r"^The unit shop-web\.service is there already"):
        work_out(want, found=taken, release="f", app="shop")


def test_a_refused_service_file() -> None:
    with pytest.raises(AnsibleFilterError, match="^The services of shop can't be deployed:" + REFUSED):
        systemd_services.systemd_services(BAD, app="shop", directory="/opt/shop")
