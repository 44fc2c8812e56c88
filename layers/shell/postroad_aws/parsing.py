"""DynamoDB's items through botocore in fewer steps: of each value it asks ten times of which type it is.

An item travels as JSON in the very shape in which botocore hands it over and takes it: {"S": "Ana"}. Only bytes differ,
which travel as base64. So a value that holds none stays as it is; all else of an answer or a request botocore reads and
writes.
"""

from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

from botocore.parsers import JSONParser, ResponseParserFactory
from botocore.serialize import JSONSerializer

# What every value of an item is, in DynamoDB's model.
_VALUE = "AttributeValue"
_PLAIN = frozenset(("S", "N", "BOOL", "NULL", "SS", "NS"))

Value = dict[str, Any]


class ShortParser(JSONParser):
    """Reads answers as `JSONParser` does."""

    def _handle_structure(self, shape: Any, value: Any) -> Any:
        if shape.name == _VALUE and value:
            return _convert(value, b64decode)
        return super()._handle_structure(shape, value)

    def _handle_map(self, shape: Any, value: Any) -> Any:
        if shape.value.name == _VALUE:
            return {name: _convert(each, b64decode) for name, each in value.items()}
        return super()._handle_map(shape, value)


class ShortParsers(ResponseParserFactory):
    """Where botocore gets the parser of each answer from, by protocol."""

    def __init__(self) -> None:
        super().__init__()
        self._json = ShortParser()

    def create_parser(self, protocol_name: str) -> Any:
        return self._json if protocol_name == "json" else super().create_parser(protocol_name)


class ShortSerializer(JSONSerializer):
    """Writes requests as `JSONSerializer` does."""

    def _serialize_type_structure(self, serialized: Any, value: Any, shape: Any, key: Any) -> None:
        if shape.name == _VALUE:
            serialized[key] = _convert(value, _encode)
        else:
            super()._serialize_type_structure(serialized, value, shape, key)

    def _serialize_type_map(self, serialized: Any, value: Any, shape: Any, key: Any) -> None:
        if shape.value.name == _VALUE:
            serialized[key] = {name: _convert(each, _encode) for name, each in value.items()}
        else:
            super()._serialize_type_map(serialized, value, shape, key)


def _encode(data: bytes | str) -> str:
    return b64encode(data.encode() if isinstance(data, str) else data).decode()


def _convert(value: Value, convert: Callable[[Any], Any]) -> Value:
    """The value, with what stands for bytes converted."""
    for kind, held in value.items():
        if kind in _PLAIN:
            continue
        if kind == "B":
            return {kind: convert(held)}
        if kind == "M":
            return {kind: {name: _convert(each, convert) for name, each in held.items()}}
        if kind == "L":
            return {kind: [_convert(each, convert) for each in held]}
        if kind == "BS":
            return {kind: [convert(each) for each in held]}
        raise ValueError(f"DynamoDB has no values of the type {kind!r}.")
    return value
