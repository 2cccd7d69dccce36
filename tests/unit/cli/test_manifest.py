"""Task files are read strictly, and what is written is read back the same."""

import pytest

from distributedjob.cli.manifest import diff_of, dump_manifests, parse_manifests, read_manifests
from distributedjob.model.errors import Invalid

TASK = "name: a\ntarget: {kind: http, url: 'http://x'}\n"


def read(text):
    return parse_manifests(text, source="t.yaml")


def test_a_file_holds_several_documents():
    assert [manifest.name for manifest in read(f"{TASK}---\nname: b\n")] == ["a", "b"]


def test_an_empty_document_is_passed_over():
    assert len(read(f"{TASK}---\n")) == 1


def test_an_instant_stays_text():
    [manifest] = read("name: a\nat: 2026-03-29T02:30:00Z\n")
    assert manifest.task["at"] == "2026-03-29T02:30:00Z"


def test_a_key_that_stands_twice_is_refused_with_its_place():
    with pytest.raises(Invalid, match="'name' stands twice in line 2"):
        read("name: a\nname: b\n")


def test_a_key_that_is_not_text_is_refused():
    with pytest.raises(Invalid, match="True is not text; quote it"):
        read("name: a\non: 1\n")


def test_broken_yaml_is_refused_with_its_line():
    with pytest.raises(Invalid, match="line 2"):
        read("name: a\n  target: [\n")


@pytest.mark.parametrize("text", ["- a\n- b\n", "just text\n", "42\n"])
def test_a_document_that_is_no_mapping_is_refused(text):
    with pytest.raises(Invalid, match="is not a task"):
        read(text)


def test_a_task_without_a_name_is_refused():
    with pytest.raises(Invalid, match="no 'name'"):
        read("target: {}\n")


def test_an_object_of_python_is_refused():
    with pytest.raises(Invalid, match="could not determine a constructor"):
        read("name: !!python/object/apply:os.system ['true']\n")


def test_a_name_that_stands_twice_is_refused(tmp_path):
    file = tmp_path / "t.yaml"
    file.write_text(f"{TASK}---\n{TASK}")
    with pytest.raises(Invalid, match="'a' stands twice"):
        read_manifests([str(file)])


def test_a_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(Invalid, match=r"cannot read .*nowhere\.yaml: No such file"):
        read_manifests([str(tmp_path / "nowhere.yaml")])


def test_a_file_without_a_task_is_refused(tmp_path):
    file = tmp_path / "empty.yaml"
    file.write_text("# nothing\n")
    with pytest.raises(Invalid, match="no document"):
        read_manifests([str(file)])


def test_what_is_written_is_read_back_the_same():
    task = {"name": "a", "target": {"url": "http://x", "body": {"kind": "text", "content": "one\ntwo: 2026-01-01\n"}}}
    [manifest] = read(dump_manifests([task]))
    assert manifest.task == task


def test_the_same_task_has_no_diff():
    assert diff_of({"name": "a"}, {"name": "a"}, name="a") == ""


def test_a_diff_shows_the_line_that_changes():
    assert "+enabled: false" in diff_of({"name": "a", "enabled": True}, {"name": "a", "enabled": False}, name="a")
