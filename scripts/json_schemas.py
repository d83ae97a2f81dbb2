#!/usr/bin/env python3
"""Writes docs/schemas/COMMAND.json: what `aforo COMMAND --json` prints, as JSON Schema, learned from examples.

Usage: scripts/json_schemas.py AFORO FOLDER
FOLDER holds one file an example, COMMAND.N.json, as the commands of tests/cli/schema_test.cpp printed them. Keys that are in every
example are required, others may be missing; nothing else may be there. Maps whose keys are names (of roles, reasons, parts) are told
apart by MAPS. Look at the difference before you commit it: a key that vanished breaks somebody's script.
"""

import json
import pathlib
import sys

MAPS = {"at_peak_bytes", "peak_by_phase_bytes", "not_predictable", "time_by_part_s", "by_part_bytes", "rivals", "kept_bytes",
        "at_peak_bytes_by_role", "peak_dense", "peak_dense_per_s", "parameters", "time_by_part", "memory_by_part"}


def kind(value):
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    return {str: "string", list: "array", dict: "object"}[type(value)]


def learn(values, name=""):
    kinds = sorted({kind(value) for value in values})
    schema = {"type": kinds[0] if len(kinds) == 1 else kinds} if kinds else {}
    objects = [value for value in values if isinstance(value, dict)]
    if objects:
        keys = sorted({key for value in objects for key in value})
        if name in MAPS and keys:
            schema["additionalProperties"] = learn([value[key] for value in objects for key in value])
        else:
            schema["properties"] = {key: learn([v[key] for v in objects if key in v], key) for key in keys}
            schema["required"] = [key for key in keys if all(key in value for value in objects)]
            schema["additionalProperties"] = False
    items = [item for value in values if isinstance(value, list) for item in value]
    if items:
        schema["items"] = learn(items)
    return schema


def main():
    aforo, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    out = pathlib.Path(__file__).resolve().parent.parent / "docs" / "schemas"
    examples = {}
    for path in sorted(folder.glob("*.*.json")):
        examples.setdefault(path.name.split(".")[0], []).append(json.loads(path.read_text()))
    for command, values in examples.items():
        schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": f"aforo {command} --json", **learn(values)}
        schema["properties"]["schema_version"] = {"const": 1}
        (out / f"{command}.json").write_text(json.dumps(schema, indent=1) + "\n")
        print(f"{command}: {len(values)} examples")


if __name__ == "__main__":
    main()
