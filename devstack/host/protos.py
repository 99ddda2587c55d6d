"""The messages between host and worker, as plain objects.

Azure's host and worker speak protobuf over gRPC; the worker library takes the message classes as a namespace
(`protos`). In one process no bytes are needed: these classes have the attributes that the library reads.
"""

from __future__ import annotations

from typing import Any


class Message:
    """Fields as given; a field that was not set reads as None, as an unset protobuf message does."""

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return None


class TypedData:
    """One value of one kind: http, string, bytes, json, int or double."""

    __slots__ = ("kind", "value")

    def __init__(self, **field: Any) -> None:
        [(self.kind, self.value)] = field.items()

    def WhichOneof(self, _: str) -> str:
        """The kind that is set."""
        return self.kind

    def __getattr__(self, name: str) -> Any:
        # the library asks for `.TypedData` first and takes the AttributeError for "this is one"
        if name == self.kind:
            return self.value
        raise AttributeError(name)


class ParameterBinding(Message):
    """A named value that goes into a function, or comes out of one."""

    def WhichOneof(self, _: str) -> str:
        """Always by value: shared memory is not used."""
        return "data"


class StatusResult(Message):
    """How an invocation ended."""

    Failure = 0
    Success = 1
    Cancelled = 2


class BindingInfo(Message):
    """A binding's type and direction."""

    out = 1
    inout = 2
    undefined = 0


class RpcHttpCookie(Message):
    """A Set-Cookie header in parts."""

    class SameSite:
        """The values of the attribute SameSite; `None` (not set) is added below: it is a keyword here."""

        Lax = 1
        Strict = 2
        ExplicitNone = 3


setattr(RpcHttpCookie.SameSite, "None", 0)


class RpcHttp(Message):
    """An HTTP request or response."""


class RpcException(Message):
    """An exception's text and stack trace."""


class Protos:
    """The namespace: the classes above, and a plain message for everything that is only carried."""

    BindingInfo = BindingInfo
    ParameterBinding = ParameterBinding
    RpcException = RpcException
    RpcHttp = RpcHttp
    RpcHttpCookie = RpcHttpCookie
    StatusResult = StatusResult
    TypedData = TypedData

    def __getattr__(self, name: str) -> type[Message]:
        if name.startswith("__"):
            raise AttributeError(name)
        return Message


PROTOS = Protos()
