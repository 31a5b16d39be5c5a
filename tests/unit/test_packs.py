"""Packs: what is fetched, which values the variables get, what is rendered, what is refused."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
import tempfile
import textwrap
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from lightgen.packs import Pack, code_in, fetch, load, render, resolve_variables
from lightgen.packs.names import clashes, path_fault
from lightgen.packs.pack import digest
from lightgen.problems import InputError, LightgenError, ProjectError
from lightgen.tree import File

TOP = "{{ cookiecutter.slug }}"
CONTEXT = {"package": "digits_run", "groups": ["backbone", "head"], "batch_size": 64}
Text = str | bytes
MakePack = Callable[..., Pack]


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No configuration of the user's, an own home, and a temporary folder that must stay empty."""
    home, scratch = tmp_path / "home", tmp_path / "scratch"
    home.mkdir()
    scratch.mkdir()
    for name, value in {
        "HOME": str(home),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "TMPDIR": str(scratch),
        "no_proxy": "*",
    }.items():
        monkeypatch.setenv(name, value)
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "Ann")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "ann@example.org")
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    yield
    assert list(scratch.iterdir()) == []
    assert list(home.iterdir()) == []


def write(root: Path, files: Mapping[str, Text], **settings: object) -> Path:
    """Write a template: the files, under the top folder unless they start with `/`."""
    context = {"slug": "any", **settings}
    files = {"/cookiecutter.json": json.dumps(context), **files}
    for name, text in files.items():
        path = root / (name[1:] if name.startswith("/") else f"{TOP}/{name}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
    return root


@pytest.fixture
def make_pack(tmp_path: Path) -> MakePack:
    def make(files: Mapping[str, Text], **settings: object) -> Pack:
        return fetch(str(write(tmp_path / "pack", files, **settings)))

    return make


def rendered(pack: Pack, **wished: str) -> dict[str, str]:
    return {path: file.text for path, file in render(pack, wished, CONTEXT).items()}


# What to do about a pack that cannot be taken as it is: the tests below compare the rest.
GENERAL_ADVICE = (
    "rename it in the pack",
    "mend it in the pack",
    "mend the pack",
    "name the folder that holds it",
    "choose one that it has",
    "keep one",
    "add one",
    "restore it from version control",
)


def refusal(action: Callable[[], object], kind: type[LightgenError] = InputError) -> str:
    """The message of the error that action raises."""
    with pytest.raises(LightgenError) as caught:
        action()
    assert type(caught.value) is kind
    said = str(caught.value)
    for advice in GENERAL_ADVICE:
        said = said.replace(f"; {advice}", "")
    return said


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A git repository of a pack with the tags v1 and v2 and the branch `next`."""
    root = write(tmp_path / "repository.git", {"note.txt": "one"})
    git(root, "init", "--quiet", "--initial-branch=main")
    for tag, text in (("v1", "one"), ("v2", "two")):
        write(root, {"note.txt": text})
        git(root, "add", ".")
        git(root, "commit", "--quiet", "--message", tag)
        git(root, "tag", tag)
    git(root, "checkout", "--quiet", "-b", "next")
    write(root, {"note.txt": "next"})
    git(root, "commit", "--quiet", "--all", "--message", "next")
    git(root, "checkout", "--quiet", "main")
    return root


def note(pack: Pack) -> str:
    return pack.files[f"{TOP}/note.txt"].text


def no_programs(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    """Let no program be found but those in a new folder."""
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


# --- fetching a folder


def test_a_folder_is_taken_whole(make_pack: MakePack, tmp_path: Path) -> None:
    pack = make_pack({"a/b.txt": "text", "/README.md": "of the pack"})
    assert set(pack.files) == {"cookiecutter.json", f"{TOP}/a/b.txt", "README.md"}
    assert (pack.source, pack.ref) == (str(tmp_path / "pack"), "")


def test_a_folder_resolves_to_the_hash_of_its_files(make_pack: MakePack) -> None:
    pack = make_pack({"a.txt": "text"})
    assert pack.resolved == digest(pack.files)
    assert re.fullmatch("sha256:[0-9a-f]{64}", pack.resolved)


def test_the_hash_tells_names_modes_and_contents_apart() -> None:
    trees = [
        {"a": File(b"bc")},
        {"ab": File(b"c")},
        {"a": File(b"bc", executable=True)},
        {"a": File(b"b"), "c": File(b"")},
    ]
    assert len({digest(tree) for tree in trees}) == len(trees)


def test_the_hash_does_not_depend_on_order() -> None:
    one, two = {"a": File(b"1")}, {"b": File(b"2")}
    assert digest(one | two) == digest(two | one)


def test_a_relative_folder_is_looked_for_beside_the_spec(tmp_path: Path) -> None:
    write(tmp_path / "pack", {"note.txt": "hello"})
    pack = fetch("./pack", relative_to=tmp_path)
    assert (note(pack), pack.source) == ("hello", "./pack")


def test_a_relative_folder_is_by_default_one_of_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "pack", {"note.txt": "hello"})
    monkeypatch.chdir(tmp_path)
    assert note(fetch("pack")) == "hello"


def test_a_folder_named_like_an_abbreviation_is_a_folder(tmp_path: Path) -> None:
    write(tmp_path / "gh", {"note.txt": "hello"})
    assert note(fetch("gh", relative_to=tmp_path)) == "hello"


def test_the_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "elsewhere" / "pack", {"note.txt": "hello"})
    monkeypatch.setenv("HOME", str(tmp_path / "elsewhere"))
    assert note(fetch("~/pack")) == "hello"


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    assert refusal(lambda: fetch("nowhere", relative_to=tmp_path)) == (
        f"template.source: there is no folder '{tmp_path}/nowhere'; "
        "give a folder, a zip, the URL of a repository or gh:OWNER/NAME"
    )


def test_a_folder_without_cookiecutter_json_is_told(tmp_path: Path) -> None:
    assert refusal(lambda: fetch(".", relative_to=tmp_path)) == (
        "template.source: '.' has no cookiecutter.json; a pack is a cookiecutter template"
    )


def test_an_empty_source_is_told() -> None:
    assert refusal(lambda: fetch("")) == "template.source: the source of the pack is empty"


def test_a_source_with_a_control_character_is_refused() -> None:
    assert refusal(lambda: fetch("a\0b")) == (
        "template.source: the source 'a\\x00b' has a character that cannot be shown"
    )


def test_a_file_that_cannot_be_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_bytes(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    write(tmp_path / "pack", {})
    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    assert refusal(lambda: fetch("pack", relative_to=tmp_path)) == (
        "template.source: 'pack': cookiecutter.json cannot be read (Permission denied)"
    )


def test_a_folder_that_cannot_be_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def walk(root: Path, onerror: Callable[[OSError], None]) -> Iterator[object]:
        onerror(PermissionError(13, "Permission denied"))
        yield None

    write(tmp_path / "pack", {})
    monkeypatch.setattr(os, "walk", walk)
    assert refusal(lambda: fetch("pack", relative_to=tmp_path)) == (
        "template.source: cannot read 'pack': Permission denied"
    )


# --- links and other things that are no files


def test_a_link_to_a_file_of_the_pack_becomes_that_file(tmp_path: Path) -> None:
    root = write(tmp_path / "pack", {"a.txt": "text"})
    (root / TOP / "b.txt").symlink_to("a.txt")
    (root / TOP / "c.txt").symlink_to(root / TOP / "b.txt")
    files = fetch(str(root)).files
    assert files[f"{TOP}/b.txt"] == files[f"{TOP}/c.txt"] == File(b"text")


@pytest.mark.parametrize(
    ("target", "fault"),
    [
        ("../../secret", "is a link that leads outside"),
        ("/etc/passwd", "is a link that leads outside"),
        ("missing", "is a link that leads nowhere"),
        ("b.txt", "is a link that leads nowhere"),
        ("..", "is a link to something other than a regular file"),
        ("../.git/config", "is a link that leads into version control"),
    ],
)
def test_other_links_are_refused(tmp_path: Path, target: str, fault: str) -> None:
    (tmp_path / "secret").write_text("s")
    root = write(tmp_path / "pack", {"a.txt": "text", "/.git/config": "url = token"})
    (root / TOP / "b.txt").symlink_to(target)
    message = refusal(lambda: fetch("pack", relative_to=tmp_path))
    assert message == f"template.source: 'pack': {TOP}/b.txt {fault}"


def test_a_linked_folder_is_refused(tmp_path: Path) -> None:
    root = write(tmp_path / "pack", {"a/b.txt": "text"})
    (root / TOP / "c").symlink_to("a")
    assert refusal(lambda: fetch("pack", relative_to=tmp_path)) == (
        f"template.source: 'pack': {TOP}/c is a link to something other than a regular file"
    )


def test_a_pipe_is_refused(tmp_path: Path) -> None:
    root = write(tmp_path / "pack", {})
    os.mkfifo(root / "pipe")
    assert refusal(lambda: fetch("pack", relative_to=tmp_path)) == (
        "template.source: 'pack': pipe is not a regular file"
    )


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a\nb", "'a\\nb' has a character in its name that cannot be shown"),
        (os.fsdecode(b"a\xff"), "'a\\udcff' has a character in its name that cannot be shown"),
        ("a\\b", "a\\b has a backslash in its name"),
    ],
)
def test_odd_names_are_refused(tmp_path: Path, name: str, shown: str) -> None:
    write(tmp_path / "pack", {f"/{name}": ""})
    message = refusal(lambda: fetch("pack", relative_to=tmp_path))
    assert message == f"template.source: 'pack': {shown}"


def test_version_control_is_left_behind(make_pack: MakePack) -> None:
    pack = make_pack({"/.git/HEAD": "x", "sub/.git": "gitdir: x", "/.hg/x": "", ".gitignore": ""})
    assert set(pack.files) == {"cookiecutter.json", f"{TOP}/.gitignore"}


# --- re-reading a stored pack


def test_a_stored_pack_is_re_read(tmp_path: Path) -> None:
    root = write(tmp_path / "stored", {"run.sh": "x"})
    (root / TOP / "run.sh").chmod(0o755)
    assert load(root) == fetch(str(root)).files
    assert load(root)[f"{TOP}/run.sh"].executable


def test_a_stored_pack_is_never_read_through_a_link(tmp_path: Path) -> None:
    root = write(tmp_path / "stored", {"a.txt": "text"})
    (root / TOP / "b.txt").symlink_to("a.txt")
    assert refusal(lambda: load(root), ProjectError) == f"{root}: {TOP}/b.txt is a link"


def test_a_stored_pack_that_is_a_link_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "pack", {})
    (tmp_path / "stored").symlink_to("pack")
    message = refusal(lambda: load(tmp_path / "stored"), ProjectError)
    assert message == f"{tmp_path}/stored: the stored pack is missing or no folder"


def test_a_missing_stored_pack_is_told(tmp_path: Path) -> None:
    message = refusal(lambda: load(tmp_path / "stored"), ProjectError)
    assert message == f"{tmp_path}/stored: the stored pack is missing or no folder"


# --- git


@pytest.mark.parametrize(("ref", "text"), [("v1", "one"), ("v2", "two"), ("next", "next")])
def test_a_ref_of_a_local_repository_is_checked_out(repository: Path, ref: str, text: str) -> None:
    pack = fetch(str(repository), ref)
    assert note(pack) == text
    assert pack.resolved == git(repository, "rev-parse", ref)


def test_a_commit_is_a_ref(repository: Path) -> None:
    commit = git(repository, "rev-parse", "v1")
    assert fetch(str(repository), commit[:10]).resolved == commit


def test_a_bare_repository_needs_a_ref(repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--bare", str(repository), "bare")
    assert note(fetch("bare", "v1", relative_to=tmp_path)) == "one"


def test_the_local_repository_itself_is_not_touched(repository: Path) -> None:
    before = git(repository, "rev-parse", "HEAD"), git(repository, "status", "--porcelain")
    fetch(str(repository), "v1")
    assert (
        git(repository, "rev-parse", "HEAD"),
        git(repository, "status", "--porcelain"),
    ) == before
    assert (repository / TOP / "note.txt").read_text() == "two"


def test_a_clean_working_folder_resolves_to_its_commit(repository: Path) -> None:
    assert fetch(str(repository)).resolved == git(repository, "rev-parse", "HEAD")


@pytest.mark.parametrize("change", ["edit", "add", "remove", "mode"])
def test_a_changed_working_folder_is_taken_as_it_stands(repository: Path, change: str) -> None:
    path = repository / TOP / "note.txt"
    if change == "edit":
        path.write_text("edited")
    elif change == "add":
        (repository / TOP / "more.txt").write_text("more")
    elif change == "remove":
        path.unlink()
    else:
        path.chmod(0o755)
    pack = fetch(str(repository))
    assert pack.resolved == digest(pack.files)


def test_what_git_ignores_is_no_part_of_the_pack(repository: Path) -> None:
    write(repository, {"/.venv/bin/tool": "x", "/.git/info/exclude": ".venv\n"})
    (repository / ".venv" / "python").symlink_to("/usr/bin/python3")
    pack = fetch(str(repository))
    assert set(pack.files) == {"cookiecutter.json", f"{TOP}/note.txt"}
    assert pack.resolved == git(repository, "rev-parse", "HEAD")


def test_a_working_folder_does_not_run_what_its_configuration_names(
    repository: Path, tmp_path: Path
) -> None:
    ran = tmp_path / "ran"
    monitor = tmp_path / "monitor"
    monitor.write_text(f"#!/bin/sh\ntouch '{ran}'\n")
    monitor.chmod(0o755)
    write(repository, {"/.gitattributes": "* filter=bad\n"})
    for key in ("core.fsmonitor", "filter.bad.clean", "filter.bad.smudge", "filter.bad.process"):
        git(repository, "config", key, str(monitor))
    fetch(str(repository))
    fetch(str(repository), "v1")
    assert not ran.exists()


def test_a_working_folder_needs_no_git(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_programs(monkeypatch, tmp_path / "bin")
    pack = fetch(str(repository))
    assert pack.resolved == digest(pack.files)


def test_a_ref_needs_git(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_programs(monkeypatch, tmp_path / "bin")
    assert refusal(lambda: fetch(str(repository), "v1"), ProjectError) == (
        "template.source: git is not installed; install it, or give a folder without a ref"
    )


def test_a_url_needs_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_programs(monkeypatch, tmp_path / "bin")
    assert refusal(lambda: fetch("gh:team/pack"), ProjectError) == (
        "template.source: git is not installed; install it, or give a folder without a ref"
    )


def test_a_ref_that_does_not_exist_is_told(repository: Path) -> None:
    assert refusal(lambda: fetch(str(repository), "v9")) == (
        f"template.source: '{repository}' has no branch, tag or commit 'v9'"
    )


@pytest.mark.parametrize("ref", ["--upload-pack=touch /tmp/x", "-b", "--config=alias.x=!x"])
def test_a_ref_that_looks_like_an_option_is_refused(repository: Path, ref: str) -> None:
    assert refusal(lambda: fetch(str(repository), ref)) == (
        f"template.source: the ref '{ref}' starts with '-', like an option of git"
    )


def test_a_source_that_looks_like_an_option_is_refused() -> None:
    assert refusal(lambda: fetch("--upload-pack=x")) == (
        "template.source: the source '--upload-pack=x' starts with '-', like an option of git"
    )


def test_a_ref_of_a_plain_folder_is_told(tmp_path: Path) -> None:
    write(tmp_path / "pack", {})
    assert refusal(lambda: fetch("pack", "v1", relative_to=tmp_path)) == (
        "template.source: 'pack' is not a git repository, so it has no ref 'v1'"
    )


@pytest.mark.parametrize(("ref", "text"), [("", "two"), ("v1", "one"), ("next", "next")])
def test_a_repository_is_cloned_from_its_url(repository: Path, ref: str, text: str) -> None:
    pack = fetch(f"file://{repository}", ref)
    assert note(pack) == text
    assert pack.resolved == git(repository, "rev-parse", ref or "HEAD")


def test_a_ref_of_a_url_that_does_not_exist_is_told(repository: Path) -> None:
    assert refusal(lambda: fetch(f"file://{repository}", "v9")) == (
        f"template.source: 'file://{repository}' has no branch, tag or commit 'v9'"
    )


def test_a_url_of_no_repository_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    message = refusal(lambda: fetch(f"file://{tmp_path}/none.git"))
    assert message.startswith(f"template.source: cannot clone 'file://{tmp_path}/none.git': '")
    assert message.endswith("; check the address and that you may read it")
    assert "\n" not in message
    assert capfd.readouterr() == ("", "")


def test_a_network_that_does_not_answer_is_told() -> None:
    message = refusal(lambda: fetch("https://127.0.0.1:9/team/pack.git"), ProjectError)
    assert message.startswith("template.source: cannot clone 'https://127.0.0.1:9/team/pack.git': ")
    assert message.endswith("; check the network, or give a local folder")


def test_the_environment_is_as_before(repository: Path, tmp_path: Path) -> None:
    before = dict(os.environ), tempfile.tempdir, os.getcwd()
    fetch(f"file://{repository}")
    refusal(lambda: fetch(f"file://{tmp_path}/none.git"))
    assert (dict(os.environ), tempfile.tempdir, os.getcwd()) == before


def test_a_url_of_an_unknown_kind_is_told() -> None:
    assert refusal(lambda: fetch("https://example.org/pack")) == (
        "template.source: cannot tell whether 'https://example.org/pack' is git or Mercurial; "
        "write git+URL or hg+URL"
    )


def test_a_repository_with_git_amid_its_name_is_found(repository: Path, tmp_path: Path) -> None:
    odd = tmp_path / "team.github.io"
    repository.rename(odd)
    assert note(fetch(f"file://{odd}", "v1")) == "one"


def test_a_repository_without_a_pack_is_told(tmp_path: Path) -> None:
    root = tmp_path / "empty.git"
    root.mkdir()
    git(root, "init", "--quiet")
    git(root, "commit", "--quiet", "--allow-empty", "--message", "none")
    assert refusal(lambda: fetch(f"file://{root}")) == (
        f"template.source: 'file://{root}' has no cookiecutter.json; "
        "a pack is a cookiecutter template"
    )


def test_git_in_a_hook_of_git_still_clones_the_pack(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other"))
    assert note(fetch(f"file://{repository}", "v1")) == "one"
    assert note(fetch(str(repository), "v1")) == "one"
    monkeypatch.delenv("GIT_DIR")


@pytest.mark.parametrize(
    ("source", "url"),
    [
        ("gh:team/pack", "https://github.com/team/pack.git"),
        ("gl:team/pack", "https://gitlab.com/team/pack.git"),
        ("bb:team/pack", "https://bitbucket.org/team/pack.git"),
        ("git@github.com:team/pack.git", "git@github.com:team/pack.git"),
        ("git+https://example.org/pack", "git+https://example.org/pack"),
    ],
)
def test_abbreviations_are_spelt_out(
    repository: Path, monkeypatch: pytest.MonkeyPatch, source: str, url: str
) -> None:
    asked = []

    def clone(repo_url: str, checkout: str | None, clone_to_dir: Path, no_input: bool) -> str:
        asked.append((repo_url, checkout, no_input))
        target = clone_to_dir / "pack"
        git(repository, "clone", "--quiet", str(repository), str(target))
        assert os.environ["GIT_TERMINAL_PROMPT"] == "0"
        return str(target)

    monkeypatch.setattr("cookiecutter.vcs.clone", clone)
    pack = fetch(source, "v1")
    assert asked == [(url, None, True)]
    assert (note(pack), pack.source, pack.ref) == ("one", source, "v1")


def test_the_users_own_abbreviations_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rc").write_text("abbreviations: {us: 'https://example.org/{0}.git'}")
    monkeypatch.setenv("COOKIECUTTER_CONFIG", str(tmp_path / "rc"))
    message = refusal(lambda: fetch("us:pack", relative_to=tmp_path))
    assert message.startswith(f"template.source: there is no folder '{tmp_path}/us:pack'")


def test_mercurial_is_asked_as_cookiecutter_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "origin", {"note.txt": "hg"})
    script = no_programs(monkeypatch, tmp_path / "bin") / "hg"
    script.write_text(textwrap.dedent(f"""\
        #!/bin/sh
        echo "$@" >> '{tmp_path}/asked'
        case "$1" in
            clone) /bin/cp -r '{tmp_path}/origin' pack;;
            log) printf 0123abc;;
        esac
        """))
    script.chmod(0o755)
    pack = fetch("hg+https://example.org/pack", "stable")
    assert (note(pack), pack.resolved) == ("hg", "0123abc")
    assert (tmp_path / "asked").read_text().splitlines() == [
        "clone https://example.org/pack",
        "checkout -- stable",
        "log --rev . --template {node}",
    ]


# --- zip


def zipped(root: Path, archive: Path, top: str = "pack/") -> Path:
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr(top, "")
        for path in sorted(root.rglob("*")):
            name = f"{top}{path.relative_to(root).as_posix()}"
            if path.is_symlink():
                entry = zipfile.ZipInfo(name)
                entry.external_attr = (stat.S_IFLNK | 0o777) << 16
                opened.writestr(entry, os.readlink(path))
            else:
                opened.write(path, name)
    return archive


def test_a_zip_is_unpacked_with_its_modes_and_links(tmp_path: Path) -> None:
    root = write(tmp_path / "pack", {"run.sh": "x", "note.txt": "hello"})
    (root / TOP / "run.sh").chmod(0o755)
    (root / TOP / "link.txt").symlink_to("note.txt")
    archive = zipped(root, tmp_path / "pack.zip")
    pack = fetch("pack.zip", relative_to=tmp_path)
    assert pack.files == fetch(str(root)).files
    assert pack.files[f"{TOP}/run.sh"].executable
    assert pack.resolved == digest(pack.files)
    assert archive.exists()


def test_a_zip_with_a_link_that_leads_outside_is_refused(tmp_path: Path) -> None:
    root = write(tmp_path / "pack", {})
    (root / "link").symlink_to("/etc/passwd")
    zipped(root, tmp_path / "pack.zip")
    assert refusal(lambda: fetch("pack.zip", relative_to=tmp_path)) == (
        "template.source: 'pack.zip': link is a link that leads outside"
    )


def test_a_zip_whose_top_folder_leads_outside_is_refused(tmp_path: Path) -> None:
    root = write(tmp_path / "other", {"note.txt": "secret"})
    zipped(write(tmp_path / "pack", {}), tmp_path / "pack.zip", top=f"../../../../{root}/")
    assert refusal(lambda: fetch("pack.zip", relative_to=tmp_path)) == (
        "template.source: cannot unpack 'pack.zip': its top folder leads out of it"
    )


def test_a_zip_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "pack.zip").write_text("no zip")
    assert refusal(lambda: fetch("pack.zip", relative_to=tmp_path)) == (
        "template.source: cannot unpack 'pack.zip': "
        f"Zip repository {tmp_path}/pack.zip is not a valid zip archive"
    )


def test_a_truncated_zip_is_told(tmp_path: Path) -> None:
    archive = zipped(write(tmp_path / "pack", {"note.txt": "x" * 5000}), tmp_path / "pack.zip")
    content = bytearray(archive.read_bytes())
    content[200:260] = bytes(60)
    archive.write_bytes(content)
    message = refusal(lambda: fetch("pack.zip", relative_to=tmp_path))
    assert message.startswith("template.source: cannot unpack 'pack.zip': ")
    assert "\n" not in message


def test_a_zip_without_a_top_folder_is_told(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "pack.zip", "w") as opened:
        opened.writestr("cookiecutter.json", "{}")
    assert "does not include a top-level directory" in refusal(
        lambda: fetch("pack.zip", relative_to=tmp_path)
    )


def test_a_missing_zip_is_told(tmp_path: Path) -> None:
    assert refusal(lambda: fetch("pack.zip", relative_to=tmp_path)) == (
        f"template.source: there is no file '{tmp_path}/pack.zip'"
    )


def test_a_zip_has_no_refs(tmp_path: Path) -> None:
    assert refusal(lambda: fetch("pack.zip", "v1", relative_to=tmp_path)) == (
        "template.source: 'pack.zip' is a zip archive, which has no ref 'v1'"
    )


def test_a_remote_zip_is_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = zipped(write(tmp_path / "pack", {"note.txt": "hello"}), tmp_path / "pack.zip")

    class Answer:
        def iter_content(self, chunk_size: int) -> list[bytes]:
            return [archive.read_bytes()]

    monkeypatch.setattr("requests.get", lambda url, **_: Answer())
    assert note(fetch("https://example.org/pack.zip")) == "hello"


def test_a_remote_zip_needs_the_network() -> None:
    assert refusal(lambda: fetch("http://127.0.0.1:9/pack.zip"), ProjectError) == (
        "template.source: cannot download 'http://127.0.0.1:9/pack.zip'; check the network"
    )


# --- cookiecutter.json


def resolved(pack: Pack, **wished: str) -> dict[str, object]:
    found = resolve_variables(pack, wished, context=CONTEXT)
    return {name: value for name, value in found.items() if name not in ("_template", "_checkout")}


def test_defaults_are_rendered_in_order(make_pack: MakePack) -> None:
    pack = make_pack({"a": ""}, title="My Run", short="{{ cookiecutter.title | slugify }}")
    assert resolved(pack) == {"slug": "any", "title": "My Run", "short": "my-run"}


def test_a_wish_changes_the_defaults_that_refer_to_it(make_pack: MakePack) -> None:
    pack = make_pack({"a": ""}, title="My Run", short="{{ cookiecutter.title | lower }}")
    assert resolved(pack, title="Other")["short"] == "other"


def test_a_wish_is_never_a_template(make_pack: MakePack) -> None:
    pack = make_pack({"a": "{{ cookiecutter.slug }}"})
    assert rendered(pack, slug="{{ 1 + 1 }}") == {"a": "{{ 1 + 1 }}"}


def test_defaults_may_refer_to_what_lightgen_knows(make_pack: MakePack) -> None:
    pack = make_pack({"a": ""}, package="{{ lightgen.package }}")
    assert resolved(pack)["package"] == "digits_run"


def test_numbers_become_text_and_null_stays(make_pack: MakePack) -> None:
    assert resolved(make_pack({"a": ""}, size=3, none=None)) == {
        "slug": "any",
        "size": "3",
        "none": None,
    }


def test_the_source_and_the_ref_are_known_to_templates(make_pack: MakePack) -> None:
    pack = make_pack({"a": "{{ cookiecutter._template }} {{ cookiecutter._checkout }}"})
    assert rendered(pack)["a"] == f"{pack.source} None"


def test_the_first_choice_is_the_default(make_pack: MakePack) -> None:
    pack = make_pack({"a": ""}, license=["MIT", "{{ cookiecutter.slug }}"])
    assert resolved(pack)["license"] == "MIT"
    assert resolved(pack, license="any")["license"] == "any"


def test_another_choice_is_told_with_the_nearest(make_pack: MakePack) -> None:
    pack = make_pack({"a": ""}, license=["MIT", "BSD-3"])
    assert refusal(lambda: resolved(pack, license="BSD3")) == (
        "template.variables.license: 'BSD3' is not one of the choices; did you mean 'BSD-3'?"
    )


def test_no_choices_are_told(make_pack: MakePack) -> None:
    assert refusal(lambda: resolved(make_pack({"a": ""}, license=[]))) == (
        "template.variables.license: the pack's list of choices is empty"
    )


@pytest.mark.parametrize(("wish", "value"), [("yes", True), ("On", True), ("0", False)])
def test_booleans_are_read_as_cookiecutter_does(
    make_pack: MakePack, wish: str, value: bool
) -> None:
    pack = make_pack({"a": ""}, docker=not value)
    assert resolved(pack)["docker"] is not value
    assert resolved(pack, docker=wish)["docker"] is value


def test_a_wrong_boolean_is_told(make_pack: MakePack) -> None:
    assert refusal(lambda: resolved(make_pack({"a": ""}, docker=True), docker="maybe")) == (
        "template.variables.docker: 'maybe' is no boolean; say yes or no"
    )


def test_tables_are_rendered_last_and_merged_with_a_wish(make_pack: MakePack) -> None:
    pack = make_pack(
        {"a": ""}, table={"x": {"y": "{{ cookiecutter.later }}", "z": 1}, "n": [1]}, later="ok"
    )
    assert resolved(pack)["table"] == {"x": {"y": "ok", "z": "1"}, "n": ["1"]}
    wished = resolved(pack, table='{"x": {"z": 2}, "w": true}')["table"]
    assert wished == {"x": {"y": "ok", "z": 2}, "n": ["1"], "w": True}


@pytest.mark.parametrize(
    ("wish", "what"),
    [
        ("[1]", "is not a JSON object; write {...}"),
        ("{x", "is not JSON: Expecting property name enclosed in double quotes"),
    ],
)
def test_a_wrong_table_is_told(make_pack: MakePack, wish: str, what: str) -> None:
    message = refusal(lambda: resolved(make_pack({"a": ""}, table={}), table=wish))
    assert message.startswith(f"template.variables.table: {what}")


def test_private_variables_stay_raw_and_doubly_private_ones_are_rendered(
    make_pack: MakePack,
) -> None:
    pack = make_pack(
        {"a": ""}, _raw="{{ x }}", __made="{{ cookiecutter.slug }}-1", __list=["{{ 1 }}"]
    )
    found = resolved(pack)
    assert (found["_raw"], found["__made"], found["__list"]) == ("{{ x }}", "any-1", ["1"])


def test_prompts_are_no_variable(make_pack: MakePack) -> None:
    assert "__prompts__" not in resolved(make_pack({"a": ""}, __prompts__={"slug": "Which?"}))


def test_all_wrong_wishes_are_told_at_once(make_pack: MakePack) -> None:
    pack = make_pack({"a": ""}, license=["MIT"], docker=True, _private="x")
    message = refusal(
        lambda: resolved(pack, slgu="a", license="GPL", docker="x", _private="y", zzz="1")
    )
    assert message.splitlines() == [
        "template.variables.slgu: the pack has no such variable; did you mean 'slug'?",
        "template.variables._private: is private to the pack",
        "template.variables.zzz: the pack has no such variable; known: docker, license, slug",
        "template.variables.license: 'GPL' is not one of the choices; known: MIT",
        "template.variables.docker: 'x' is no boolean; say yes or no",
    ]


def test_a_default_that_cannot_be_rendered_is_told_once(make_pack: MakePack) -> None:
    pack = make_pack(
        {"a": ""}, title="{{ cookiecutter.slgu }}", after="{{ cookiecutter.title.lower() }}"
    )
    assert refusal(lambda: resolved(pack)) == (
        "template.variables.title: its default cannot be rendered: "
        "'dict object' has no attribute 'slgu'; did you mean 'slug'?"
    )
    assert resolved(pack, title="Given")["after"] == "given"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{", "it is not JSON: Expecting property name enclosed in double quotes"),
        ("[]", "it is not an object"),
        ('{"_extensions": "a"}', "_extensions is not a list of strings"),
        ('{"_copy_without_render": [1]}', "_copy_without_render is not a list of strings"),
        ('{"_jinja2_env_vars": []}', "_jinja2_env_vars is not an object"),
        ('{"_new_lines": "x"}', "_new_lines is not a line end"),
        (b"\xff", "it is not JSON: 'utf-8' codec can't decode"),
    ],
)
def test_a_wrong_cookiecutter_json_is_told(make_pack: MakePack, text: Text, what: str) -> None:
    pack = make_pack({"a": "", "/cookiecutter.json": text})
    message = refusal(lambda: resolved(pack))
    assert message.startswith(f"template.source: the pack's cookiecutter.json is wrong: {what}")


def test_a_pack_without_a_template_folder_is_told(make_pack: MakePack) -> None:
    assert refusal(lambda: rendered(make_pack({"/{{ other }}/x": ""}))) == (
        "template.source: the pack has no folder named like '{{ cookiecutter.NAME }}' with a file"
    )


def test_two_template_folders_are_told(make_pack: MakePack) -> None:
    assert refusal(lambda: rendered(make_pack({"a": "", "/{{cookiecutter.x}}/a": ""}))) == (
        "template.source: the pack has more than one template folder: "
        f"'{TOP}', '{{{{cookiecutter.x}}}}'"
    )


# --- rendering


def test_names_and_contents_are_rendered(make_pack: MakePack) -> None:
    pack = make_pack(
        {"src/{{ cookiecutter.slug }}/{{ lightgen.package }}.py": "{{ lightgen.groups | join }}\n"}
    )
    assert rendered(pack, slug="mine") == {"src/mine/digits_run.py": "backbonehead\n"}


def test_the_folders_own_name_does_not_matter(make_pack: MakePack) -> None:
    assert rendered(make_pack({"a": "text"}), slug="../..") == {"a": "text"}


def test_a_name_may_hold_folders(make_pack: MakePack) -> None:
    pack = make_pack(
        {"{{ cookiecutter.__path }}/a": ""}, __path="{{ cookiecutter.slug.replace('.', '/') }}"
    )
    assert list(rendered(pack, slug="com.example")) == ["com/example/a"]


def test_a_file_whose_name_comes_out_empty_is_left_out(make_pack: MakePack) -> None:
    pack = make_pack({"x/{% if cookiecutter.docker %}Dockerfile{% endif %}": ""}, docker=False)
    assert rendered(pack) == {}
    assert rendered(pack, docker="yes") == {"x/Dockerfile": ""}


def test_templates_include_and_extend_only_each_other(make_pack: MakePack) -> None:
    pack = make_pack(
        {
            "a": "{% extends 'base.txt' %}{% block x %}{% include './b' %}{% endblock %}",
            "b": "{{ cookiecutter.slug }}",
            "/templates/base.txt": "<{% block x %}{% endblock %}>",
        }
    )
    assert rendered(pack) == {"a": "<any>", "b": "any"}


@pytest.mark.parametrize("name", ["../cookiecutter.json", "/etc/passwd", "../../secret", "x.bin"])
def test_nothing_else_can_be_included(make_pack: MakePack, name: str) -> None:
    pack = make_pack({"a": f"\n{{% include '{name}' %}}", "x.bin": b"\0"})
    assert refusal(lambda: rendered(pack)) == (
        f"{TOP}/a:2: the pack has no text file '{name}' to include"
    )


def test_globs_leave_contents_alone(make_pack: MakePack) -> None:
    pack = make_pack(
        {
            "{{ cookiecutter.slug }}.html": "{{ raw }}",
            "static/{{ raw }}/x": "{% raw",
            "sub/y.js": "{{ raw }}",
            "z": "{{ cookiecutter.slug }}",
        },
        _copy_without_render=["*.html", "static", "sub/*.js"],
    )
    assert rendered(pack) == {
        "any.html": "{{ raw }}",
        "static/{{ raw }}/x": "{% raw",
        "sub/y.js": "{{ raw }}",
        "z": "any",
    }


def test_the_jinja_settings_that_only_change_the_writing_are_kept(make_pack: MakePack) -> None:
    settings = {"trim_blocks": True, "block_start_string": "<%", "block_end_string": "%>"}
    pack = make_pack({"a": "<% if true %>\nx{% y %}\n<% endif %>\n"}, _jinja2_env_vars=settings)
    assert rendered(pack) == {"a": "x{% y %}\n"}


def test_other_delimiters_name_the_template_folder(make_pack: MakePack) -> None:
    settings = {"variable_start_string": "[[", "variable_end_string": "]]"}
    pack = make_pack(
        {"/[[ cookiecutter.slug ]]/a": "[[ cookiecutter.slug ]] {{ x }}"}, _jinja2_env_vars=settings
    )
    assert rendered(pack) == {"a": "any {{ x }}"}


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"extensions": ["jinja2.ext.do"]}, "'extensions' changes more than how templates"),
        ({"finalize": "x"}, "'finalize' changes more than how templates are written"),
        ({"trim_blocks": "yes"}, "'trim_blocks' is no boolean"),
        ({"block_start_string": ""}, "'block_start_string' is no text"),
        ({"block_start_string": "{{"}, "two delimiters are the same"),
    ],
)
def test_other_jinja_settings_are_refused(
    make_pack: MakePack, settings: dict[str, object], what: str
) -> None:
    message = refusal(lambda: rendered(make_pack({"a": ""}, _jinja2_env_vars=settings)))
    assert message.startswith(
        f"template.source: _jinja2_env_vars in the pack's cookiecutter.json: {what}"
    )
    assert "; packs may set block_end_string, block_start_string, " in message


def test_binary_files_are_copied(make_pack: MakePack) -> None:
    png, latin = b"\x89PNG\0{{ x }}", "ä {{ x }}".encode("latin-1")
    pack = make_pack({"{{ cookiecutter.slug }}.png": png, "latin.txt": latin})
    files = render(pack, {}, CONTEXT)
    assert {path: file.content for path, file in files.items()} == {
        "any.png": png,
        "latin.txt": latin,
    }


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_are_kept(make_pack: MakePack, end: str) -> None:
    pack = make_pack({"a": f"{{{{ cookiecutter.slug }}}}{end}{{# c #}}{end}last"})
    assert rendered(pack, slug="x\r\ny\nz") == {"a": f"x{end}y{end}z{end}{end}last"}


def test_the_pack_may_set_the_line_ends(make_pack: MakePack) -> None:
    assert rendered(make_pack({"a": "x\ny\n"}, _new_lines="\r\n")) == {"a": "x\r\ny\r\n"}


def test_a_byte_order_mark_and_a_missing_last_line_end_are_kept(make_pack: MakePack) -> None:
    assert rendered(make_pack({"a": "\ufeffx", "b": "x\n\n"})) == {"a": "\ufeffx", "b": "x\n\n"}


def test_executable_bits_are_kept(tmp_path: Path) -> None:
    root = write(tmp_path / "pack", {"run.sh": "x", "a": "x"})
    (root / TOP / "run.sh").chmod(0o755)
    files = render(fetch(str(root)), {}, {})
    assert (files["run.sh"].executable, files["a"].executable) == (True, False)


def test_rendering_twice_gives_the_same(make_pack: MakePack) -> None:
    pack = make_pack({"b": "{{ cookiecutter | jsonify }}", "a": "{{ lightgen }}"}, table={"x": 1})
    assert list(rendered(pack).items()) == list(rendered(pack).items())
    assert list(rendered(pack)) == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("{% now 'utc' %}", "now"),
        ("{{ uuid4() }}", "uuid4"),
        ("{{ random_ascii_string(5) }}", "random_ascii_string"),
        ("{{ [1, 2] | random }}", "random"),
        ("{{ lipsum() }}", "lipsum"),
    ],
)
def test_what_differs_at_each_rendering_is_refused(
    make_pack: MakePack, text: str, name: str
) -> None:
    message = refusal(lambda: rendered(make_pack({"a": text})))
    assert message.startswith(f"{TOP}/a:1: ")
    assert message.endswith(
        f"'{name}' differs at each rendering: use a variable, or allow it with --trust"
    )


# --- wrong templates


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{% if %}", "Expected an expression, got 'end of statement block'"),
        ("{{ cookiecutter.slgu }}", "'dict object' has no attribute 'slgu'; did you mean 'slug'?"),
        ("{{ lightgen.pakage }}", "no attribute 'pakage'; did you mean 'package'?"),
        ("{{ nothing }}", "'nothing' is undefined"),
        ("{{ 1 / 0 }}", "ZeroDivisionError: division by zero"),
        ("{{ 'a' + 1 }}", 'TypeError: can only concatenate str (not "int") to str'),
        ("{{ '\\ud800' }}", "UnicodeEncodeError: "),
    ],
)
def test_errors_of_a_template_are_told_with_file_and_line(
    make_pack: MakePack, text: str, what: str
) -> None:
    message = refusal(lambda: rendered(make_pack({"a/b.txt": f"one\ntwo\n{text}\n"})))
    line = "" if "Unicode" in what else ":3"
    assert message.startswith(f"{TOP}/a/b.txt{line}: ")
    assert what in message


def test_an_error_in_an_included_file_is_told_there(make_pack: MakePack) -> None:
    pack = make_pack({"a": "{% include 'b' %}", "/templates/b": "\n{{ nothing }}"})
    assert refusal(lambda: rendered(pack)) == "templates/b:2: 'nothing' is undefined"


def test_errors_of_all_templates_are_told_at_once(make_pack: MakePack) -> None:
    pack = make_pack({"a": "{{ x }}", "b": "{% y %}"})
    assert [line.split(" ")[-1] for line in refusal(lambda: rendered(pack)).splitlines()] == [
        "undefined",
        "'y'",
    ]


def test_an_error_in_a_name_is_told(make_pack: MakePack) -> None:
    pack = make_pack({"{{ cookiecutter.slgu }}": "", "{% if %}": ""})
    assert refusal(lambda: rendered(pack)).splitlines() == [
        f"{TOP}/{{% if %}}: Expected an expression, got 'end of statement block'",
        f"{TOP}/{{{{ cookiecutter.slgu }}}}: 'dict object' has no attribute 'slgu'; "
        "did you mean 'slug'?",
    ]


# --- attacks: the sandbox


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{{ ''.__class__.__mro__[1].__subclasses__() }}", "'__class__' of 'str' object"),
        ("{{ cookiecutter.__init__.__globals__ }}", "'__init__' of 'dict' object"),
        ("{{ cycler.__init__.__globals__.os.popen('id') }}", "'__init__' of 'type' object"),
        ("{{ range.__globals__ }}", "'__globals__' of 'function' object"),
        ("{{ joiner.__init__.__globals__ }}", "'__init__' of 'type' object"),
        ("{{ lipsum.__globals__['os'].popen('id').read() }}", "'lipsum' is undefined"),
        ("{{ ''|attr('__class__') }}", "'__class__' of 'str' object"),
        ("{{ '{0.__class__}'.format('') }}", "'__class__' of 'str' object"),
        ("{{ ('{0.__class__}'|attr('format'))('') }}", "'__class__' of 'str' object"),
        ("{{ '{x.__class__}'.format_map({'x': ''}) }}", "'__class__' of 'str' object"),
        ("{{ self._TemplateReference__context }}", "'_TemplateReference__context'"),
        ("{{ self.__init__.__globals__ }}", "'__init__' of 'TemplateReference' object"),
        ("{{ cookiecutter.update({'slug': 'x'}) }}", "'update' of 'dict' object is unsafe"),
        ("{{ lightgen.groups.append('x') }}", "'append' of 'list' object is unsafe"),
        ("{{ range(10 ** 9) | list }}", "Range too big"),
        ("{% do 1 %}", "unknown tag 'do'"),
        ("{{ (cookiecutter | jsonify).__class__ }}", "'__class__' of 'str' object"),
        ("{% macro m() %}{% endmacro %}{{ m.__init__ }}", "'__init__' of 'Macro' object"),
    ],
)
def test_the_sandbox_holds(make_pack: MakePack, text: str, what: str) -> None:
    message = refusal(lambda: rendered(make_pack({"a": text})))
    assert message.startswith(f"{TOP}/a:1: ")
    assert what in message


def test_the_sandbox_holds_for_defaults(make_pack: MakePack) -> None:
    attack = "{{ ''.__class__ }}"
    assert "'__class__' of 'str' object is unsafe" in refusal(
        lambda: resolved(make_pack({"a": ""}, title=attack))
    )


def test_the_sandbox_holds_for_names(make_pack: MakePack) -> None:
    message = refusal(lambda: rendered(make_pack({"{{ ''.__class__ }}": ""})))
    assert message.endswith("access to attribute '__class__' of 'str' object is unsafe")


def test_only_plain_values_reach_a_template(make_pack: MakePack, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="PosixPath may not stand in the context of a pack"):
        render(make_pack({"a": ""}), {}, {"deep": [{"path": tmp_path}]})


def test_the_context_itself_is_not_handed_out(make_pack: MakePack) -> None:
    class Name(str):
        secret = "secret"

    pack = make_pack({"a": "{{ lightgen.name.secret }}"})
    assert "no attribute 'secret'" in refusal(lambda: render(pack, {}, {"name": Name("x")}))


# --- attacks: paths


@pytest.mark.parametrize(
    ("wish", "what"),
    [
        ("../escaped", "leaves the project"),
        ("a/../../b", "leaves the project"),
        ("/etc/passwd", "is absolute"),
        ("C:/x", "is absolute"),
        ("a\\..\\b", "has a backslash"),
        ("a//b", "has an empty component"),
        ("a/", "has an empty component"),
        ("./a", "has a component '.'"),
        (".git/config", "is in git's own folder"),
        ("sub/.GIT/hooks/x", "is in git's own folder"),
        ("git~1/x", "is in git's own folder"),
        (".lightgen/state.toml", "is in lightgen's own folder"),
        ("Lightgen.toml", "is the spec file, which is the user's"),
        ("a\nb", "has a character that cannot be shown"),
        (".g\u200dit/x", "has a character that cannot be shown"),
        ("a\u202eb", "has a character that cannot be shown"),
        ("x" * 256, "has a name of more than 255 bytes"),
        ("ab:c", "has a name that Windows does not allow ('ab:c')"),
        ("aux.py", "has a name that Windows does not allow ('aux.py')"),
        ("COM1", "has a name that Windows does not allow ('COM1')"),
        ("a.", "has a name that Windows does not allow ('a.')"),
        ("what?", "has a name that Windows does not allow ('what?')"),
    ],
)
def test_a_path_that_is_none_for_the_project_is_refused(
    make_pack: MakePack, wish: str, what: str
) -> None:
    pack = make_pack({"{{ cookiecutter.slug }}": ""})
    assert refusal(lambda: rendered(pack, slug=wish)) == (
        f"{TOP}/{{{{ cookiecutter.slug }}}}: its path, {wish!r}, {what}"
    )


@pytest.mark.parametrize(
    "path", ["a.py", ".gitignore", "auxiliary.py", "a/lightgen.toml", "src/ünï.py", "a b", "...a"]
)
def test_other_paths_are_fine(path: str) -> None:
    assert path_fault(path) == ""


def test_a_folder_whose_name_comes_out_empty_is_refused(make_pack: MakePack) -> None:
    pack = make_pack({"{% if cookiecutter.docs %}docs{% endif %}/a": ""}, docs=False)
    assert refusal(lambda: rendered(pack)).endswith("its path, '/a', is absolute")


@pytest.mark.parametrize(
    ("one", "other"), [("a/b", "A/B"), ("\u00e9", "e\u0301"), ("a", "a/b"), ("A", "a/b/c")]
)
def test_paths_that_clash_are_found(one: str, other: str) -> None:
    assert clashes([other, one, "z"]) in ([(one, other)], [(other, one)])


def test_two_files_with_one_path_are_refused(make_pack: MakePack) -> None:
    pack = make_pack({"a": "", "{{ cookiecutter.slug }}": ""})
    assert refusal(lambda: rendered(pack, slug="a")) == (
        f"{TOP}/{{{{ cookiecutter.slug }}}}: its path, 'a', is also that of {TOP}/a"
    )
    assert refusal(lambda: rendered(pack, slug="A")) == (
        f"{TOP}/a: its path, 'a', cannot stand beside 'A' of {TOP}/{{{{ cookiecutter.slug }}}}"
    )


def test_all_wrong_paths_are_told_at_once(make_pack: MakePack) -> None:
    pack = make_pack({"{{ cookiecutter.slug }}": "", "x/{{ cookiecutter.slug }}": ""})
    assert len(refusal(lambda: rendered(pack, slug="..")).splitlines()) == 2


# --- code


HOOK = """\
from pathlib import Path
Path("made.txt").write_text("{{ cookiecutter.slug }} {{ lightgen.package }}")
Path("gone.txt").unlink()
print("a hook was here")
"""
EXTENSION = """\
from jinja2.ext import Extension

