"""What systemd, Docker and Compose are handed: as closed as it says, and naming nothing that is not there."""

from __future__ import annotations

import fnmatch
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
DEPLOY = ROOT / "deploy"
UNIT = DEPLOY / "systemd" / "patina.service"
DOCKERFILE = (DEPLOY / "docker" / "Dockerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yml").read_text())
SERVICES = COMPOSE["services"]
# What an operator makes before the first start (docs/operators.md).
MADE = "./data/"
MOST_EXPOSED = 1.5


@pytest.fixture
def systemd() -> str:
    found = shutil.which("systemd-analyze")
    if found is None:
        pytest.skip("systemd-analyze is not installed")
    return found


def test_unit__as_systemd_reads_it__has_no_fault(systemd: str, tmp_path: Path) -> None:
    here = tmp_path / "patina.service"
    # The program is not installed on the machine of the tests; all else is verified as it stands.
    here.write_text(UNIT.read_text().replace("/opt/patina/bin/patina", "/bin/sh"))
    done = subprocess.run([systemd, "verify", str(here)], capture_output=True, text=True, timeout=60, check=False)
    said = [line for line in done.stderr.splitlines() if "patina.service" in line]
    assert said == []


def test_unit__exposure__is_as_low_as_the_page_says(systemd: str) -> None:
    command = [systemd, "security", "--offline=true", "--no-pager", str(UNIT)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    if found is None:
        pytest.skip("this systemd-analyze examines no unit that is not installed")
    assert float(found.group(1)) <= MOST_EXPOSED


def test_unit__password__comes_as_a_credential_and_stands_nowhere() -> None:
    text = UNIT.read_text()
    assert "LoadCredential=password:" in text
    assert re.findall(r"^Environment=(\w+)=(\S+)", text, re.MULTILINE) == [
        ("PATINA_SIGNING_PASSWORD_FILE", "%d/password"),
        ("PATINA_TRANSPORT_PASSWORD_FILE", "%d/password"),
    ]


def test_dockerfile__what_it_copies__is_there_and_let_in() -> None:
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    let_in = {rule[1:] for rule in rules if rule.startswith("!")}
    assert rules[0] == "*"
    copied = {
        source
        for words in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
        for source in words.split()[:-1]
        if source != "."
    }
    assert {name for name in copied | let_in if not (ROOT / name).exists()} == set()
    assert copied <= let_in
    # what the wheel is made of, so that the image is made of it too
    wanted = {"node", "keepers", "pyproject.toml", "README.md", "LICENSE", "contracts/LICENSE", "constraints.txt"}
    assert wanted <= let_in
    assert not any(fnmatch.fnmatch(name, "*test*") for name in let_in)


def test_dockerfile__final_image__runs_as_nobody_in_particular_and_looks_after_itself() -> None:
    final = DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]
    instructions = re.findall(r"^([A-Z]+) (.*)$", final, re.MULTILINE)
    names = [name for name, _ in instructions]
    assert dict(instructions)["USER"] == "patina"
    assert names.index("USER") < names.index("ENTRYPOINT")
    assert "RUN" not in names[names.index("USER") :]
    assert "/livez" in final[final.index("HEALTHCHECK") :]
    assert "ADD" not in names
    assert ":latest" not in DOCKERFILE
    assert "PASSWORD" not in DOCKERFILE.upper()


@pytest.mark.parametrize("name", SERVICES)
def test_compose__every_service__is_closed_and_reached_from_this_machine_alone(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"].startswith("${PATINA_UID")
    assert service["mem_limit"]
    assert [port for port in service.get("ports", []) if not port.startswith("127.0.0.1:")] == []
    assert re.fullmatch(r"patina:latest|[\w/-]+:v?\d+\.\d+\.\d+", service["image"])


def test_compose__what_is_mounted__is_there_or_made_by_the_operator() -> None:
    mounts = [mount.split(":")[0] for service in SERVICES.values() for mount in service.get("volumes", [])]
    mounts += [SERVICES["node"]["build"]["context"], *(secret["file"] for secret in COMPOSE["secrets"].values())]
    assert [place for place in mounts if not place.startswith(MADE) and not (DEPLOY / place).exists()] == []
    assert (ROOT / SERVICES["node"]["build"]["dockerfile"]).is_file()
    assert "/deploy/data/" in (ROOT / ".gitignore").read_text().splitlines()


def test_compose__secrets__are_files_and_stand_in_no_variable() -> None:
    for service in SERVICES.values():
        for variable, value in service.get("environment", {}).items():
            if "PASSWORD" in variable or "TOKEN" in variable:
                assert value.startswith("/run/secrets/")
                assert value.removeprefix("/run/secrets/") in service["secrets"]


def test_compose__broker__runs_the_example_as_the_tests_run_it() -> None:
    """Every path that the example names is mounted, so no copy of it can differ."""
    example = (ROOT / "examples" / "mosquitto" / "mosquitto.conf").read_text()
    named = set(re.findall(r"^\w*file (/\S+)$", example, re.MULTILINE))
    mounted = {mount.split(":")[1] for mount in SERVICES["mosquitto"]["volumes"]}
    assert len(named) == 5
    assert named <= mounted


def test_compose__monitoring__reaches_what_its_files_name() -> None:
    sources = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/prometheus.yml").read_text())
    assert sources["datasources"][0]["url"] == "http://prometheus:9090"
    assert {name for name, service in SERVICES.items() if "monitoring" in service.get("networks", [])} == {
        "node", "prometheus", "grafana",
    }  # fmt: skip
    [named] = [word for word in SERVICES["prometheus"]["command"] if word.startswith("--config.file=")]
    asked = yaml.safe_load((DEPLOY / "prometheus" / Path(named).name).read_text())
    assert asked["scrape_configs"][0]["static_configs"][0]["targets"] == ["node:9464"]
    page = (ROOT / "docs" / "operators.md").read_text()
    assert "metrics_port = 9464" in page
    assert 'metrics_host = "0.0.0.0"' in page
    alone = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    assert alone["rule_files"] == asked["rule_files"]
    assert alone["scrape_configs"][0]["static_configs"][0]["targets"] == ["127.0.0.1:8080"]


def test_compose__networks__none_is_borrowed() -> None:
    """A container in another's network is cut off for good when that other one is started anew."""
    assert [name for name, service in SERVICES.items() if "network_mode" in service] == []


def test_dockerfile__build__needs_no_registry_but_for_its_base_and_no_step_that_others_files_can_fail() -> None:
    assert "# syntax=" not in DOCKERFILE  # a frontend is fetched by that name and not pinned; the built-in one does
    assert "compileall" not in DOCKERFILE  # torch ships files for newer Pythons than the one that runs; pip compiles


def test_nginx__example__is_what_debians_own_reads() -> None:
    """Debian 12 has 1.22, in which `http2 on` is an unknown directive, and under HTTP/2 requests are connections."""
    example = (ROOT / "examples" / "proxy" / "nginx.conf").read_text()
    directives = [line.strip() for line in example.splitlines() if not line.strip().startswith("#")]
    assert "listen 443 ssl http2;" in directives
    assert not any(line.startswith("http2 ") for line in directives)
    [connections] = re.findall(r"limit_conn patina_connections (\d+);", example)
    assert int(connections) >= 128, "a browser asks for up to 100 pictures at once"
