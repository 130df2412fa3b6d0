"""The JSON Schema of the messages, with what the source says of each field."""

from enum import Enum
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from efi.field_docs import field_docs, member_docs
from efi.messages import MESSAGE, MESSAGE_CLASSES

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class DocumentedSchema(GenerateJsonSchema):
    """Pydantic's schema, with each field's and each choice's docstring as its description."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """The schema of a model, its fields described."""
        described = super().model_schema(schema)
        model = schema["cls"]
        if issubclass(model, BaseModel):
            docs = field_docs(model)
            for name, told in described.get("properties", {}).items():
                if name in docs:
                    told.setdefault("description", docs[name])
        return described

    def enum_schema(self, schema: core_schema.EnumSchema) -> JsonSchemaValue:
        """The schema of an enumeration, noted so that its members can be described when all is put together."""
        described = super().enum_schema(schema)
        self._choices[str(described.get("title"))] = schema["cls"]
        return described

    def generate(self, schema: CoreSchema, mode: JsonSchemaMode = "validation") -> JsonSchemaValue:
        """The whole schema, its enumerations described one member a line."""
        self._choices: dict[str, type[Enum]] = {}
        whole = super().generate(schema, mode)
        for told in whole.get("$defs", {}).values():
            choice = self._choices.get(str(told.get("title"))) if "enum" in told else None
            if choice is not None:
                lines = (f"`{value}`: {doc}" for value, doc in member_docs(choice).items())
                told["description"] = "\n".join((told.get("description", ""), *lines)).strip()
        return whole


def message_schema(message_type: str | None = None) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of one type of message, or of any message; KeyError for a type that is none."""
    if message_type is None:
        adapter: TypeAdapter[Any] = MESSAGE
        title = "Message of the Energy Flexibility Interface"
    else:
        adapter = TypeAdapter(MESSAGE_CLASSES[message_type])
        title = MESSAGE_CLASSES[message_type].__name__
    schema = adapter.json_schema(schema_generator=DocumentedSchema)
    return {"$schema": DIALECT, "title": title, **{name: told for name, told in schema.items() if name != "title"}}
