"""Check infra/ like `make test`, but with the real google provider: ``python -m infra.offline.verify``.

For machines with access to Terraform's registry. The provider itself then also checks values: enums, forms of
names, mutually exclusive attributes.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

from infra import bundle
from infra.offline.build import ROOT
from infra.offline.setup import missing_terraform
from infra.offline.terraform import Terraform

_ENVIRONMENTS = ("dev", "staging", "prod")


def main() -> None:
    if fault := missing_terraform():
        sys.exit(fault)
    terraform = Terraform(
        {name: value for name, value in os.environ.items() if not name.startswith("TF_VAR_")}
    )
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "infra"
        ignored = shutil.ignore_patterns("local", "__pycache__", ".terraform*")
        shutil.copytree(ROOT / "infra", folder, ignore=ignored)
        for function in bundle.functions():
            bundle.write(function, folder.parent / "dist")
        commands = [
            ("init", "-backend=false", "-input=false", "-no-color"),
            ("validate", "-no-color"),
            *(("test", "-no-color", f"-var-file=environments/{name}.tfvars") for name in _ENVIRONMENTS),
        ]
        for command in commands:
            answer = terraform.run(folder, *command)
            sys.stdout.write(f"terraform {' '.join(command)}\n{answer.text}\n")
            if answer.status != 0:
                sys.exit(f"terraform {command[0]} failed; `make test` does the same without a registry")


if __name__ == "__main__":
    main()
