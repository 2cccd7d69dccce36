"""Each library has one home, and what is pure stays pure. Which package may import which: see .importlinter."""

import sys
from functools import cache
from pathlib import Path

import grimp
import pytest

import distributedjob

HOMES = {
    "alembic": ("store",),
    "sqlalchemy": ("store",),
    "asyncmy": ("store",),
    "aiomysql": ("store",),
    "sqlite3": ("store",),
    "fastapi": ("api.rest",),
    "starlette": ("api.rest",),
    "uvicorn": ("app",),
    "httptools": ("targets",),
    "re2": ("targets",),
    "httpx2": ("cli",),
    "typer": ("cli",),
    "rich": ("cli",),
    "bcrypt": ("access",),
    "jwt": ("access",),
    "prometheus_client": ("telemetry",),
    "structlog": ("telemetry",),
    "logging": ("telemetry",),
    "pydantic": ("api", "config", "neighbours"),
    "pydantic_settings": ("config",),
    "uvloop": ("app",),
    "grpc": ("cluster.etcd",),
    "google": ("cluster.etcd",),
    "confluent_kafka": ("dispatch.kafka",),
    "redis": ("cache",),
    "limits": ("cache",),
}
PURE = ("model", "timing", "rules")
# What the standard library offers to tell the time, to be random, to wait, to log and to reach the outside.
IMPURE = frozenset(
    {"asyncio", "concurrent", "http", "io", "logging", "os", "pathlib", "queue", "secrets", "select", "selectors"}
    | {"shutil", "signal", "socket", "sqlite3", "ssl", "subprocess", "tempfile", "threading", "time", "uuid"}
)
STANDARD_LIBRARY = frozenset(sys.stdlib_module_names)


@cache
def imports() -> dict[str, frozenset[str]]:
    """Every module of ours with the top-level names from outside that it imports."""
    graph = grimp.build_graph("distributedjob", include_external_packages=True, cache_dir=None)
    ours = [module for module in graph.modules if module.split(".")[0] == "distributedjob"]
    return {
        module: frozenset(
            name.split(".")[0]
            for name in graph.find_modules_directly_imported_by(module)
            if not name.startswith("distributedjob")
        )
        for module in ours
    }


def is_inside(module: str, *homes: str) -> bool:
    return any(f"{module}.".startswith(f"distributedjob.{home}.") for home in homes)


@pytest.mark.parametrize("library", sorted(HOMES))
def test_a_library_is_imported_in_its_home_only(library):
    strangers = sorted(
        module for module, names in imports().items() if library in names and not is_inside(module, *HOMES[library])
    )

    assert strangers == []


@pytest.mark.parametrize("package", PURE)
def test_a_pure_package_imports_nothing_third_party(package):
    foreign = {
        module: sorted(names - STANDARD_LIBRARY)
        for module, names in imports().items()
        if is_inside(module, package) and names - STANDARD_LIBRARY
    }

    assert foreign == {}


@pytest.mark.parametrize("package", PURE)
def test_a_pure_package_neither_waits_nor_reads_the_clock_nor_reaches_outside(package):
    impure = {
        module: sorted(names & IMPURE)
        for module, names in imports().items()
        if is_inside(module, package) and names & IMPURE
    }

    assert impure == {}


def test_the_graph_sees_the_libraries_it_guards():
    """Guards the guard: a graph without outside imports would let every test above pass."""
    seen = frozenset().union(*imports().values())

    assert {"sqlalchemy", "dataclasses"} <= seen


def test_every_folder_of_sources_is_a_package():
    """A folder without `__init__.py` would escape the import rules unseen."""
    root = Path(distributedjob.__file__).parent
    folders = {source.parent for source in root.rglob("*.py")}
    data_only = {folder for folder in folders if folder.name == "versions"}

    assert sorted(str(f.relative_to(root)) for f in folders - data_only if not (f / "__init__.py").exists()) == []
