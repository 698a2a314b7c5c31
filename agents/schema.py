"""JSON schemas that strict structured output accepts, from pydantic models."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from pydantic import BaseModel

# Endpoints differ in what they take. Lengths of strings are left out on purpose: where they are
# enforced, the sampler cuts a string in mid-word; our own check afterwards asks for a shorter one.
_DROPPED = frozenset({"title", "default", "minLength", "maxLength", "description", "format"})


def strict_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The schema of a model: every property required, none besides them, no cutting of strings."""
    return _object(model.model_json_schema())


def canonical_json(data: object) -> str:
    """JSON with sorted keys and no white space between tokens."""
    return json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def fingerprint(data: object) -> str:
    """First 32 hex digits of the SHA-256 of the canonical JSON."""
    return hashlib.sha256(canonical_json(data).encode()).hexdigest()[:32]


def _object(node: dict[str, Any]) -> dict[str, Any]:
    strict = {key: _clean(value) for key, value in node.items() if key not in _DROPPED}
    for names in ("properties", "$defs"):
        # the keys in here are names of ours, which may read like keywords
        if names in node:
            strict[names] = {name: _clean(value) for name, value in node[names].items()}
    if node.get("type") == "object":
        strict["additionalProperties"] = False
        strict["required"] = list(node.get("properties", {}))
    if "const" in strict:  # an enum of one; fewer endpoints know `const`
        strict["enum"] = [strict.pop("const")]
    return strict


def _clean(value: object) -> Any:
    if isinstance(value, dict):
        return _object(value)
    if isinstance(value, list):
        return [_clean(item) for item in value]
    return value
