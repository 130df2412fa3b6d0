"""Importing the interface stays cheap: every plugin's process and every command pays for it."""

import subprocess
import sys

PROGRAM = """
import sys
import efi.messages
from efi.storage import StorageStateUpdate
print(efi.messages.MESSAGE.pydantic_complete, StorageStateUpdate.__pydantic_complete__)
print(*sorted(name for name in sys.modules if name.split(".")[0] == "efi"))
print(*sorted({"argparse", "ast", "efi.schema", "efi.errors", "efi.session", "jsonschema"} & sys.modules.keys()))
efi.messages.build_messages()
print(efi.messages.MESSAGE.pydantic_complete, StorageStateUpdate.__pydantic_complete__)
"""


def test_nothing_is_built_before_it_is_used_and_all_can_be_built_at_once() -> None:
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=60)
    built_before, modules, needless, built_after = ran.stdout.split("\n")[:4]
    assert built_before == "False False"
    assert needless.replace("ast", "").strip() == "", needless
    assert built_after == "True True"
    assert "efi.control_space" not in modules
