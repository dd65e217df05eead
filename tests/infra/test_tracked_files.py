"""The repository holds sources only."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_no_tracked_file_is_a_build_product() -> None:
    """A tracked marker of Maven made every fresh clone skip the download that it marks."""
    if not (ROOT / ".git").exists():
        pytest.skip("this copy of the sources is not a git checkout")
    command = ["git", "ls-files", "--cached", "--ignored", "--exclude-standard"]
    ignored = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert not ignored, "these files are tracked although .gitignore names them: git rm --cached"
