"""Google's GoogleSQL (ZetaSQL, compiled to WebAssembly) as a function from request to response.

The wheel's own client recompiles 28 MB of WebAssembly in every process (15-60 s) and copies
messages byte by byte. Here the native code is cached once per machine and requests travel as bytes.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import tzdata
import wasmtime
from google.protobuf.internal import api_implementation
from zetasql import wasi
from zetasql.core.exceptions import ServerError

# A resolved statement nests as deep as its expressions; protobuf gives up at 100 levels otherwise.
api_implementation._c_module.SetAllowOversizeProtos(True)


class SqlError(Exception):
    """Google's own message about a statement that it does not accept or cannot execute."""


class EngineTrapError(RuntimeError):
    """The instance crashed; it has been replaced and whatever was registered in it is gone."""


def cache_dir() -> Path:
    """Folder of the compiled module: outside the repository, so that clones share it."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "micro_conversions"


@cache
def _compiled() -> tuple[wasmtime.Engine, wasmtime.Module]:
    """The native module, compiled on the first call of a machine and read from the cache after."""
    config = wasmtime.Config()
    config.shared_memory = True
    engine = wasmtime.Engine(config)
    wasm = Path(wasi.get_wasm_path())
    build = f"{version('zetasql')} {version('wasmtime')} {wasm.stat().st_size}"
    cached = cache_dir() / f"zetasql-{hashlib.sha1(build.encode()).hexdigest()[:12]}.cwasm"
    if cached.exists():
        try:
            return engine, wasmtime.Module.deserialize_file(engine, str(cached))
        except wasmtime.WasmtimeError:
            cached.unlink(missing_ok=True)  # written by another processor or a torn write
    module = wasmtime.Module.from_file(engine, str(wasm))
    cached.parent.mkdir(parents=True, exist_ok=True)
    part = cached.with_suffix(f".{os.getpid()}")
    part.write_bytes(module.serialize())
    part.replace(cached)  # atomic: parallel test processes never see half a file
    return engine, module


class Engine:
    """One instance of the module. `generation` grows whenever a crash replaces the instance."""

    def __init__(self) -> None:
        self.generation = 0
        self._instantiate()

    def _instantiate(self) -> None:
        engine, module = _compiled()
        config = wasmtime.WasiConfig()
        config.inherit_stderr()
        zones = Path(tzdata.__file__).parent / "zoneinfo"
        config.preopen_dir(str(zones), "/usr/share/zoneinfo")
        self._store = wasmtime.Store(engine)
        self._store.set_wasi(config)
        linker = wasmtime.Linker(engine)
        linker.define_wasi()
        exports: Any = linker.instantiate(self._store, module).exports(self._store)
        self._exports = exports
        if "_initialize" in exports:
            exports["_initialize"](self._store)
        self.generation += 1

    def call(self, method: str, request: Any, response: type[Any]) -> Any:
        """Send one protobuf request to the local service; SqlError carries Google's message."""
        try:
            reply = self._call(f"ZetaSqlLocalService_{method}", request.SerializeToString())
        except wasmtime.WasmtimeError as error:  # a Trap is one too
            self._instantiate()
            reason = str(error).strip().splitlines()[0]
            raise EngineTrapError(f"the engine crashed in {method}: {reason}") from error
        return response.FromString(reply)

    def _call(self, function: str, data: bytes) -> bytes:
        sent, size = self._run("wasm_malloc", max(len(data), 1)), self._run("wasm_malloc", 4)
        ctypes.memmove(self._address() + sent, data, len(data))
        received = self._run(function, sent, len(data), size)
        if received == 0:
            self._free(sent, size)
            length = self._run("wasm_get_last_error_size")
            text = self._read(self._run("wasm_get_last_error"), length).decode("utf-8", "replace")
            raise SqlError(ServerError.from_error_string(text).message)
        reply = self._read(received, int.from_bytes(self._read(size, 4), "little"))
        self._free(sent, size, received)
        return reply

    def _run(self, export: str, *arguments: int) -> int:
        return int(self._exports[export](self._store, *arguments) or 0)

    def _free(self, *addresses: int) -> None:
        for address in addresses:
            self._exports["wasm_free"](self._store, address)

    def _address(self) -> int:
        """Start of the module's memory: it is a SharedMemory, which offers only a pointer."""
        return ctypes.cast(self._exports["memory"].data_ptr(), ctypes.c_void_p).value or 0

    def _read(self, address: int, length: int) -> bytes:
        return ctypes.string_at(self._address() + address, length)
