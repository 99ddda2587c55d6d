"""Runs in the clean environment: start the package as Azure's worker does, and say in JSON what was found.

python package_probe.py <package folder> <worker folder>
"""

from __future__ import annotations

import asyncio
import importlib
import json
import pkgutil
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any


async def start(package: str, worker: str) -> dict[str, Any]:
    """Index the app; then import every module of it, so that nothing is missing that is needed later only."""
    sys.path.insert(0, worker)
    import azure_functions_runtime as runtime
    from worker_protos import PROTOS  # type: ignore[import-not-found]

    sys.path.insert(0, package)
    begun = time.perf_counter()
    import function_app  # noqa: F401

    import_s = time.perf_counter() - begun

    def message(**fields: Any) -> Any:
        return SimpleNamespace(
            request=SimpleNamespace(**fields), properties={"host": "127.0.0.1", "protos": PROTOS}
        )

    runtime.start_threadpool_executor()
    wish = SimpleNamespace(capabilities={}, function_app_directory=package)
    answer = await runtime.worker_init_request(message(worker_init_request=wish))
    metadata = (await runtime.functions_metadata_request(message())).function_metadata_results or []
    heavy = sorted({"spacy", "presidio_analyzer"} & sys.modules.keys())
    modules = []
    for room in ("functions", "shared"):
        for found in pkgutil.walk_packages([str(Path(package) / room)], f"{room}."):
            importlib.import_module(found.name)
            modules.append(found.name)
    return {
        "status": answer.result.status,
        "functions": sorted(function.name for function in metadata),
        "import_s": import_s,
        "heavy_at_import": heavy,
        "modules": modules,
        "places": sorted(
            {str(Path(m.__file__ or "")) for n, m in sys.modules.items() if n.split(".")[0] == "shared"}
        ),
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(start(sys.argv[1], sys.argv[2]))))
