"""lightgen merge: three files or three folders; a merge driver of git."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest
from support.command import Lightgen
from support.editing import disk, git

BASE = "import os\n\n\ndef f():\n    return 1\n"
YOURS = "import os\nimport sys\n\n\ndef f():\n    return 1\n"
NEW = "import os\nimport re\n\n\ndef f():\n    return 2\n"
SIDES = {"base": BASE, "yours": YOURS, "new": NEW}
FILES = ("base.py", "yours.py", "new.py")


@pytest.fixture
def files(lightgen: Lightgen) -> Lightgen:
    for name, text in SIDES.items():
        lightgen.write(f"{name}.py", text)
    return lightgen


def test_files_are_merged_by_structure(files: Lightgen) -> None:
    outcome = files.done("merge", *FILES, "-o", "out.py")
    assert outcome.out == "merged         yours.py\n1 merged\n"
    text = (files.folder / "out.py").read_text()
    assert all(line in text for line in ("import re\n", "import sys\n", "return 2\n"))
    again = files.done("merge", *FILES, "-o", "yours.py", "--json")
    assert (files.folder / "yours.py").read_text() == text
    assert again.json == {
        "exit_code": 0,
        "files": [
            {
                "path": "yours.py",
                "kind": "merged",
                "conflicts": [],
                "notes": [],
                "moved_from": "",
                "beside": "",
            }
        ],
        "problems": [],
        "path": "yours.py",
    }


def test_a_conflict_is_marked(files: Lightgen) -> None:
    files.write("yours.py", BASE.replace("1", "3"))
    outcome = files("merge", *FILES, "-o", "out.py")
    assert outcome.code == 1
    text = (files.folder / "out.py").read_text()
    line = text.split("\n").index("<<<<<<< yours") + 1
    assert outcome.out.startswith(f"conflict       yours.py\n    line {line}: ")
    assert ">>>>>>> new\n" in text


def test_a_name_says_what_the_files_hold(files: Lightgen) -> None:
    sides = [files.write(f".merge_{name}", text).name for name, text in SIDES.items()]
    assert files("merge", *sides, "-o", "lines").code == 1
    files.done("merge", *sides, "-o", "structure", "--path", "src/x.py")
    files.done("merge", *sides, "-o", "structure.py")


def test_binary_files_are_yours(files: Lightgen) -> None:
    for name in SIDES:
        files.write(f"{name}.py", b"\0" + name.encode())
    outcome = files("merge", *FILES, "-o", "out.py")
    assert outcome.code == 1
    what = "both sides changed a file that is no text: the result is yours"
    assert outcome.out == f"conflict       yours.py\n    {what}\n1 conflict\n"
    assert (files.folder / "out.py").read_bytes() == b"\0yours"


def test_sides_that_are_alike(files: Lightgen) -> None:
    words = ("merge", "base.py", "yours.py", "yours.py", "-o", "out.py")
    files.done(*words)
    assert (files.folder / "out.py").read_text() == YOURS
    assert files.done("merge", "base.py", "base.py", "base.py", "-o", "out.py").out == (
        "nothing to merge: the new side changed nothing\n"
    )


def test_executable_bits_are_kept(files: Lightgen) -> None:
    (files.folder / "new.py").chmod(0o755)
    files.done("merge", *FILES, "-o", "out.py")
    assert (files.folder / "out.py").stat().st_mode & 0o100
    (files.folder / "new.py").chmod(0o644)
    (files.folder / "yours.py").chmod(0o700)
    files.done("merge", *FILES, "-o", "yours.py")
    assert (files.folder / "yours.py").stat().st_mode & 0o777 == 0o700
    (files.folder / "yours.py").chmod(0o640)
    files.done("merge", *FILES, "-o", "yours.py")
    assert (files.folder / "yours.py").stat().st_mode & 0o777 == 0o640


def test_a_result_that_is_a_link_stays_one(files: Lightgen) -> None:
    (files.folder / "out.py").symlink_to("real.py")
    files.write("real.py", "")
    files.done("merge", *FILES, "-o", "out.py")
    assert (files.folder / "out.py").is_symlink()
    assert "import re" in (files.folder / "real.py").read_text()


WRONG = {
    ("base.py", "nowhere", "new.py"): "YOURS: there is no 'nowhere'; "
    "give the path of a file or a folder",
    (".", "yours.py", "new.py"): "merge: BASE is a folder, YOURS is a file, NEW is a file; "
    "give three files or three folders",
}


@pytest.mark.parametrize("sides", WRONG, ids=" ".join)
def test_inputs_that_cannot_be_merged(files: Lightgen, sides: tuple[str, ...]) -> None:
    assert files.refused("merge", *sides, "-o", "out.py") == [WRONG[sides]]
    assert files("merge", *sides, "-o", "out.py", "--json").json["exit_code"] == 2


def test_places_that_do_not_allow_it(files: Lightgen) -> None:
    (files.folder / "folder").mkdir()
    assert files.refused("merge", *FILES, "-o", "folder", code=3) == [
        "folder: cannot be written (a folder is in the way); check space and permissions"
    ]
    [told] = files.refused("merge", *FILES, "-o", "nowhere/out.py", code=3)
    assert told.startswith("nowhere/out.py: cannot be written (No such file or directory)")


# Folders.


@pytest.fixture
def folders(lightgen: Lightgen) -> Lightgen:
    for name, text in SIDES.items():
        lightgen.write(f"{name}/pkg/a.py", text)
        lightgen.write(f"{name}/same.txt", "same\n")
    lightgen.write("yours/mine.txt", "mine\n")
    lightgen.write("new/added.txt", "new\n")
    lightgen.write("base/gone.txt", "gone\n")
    lightgen.write("yours/gone.txt", "gone\n")
    lightgen.write("yours/.git/HEAD", "ref\n")
    return lightgen


def test_folders_are_merged_into_a_new_one(folders: Lightgen) -> None:
    before = folders.files("yours")
    outcome = folders.done("merge", "base", "yours", "new", "-o", "out")
    assert outcome.out == (
        "added          added.txt\ndeleted        gone.txt\nmerged         pkg/a.py\n"
        "1 added, 1 merged, 1 deleted\n"
    )
    assert folders.files("out") == {"added.txt", "mine.txt", "pkg", "pkg/a.py", "same.txt"}
    text = (folders.folder / "out/pkg/a.py").read_text()
    assert "import re\n" in text
    assert "import sys\n" in text
    assert folders.files("yours") == before
    assert not [name for name in folders.files() if name.startswith(".")]


def test_a_folder_that_holds_something_is_refused(folders: Lightgen) -> None:
    (folders.folder / "out").mkdir()
    folders.done("merge", "base", "yours", "new", "-o", "out")
    told = folders.refused("merge", "base", "yours", "new", "-o", "out", code=3)
    assert told[0].startswith("out: the folder is not empty (added.txt, ...)")
    told = folders.refused("merge", "base", "yours", "new", "-o", "yours", code=3)
    assert told[0].startswith("yours: the folder is not empty")
    folders.write("file", "x")
    [told[0]] = folders.refused("merge", "base", "yours", "new", "-o", "file", code=3)
    assert told[0].startswith("file: a file is in the way")
    words = ("merge", "base", "yours", "new", "-o", "other", "--path", "x.py")
    assert folders.refused(*words) == ["--path: names a file, and these are folders; leave it out"]


def test_what_both_added_lies_beside(folders: Lightgen) -> None:
    folders.write("yours/added.txt", "mine\n")
    outcome = folders("merge", "base", "yours", "new", "-o", "out")
    assert outcome.code == 1
    told = "the new version is in added.txt.new: merge it by hand, then delete that\n"
    assert told in outcome.out
    assert (folders.folder / "out/added.txt").read_text() == "mine\n"
    assert (folders.folder / "out/added.txt.new").read_text() == "new\n"


def test_links_are_left_out_and_told(folders: Lightgen) -> None:
    outside = folders.write("secret", "secret\n")
    (folders.folder / "yours/link.txt").symlink_to(outside)
    (folders.folder / "new/inside").symlink_to(folders.folder)
    outcome = folders("merge", "base", "yours", "new", "-o", "out")
    assert outcome.code == 1
    assert "conflict       link.txt\n    is a link: it is left out\n" in outcome.out
    assert "conflict       inside\n    is a link: it is left out\n" in outcome.out
    assert {"link.txt", "inside"} & folders.files("out") == set()


def test_modes_in_folders(folders: Lightgen) -> None:
    (folders.folder / "new/pkg/a.py").chmod(0o755)
    folders.done("merge", "base", "yours", "new", "-o", "out")
    assert disk(folders.folder / "out")["pkg/a.py"][1] is True


# Git.


@pytest.fixture
def repository(lightgen: Lightgen) -> Path:
    """Two branches, and lightgen as the driver that merges them."""
    root = lightgen.folder
    git(root, "init", "-q")
    driver = f"{shlex.quote(sys.executable)} -m lightgen merge %O %A %B -o %A --path %P"
    git(root, "config", "merge.lightgen.driver", driver)
    lightgen.write(".gitattributes", "*.py merge=lightgen\n")
    for message, text in SIDES.items():
        if message != "base":
            git(root, "checkout", "-q", "-b", message, "main")
        lightgen.write("pkg/a.py", text)
        git(root, "add", "-A")
        git(root, "commit", "-q", "-m", message)
    git(root, "checkout", "-q", "yours")
    return root


def test_git_merges_with_it(repository: Path) -> None:
    git(repository, "merge", "-q", "-m", "merged", "new")
    text = (repository / "pkg/a.py").read_text()
    assert all(line in text for line in ("import re\n", "import sys\n", "return 2\n"))
    assert git(repository, "status", "--porcelain") == ""


def test_git_knows_of_a_conflict(repository: Path, lightgen: Lightgen) -> None:
    lightgen.write("pkg/a.py", YOURS.replace("1", "3"))
    git(repository, "commit", "-q", "-a", "-m", "mine")
    git(repository, "merge", "-q", "-m", "merged", "new", fails=True)
    text = (repository / "pkg/a.py").read_text()
    assert "<<<<<<< yours\n" in text
    assert "import re\n" in text
    assert git(repository, "status", "--porcelain") == "UU pkg/a.py\n"