class Shout(Extension):
    def __init__(self, environment):
        super().__init__(environment)
        environment.filters["shout"] = lambda text: text.upper() + "!"
"""


def test_hooks_and_extensions_are_named_and_refused(make_pack: MakePack) -> None:
    pack = make_pack(
        {
            "a": "",
            "/hooks/post_gen_project.py": "",
            "/hooks/pre_prompt.sh": "",
            "/hooks/pre_gen_project.py~": "",
            "/hooks/lib/pre_prompt.py": "",
            "/hooks/README": "",
        },
        _extensions=["local.Shout"],
    )
    assert code_in(pack) == (
        "hooks/post_gen_project.py",
        "hooks/pre_prompt.sh",
        "the extension local.Shout",
    )
    assert refusal(lambda: rendered(pack)) == (
        f"template.source: the pack '{pack.source}' wants to execute code: "
        "hooks/post_gen_project.py, hooks/pre_prompt.sh, the extension local.Shout; "
        "read it, then allow it with --trust"
    )


def test_a_pack_without_code_has_none(make_pack: MakePack) -> None:
    assert code_in(make_pack({"hooks/pre_gen_project.py": ""}, _extensions=[])) == ()


def test_the_extensions_of_an_untrusted_pack_are_not_imported(
    make_pack: MakePack, tmp_path: Path
) -> None:
    pack = make_pack(
        {"a": "", "/evil.py": f"open({str(tmp_path / 'ran')!r}, 'w')"}, _extensions=["evil.X"]
    )
    refusal(lambda: rendered(pack))
    refusal(lambda: resolved(make_pack({"a": ""}, title="{{ 'x' | shout }}")))
    assert not (tmp_path / "ran").exists()
    assert "evil" not in sys.modules


def test_with_trust_hooks_and_extensions_run(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    root = write(
        tmp_path / "pack",
        {
            "gone.txt": "",
            "run.sh": "{{ cookiecutter.loud }}\r\n",
            "x.bin": b"\0{{ x }}",
            "raw.txt": "{{ x }}",
            "year": "{% now 'utc', '%Y' %}",
            "{{ lightgen.package }}/{{ cookiecutter.slug }}": "{{ 'b' | shout }}",
            "/hooks/post_gen_project.py": HOOK,
            "/hooks/pre_prompt.py": "open('extra.txt', 'w').close()",
            "/local/__init__.py": EXTENSION,
        },
        loud="{{ cookiecutter.slug | shout }}",
        _extensions=["local.Shout"],
        _copy_without_render=["raw.txt"],
    )
    (root / TOP / "run.sh").chmod(0o755)
    files = render(fetch(str(root)), {"slug": "me"}, CONTEXT, trust=True)
    assert re.fullmatch("[0-9]{4}", files["year"].text)
    assert {path: file.content for path, file in files.items() if path != "year"} == {
        "digits_run/me": b"B!",
        "made.txt": b"me digits_run",
        "raw.txt": b"{{ x }}",
        "run.sh": b"ME!\r\n",
        "x.bin": b"\0{{ x }}",
    }
    assert [path for path, file in files.items() if file.executable] == ["run.sh"]
    assert capfd.readouterr() == ("", "")
    assert "local" not in sys.modules


def test_a_hook_that_fails_is_told_with_what_it_printed(make_pack: MakePack) -> None:
    pack = make_pack(
        {"a": "", "/hooks/pre_gen_project.py": "print('no such thing'); raise SystemExit(3)"}
    )
    assert refusal(lambda: render(pack, {}, {}, trust=True)) == (
        "template.source: cookiecutter cannot generate the pack: "
        "Hook script failed (exit status: 3); it printed: no such thing"
    )


def test_a_missing_extension_is_told(make_pack: MakePack) -> None:
    pack = make_pack({"a": ""}, _extensions=["no_such_module.X"])
    message = refusal(lambda: render(pack, {}, {}, trust=True))
    assert message.startswith(
        "template.source: cookiecutter cannot generate the pack: Unable to load extension: "
    )
    assert "no_such_module" in message


def test_a_trusted_pack_is_told_its_own_errors(make_pack: MakePack) -> None:
    pack = make_pack({"a/b": "\n{{ cookiecutter.slgu }}"})
    assert refusal(lambda: render(pack, {}, {}, trust=True)) == (
        f"{TOP}/a/b:2: 'dict object' has no attribute 'slgu'; did you mean 'slug'?"
    )
    assert refusal(lambda: render(pack, {"slgu": "x"}, {}, trust=True)) == (
        "template.variables.slgu: the pack has no such variable; did you mean 'slug'?"
    )


def test_a_trusted_pack_ending_its_process_is_told(make_pack: MakePack) -> None:
    pack = make_pack({"a": "", "/end.py": "import os; os._exit(0)"}, _extensions=["end.X"])
    assert refusal(lambda: render(pack, {}, {}, trust=True)) == (
        "template.source: the pack ended the process that generated it"
    )


def test_a_trusted_pack_cannot_write_elsewhere_by_a_name(
    make_pack: MakePack, tmp_path: Path
) -> None:
    pack = make_pack({"{{ cookiecutter.file }}": ""}, file="ok")
    assert "'../../x', leaves the project" in refusal(
        lambda: render(pack, {"file": "../../x"}, {}, trust=True)
    )
    assert refusal(lambda: render(pack, {"slug": "../x"}, {}, trust=True)) == (
        f"{TOP}: its path, '../x', leaves the project"
    )


@pytest.mark.parametrize(
    ("code", "what"),
    [
        (
            "open('lightgen.toml', 'w')",
            "lightgen.toml: its path, 'lightgen.toml', is the spec file",
        ),
        (
            "import os; os.symlink('/etc/passwd', 'p')",
            "template.source: what the pack generated: p is a link that leads outside",
        ),
    ],
)
def test_what_a_hook_makes_is_checked_too(make_pack: MakePack, code: str, what: str) -> None:
    pack = make_pack({"a": "", "/hooks/post_gen_project.py": code})
    assert refusal(lambda: render(pack, {}, {}, trust=True)).startswith(what)


def test_a_repository_that_a_hook_makes_is_left_behind(make_pack: MakePack) -> None:
    code = "import os; os.mkdir('.git'); open('.git/config', 'w')"
    pack = make_pack({"a": "", "/hooks/post_gen_project.py": code})
    assert set(render(pack, {}, {}, trust=True)) == {"a"}


# --- the package


def test_neither_cookiecutter_nor_jinja_is_imported_for_nothing() -> None:
    code = "import sys, lightgen.packs; print({'jinja2', 'cookiecutter'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
