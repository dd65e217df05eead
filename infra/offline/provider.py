"""A stand-in for Terraform's google provider that knows only its schema.

Terraform connects to it by TF_REATTACH_PROVIDERS, like to a provider under a debugger: no registry, no
download. It supports `init`, `validate` and `test` with mocks; a real plan gets an error that says so.
"""

import json
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc

ADDRESS = "hashicorp/google"
_LOOPBACK = "127.0.0.1"
# The schema is one message; gRPC's default limit is 4 MiB, Terraform's own 256 MiB.
_LARGEST_MESSAGE = 256 << 20
_NESTING = {"single": 1, "list": 2, "set": 3, "map": 4}

_messages, _services = grpc.protos_and_services("infra/offline/plugin.proto")


_Servicer: Any = _services.ProviderServicer  # made at run time


class _Provider(_Servicer):  # type: ignore[misc]  # so its type is unknown
    def __init__(self, schemas: Mapping[str, Any]) -> None:
        self._schema = _messages.GetProviderSchema.Response(
            provider=_schema(schemas["provider"]),
            resource_schemas={name: _schema(one) for name, one in schemas["resource_schemas"].items()},
            data_source_schemas={name: _schema(one) for name, one in schemas["data_source_schemas"].items()},
        )

    def GetSchema(self, _request: Any, _context: Any) -> Any:  # noqa: N802 - the protocol's name, as below
        return self._schema

    def PrepareProviderConfig(self, request: Any, _context: Any) -> Any:  # noqa: N802
        return _messages.PrepareProviderConfig.Response(prepared_config=request.config)

    def ValidateResourceTypeConfig(self, _request: Any, _context: Any) -> Any:  # noqa: N802
        # Terraform itself has checked the configuration against the schema by now.
        return _messages.Validate.Response()

    def ValidateDataSourceConfig(self, _request: Any, _context: Any) -> Any:  # noqa: N802
        return _messages.Validate.Response()

    def Configure(self, _request: Any, _context: Any) -> Any:  # noqa: N802
        return _messages.Configure.Response()

    def Stop(self, _request: Any, _context: Any) -> Any:  # noqa: N802
        return _messages.Stop.Response()


@contextmanager
def serve(schemas: Mapping[str, Any]) -> Iterator[str]:
    """Serve the schemas on the loopback interface; yield the value for TF_REATTACH_PROVIDERS."""
    server = grpc.server(ThreadPoolExecutor(), options=[("grpc.max_send_message_length", _LARGEST_MESSAGE)])
    _services.add_ProviderServicer_to_server(_Provider(schemas), server)
    port = server.add_insecure_port(f"{_LOOPBACK}:0")
    server.start()
    attached = {
        "Protocol": "grpc",
        "ProtocolVersion": 5,
        "Pid": os.getpid(),
        "Test": True,
        "Addr": {"Network": "tcp", "String": f"{_LOOPBACK}:{port}"},
    }
    try:
        yield json.dumps({ADDRESS: attached})
    finally:
        server.stop(grace=None).wait()


def _schema(schema: Mapping[str, Any]) -> Any:
    return _messages.Schema(version=schema["version"], block=_block(schema["block"]))


def _block(block: Mapping[str, Any]) -> Any:
    attributes = [
        _messages.Schema.Attribute(
            name=name,
            type=json.dumps(attribute["type"]).encode(),
            **{word: True for word in ("required", "optional", "computed") if attribute.get(word)},
        )
        for name, attribute in block["attributes"].items()
    ]
    nested = [
        _messages.Schema.NestedBlock(
            type_name=name,
            block=_block(inner["block"]),
            nesting=_NESTING[inner["nesting_mode"]],
            min_items=inner.get("min_items", 0),
            max_items=inner.get("max_items", 0),
        )
        for name, inner in block["block_types"].items()
    ]
    return _messages.Schema.Block(attributes=attributes, block_types=nested)
